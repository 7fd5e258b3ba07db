"""Checking and coercing a flow's parameters by its type hints."""

import functools
import inspect
import logging
import typing
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any

from perdure._model.argument_binding import signature_of
from perdure._model.errors import ParameterTypeError
from perdure._model.options import FlowOptions
from perdure._platform.annotations import own_annotations, own_texts
from perdure._platform.lazy_import import LazyModule
from perdure._platform.redaction import REDACTED, is_secret_name, redact, shortened

if TYPE_CHECKING:
    from perdure._previews import text, tree
else:  # few programs need them; the others start faster
    text = LazyModule("perdure._previews.text")
    tree = LazyModule("perdure._previews.tree")

_log = logging.getLogger("perdure.flow_runs")

# A value of exactly one of these types is what its hint asks for; checking it needs no import of pydantic.
_EXACT = frozenset({int, float, str, bytes, bool})


def validated(options: FlowOptions, parameters: dict[str, Any]) -> dict[str, object]:
    """The parameters, coerced as pydantic does it, and so are defaults; None as a default always fits.

    A default that is one of pydantic's fields, such as `Field(3, ge=1)`, says the value and its limits.

    Raises:
        ParameterTypeError: some do not fit; all of them are named.
    """
    hints = hints_of(options.function)
    problems = []
    result = dict(parameters)
    for name, value in parameters.items():
        default = options.signature.inspected.parameters[name].default
        hint = hints.get(name, Any)
        if type(default).__name__ == "FieldInfo":
            hint = Annotated[hint, default]
            if value is default:
                value = default.get_default(call_default_factory=True)
                if type(value).__name__ == "PydanticUndefinedType":
                    problems.append(f"{name} (it is required and was not given)")
                    continue
                result[name] = value
        elif hint is Any or (hint in _EXACT and type(value) is hint) or (value is None and default is None):
            continue
        try:
            result[name] = _validator(hint, options.name, name)(value)
        except ValueError as error:
            problems.append(f"{name}={_shown(name, value)} ({redact(_reasons(error))})")
    if problems:
        raise ParameterTypeError(
            f"Flow '{options.name}' was called with parameters that do not fit its type hints: {'; '.join(problems)}."
            " Pass values that fit, or define the flow with validate_parameters=False."
        )
    return result


_SHOWN = 300  # characters of a value that a message shows


def _shown(name: str, value: object) -> str:
    """A value for people, without secrets; no more of a large one is looked at than is shown."""
    if is_secret_name(name):
        return REDACTED
    if isinstance(value, str):
        return repr(text.beginning(value, _SHOWN)) + "…" * (len(value) > _SHOWN)
    known = value[:_SHOWN] if isinstance(value, bytes) else tree.Tree(_SHOWN).of(value)
    shown = known if isinstance(known, str) else repr(known)
    return shortened(shown, _SHOWN) + "…" * (len(shown) > _SHOWN)


@functools.lru_cache(maxsize=1_000)
def hints_of(function: Callable[..., object]) -> dict[str, object]:
    """The type hint of each parameter; those that cannot be resolved at run time accept anything, which is logged."""
    target = inspect.unwrap(function)
    annotations = own_annotations(target)
    kinds = signature_of(function).parameters
    try:
        hints = typing.get_type_hints(target, include_extras=True)
    except (NameError, TypeError, AttributeError, SyntaxError):
        hints = {name: _resolved(target, name, annotations[name]) for name in kinds if name in annotations}
    return {name: _of_kind(hints[name], kinds[name]) for name in kinds if name in hints}


def _resolved(target: object, name: str, hint: object) -> object:
    """One hint by itself, so that another's name that is not there at run time is of no concern."""
    alone = SimpleNamespace(__annotations__={name: hint})
    try:
        return typing.get_type_hints(alone, getattr(target, "__globals__", {}), include_extras=True)[name]
    except Exception as error:
        _log.warning(
            "The parameter '%s' of '%s' is not validated: its type hint %s cannot be had at run time (%s). Import it"
            " outside `if TYPE_CHECKING`, or define the flow with validate_parameters=False.",
            *(name, getattr(target, "__qualname__", target), own_texts(target).get(name, hint), error),
        )
        return Any


def _of_kind(hint: Any, parameter: inspect.Parameter) -> object:
    if parameter.kind is parameter.VAR_POSITIONAL:
        return tuple[hint, ...]
    return dict[str, hint] if parameter.kind is parameter.VAR_KEYWORD else hint


def _validator(hint: object, flow: str, name: str) -> Callable[[object], object]:
    try:
        return _cached_validator(hint, flow, name)
    except TypeError:  # a hint that cannot be hashed
        return _make_validator(hint, flow, name)


def _make_validator(hint: Any, flow: str, name: str) -> Callable[[object], object]:
    from pydantic import PydanticUserError

    if _is_old_model(hint):
        validate: Callable[[object], object] = hint.validate
        return validate
    try:
        return _adapter(hint)
    except (PydanticUserError, NameError, TypeError) as error:
        _log.warning(
            "The parameter '%s' of flow '%s' is not validated: pydantic 2 cannot use its type hint %s (%s). Use "
            "one that it supports, or define the flow with validate_parameters=False.",
            *(name, flow, hint, str(error).partition("\n")[0]),
        )
        return lambda value: value


def _adapter(hint: Any) -> Callable[[object], object]:
    from pydantic import ConfigDict, PydanticUserError, TypeAdapter

    if any(map(_is_old_model, _parts(hint))):
        raise TypeError("it has a model of pydantic 1 inside")
    try:
        return TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True)).validate_python
    except PydanticUserError:  # the type brings its own configuration
        return TypeAdapter(hint).validate_python


def _is_old_model(hint: object) -> bool:
    """Whether a hint is a model of pydantic 1."""
    return isinstance(hint, type) and hasattr(hint, "__get_validators__") and hasattr(hint, "parse_obj")


def _parts(hint: object) -> Iterator[object]:
    for part in typing.get_args(hint):
        yield part
        yield from _parts(part)


_cached_validator = functools.lru_cache(maxsize=1_000)(_make_validator)


def _reasons(error: ValueError) -> str:
    """What pydantic found, shortly: each place inside the value and its reason."""
    errors = getattr(error, "errors", None)
    if errors is None:
        return str(error)
    found = []
    for each in errors(include_url=False) if hasattr(error, "error_count") else errors():
        place = ".".join(map(str, each["loc"]))
        found.append(f"{place}: {each['msg']}" if place else str(each["msg"]))
    return ", ".join(found)
