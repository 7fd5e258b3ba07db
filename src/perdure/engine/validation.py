"""Checking and coercing a flow's parameters by its type hints."""

import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any

from perdure.core.errors import ParameterTypeError
from perdure.core.options import FlowOptions
from perdure.core.secrecy import HIDDEN, is_secret_name, shortened, without_secrets
from perdure.core.signatures import signature_of
from perdure.results.previews.text import beginning
from perdure.results.previews.tree import Tree

# A value of exactly one of these types is what its hint asks for; checking it needs no import of pydantic.
_EXACT = frozenset({int, float, str, bytes, bool})


def validated(options: FlowOptions, parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters, coerced as pydantic does it; defaults are taken as they are.

    Raises:
        ParameterTypeError: some do not fit; all of them are named.
    """
    hints = _hints(options.function)
    if not hints:
        return parameters
    problems = []
    result = dict(parameters)
    for name, value in parameters.items():
        hint = hints.get(name, Any)
        if hint is Any or (hint in _EXACT and type(value) is hint) or _is_default(options, name, value):
            continue
        try:
            result[name] = _validator(hint)(value)
        except ValueError as error:
            problems.append(f"{name}={_shown(name, value)} ({without_secrets(_reasons(error))})")
    if problems:
        raise ParameterTypeError(
            f"Flow '{options.name}' was called with parameters that do not fit its type hints: {'; '.join(problems)}."
            " Pass values that fit, or define the flow with validate_parameters=False."
        )
    return result


_SHOWN = 300  # characters of a value that a message shows


def _shown(name: str, value: Any) -> str:
    """A value for people, without secrets; no more of a large one is looked at than is shown."""
    if is_secret_name(name):
        return HIDDEN
    if isinstance(value, str):
        return repr(beginning(value, _SHOWN)) + "…" * (len(value) > _SHOWN)
    known = value[:_SHOWN] if isinstance(value, bytes) else Tree(_SHOWN).of(value)
    text = known if isinstance(known, str) else repr(known)
    return shortened(text, _SHOWN) + "…" * (len(text) > _SHOWN)


def _is_default(options: FlowOptions, name: str, value: Any) -> bool:
    return options.signature.inspected.parameters[name].default is value


@functools.lru_cache(maxsize=1_000)
def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """The type hint of each parameter; those that cannot be resolved at run time accept anything."""
    target = inspect.unwrap(function)
    try:
        hints = typing.get_type_hints(target, include_extras=True)
    except (NameError, TypeError):
        annotations = getattr(target, "__annotations__", {})
        hints = {name: hint for name, hint in annotations.items() if not isinstance(hint, str)}
    kinds = signature_of(function).parameters
    return {name: _of_kind(hints[name], kinds[name]) for name in kinds if name in hints}


def _of_kind(hint: Any, parameter: inspect.Parameter) -> Any:
    if parameter.kind is parameter.VAR_POSITIONAL:
        return tuple[hint, ...]
    return dict[str, hint] if parameter.kind is parameter.VAR_KEYWORD else hint


def _validator(hint: Any) -> Callable[[Any], Any]:
    try:
        return _cached_validator(hint)
    except TypeError:  # a hint that cannot be hashed
        return _make_validator(hint)


def _make_validator(hint: Any) -> Callable[[Any], Any]:
    from pydantic import ConfigDict, PydanticUserError, TypeAdapter

    try:
        return TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True)).validate_python
    except PydanticUserError:  # the type brings its own configuration
        return TypeAdapter(hint).validate_python


_cached_validator = functools.lru_cache(maxsize=1_000)(_make_validator)


def _reasons(error: ValueError) -> str:
    """What pydantic found, shortly: each place inside the value and its reason."""
    errors = getattr(error, "errors", None)
    if errors is None:
        return str(error)
    found = []
    for each in errors(include_url=False):
        place = ".".join(map(str, each["loc"]))
        found.append(f"{place}: {each['msg']}" if place else str(each["msg"]))
    return ", ".join(found)
