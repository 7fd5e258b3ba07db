"""Binding a call's arguments to parameters, with a fast path for plain signatures."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from perdure._model.errors import ParameterBindError
from perdure._platform import annotations
from perdure._platform.named import NamedTuple

_PLAIN = inspect.Parameter.POSITIONAL_OR_KEYWORD
_KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY
_POSITIONAL_ONLY = inspect.Parameter.POSITIONAL_ONLY
_VAR_POSITIONAL = inspect.Parameter.VAR_POSITIONAL
_VAR_KEYWORD = inspect.Parameter.VAR_KEYWORD
_EMPTY = inspect.Parameter.empty


class Passed(NamedTuple):
    """How a call passed its arguments: a decorator below ours may treat what comes by position otherwise."""

    positional: int  # how many came by position
    keywords: frozenset[str]  # what came by name


class Signature:
    """A function's signature and kind, looked at once, at definition."""

    def __init__(self, function: Callable[..., object]) -> None:
        self.inspected = signature_of(function)
        self._function = function
        parameters = self.inspected.parameters.values()
        self.names = tuple(self.inspected.parameters)
        self._defaults = {each.name: each.default for each in parameters if each.default is not _EMPTY}
        self._positional = tuple(each.name for each in parameters if each.kind is _PLAIN)
        self._variable = [(each.name, each.kind) for each in parameters if each.kind in (_VAR_POSITIONAL, _VAR_KEYWORD)]
        self.is_plain = all(each.kind in (_PLAIN, _KEYWORD_ONLY) for each in parameters)
        plain_function = _unwrap(function)
        self.is_generator = inspect.isgeneratorfunction(plain_function) or inspect.isasyncgenfunction(plain_function)
        self.is_async = inspect.iscoroutinefunction(plain_function) or inspect.isasyncgenfunction(plain_function)

    def bind(self, name: str, args: Sequence[object], kwargs: Mapping[str, object]) -> dict[str, object]:
        """All parameters by name, defaults filled in.

        Raises:
            ParameterBindError: the arguments do not fit; `name` is whose they are.
        """
        positional = self._positional
        if self.is_plain and len(args) <= len(positional):
            bound = dict(zip(positional, args, strict=False))
            if len(bound) == len(self.names) and not kwargs:
                return bound
            if bound.keys().isdisjoint(kwargs):
                bound = {**self._defaults, **bound, **kwargs}
                if len(bound) == len(self.names) and bound.keys() == self.inspected.parameters.keys():
                    return {each: bound[each] for each in self.names}
        return self._bind_slowly(name, args, kwargs)

    def _bind_slowly(self, name: str, args: Sequence[object], kwargs: Mapping[str, object]) -> dict[str, object]:
        try:
            bound = self.inspected.bind(*args, **kwargs)
        except TypeError as error:
            raise ParameterBindError(
                f"{name}{self.inspected} cannot be called with these arguments: {error}."
                " Give it the parameters of its signature."
            ) from None
        bound.apply_defaults()
        return dict(bound.arguments)

    def spread(self, parameters: Mapping[str, Any]) -> dict[str, object]:
        """The parameters with `*args` and `**kwargs` taken apart, each item under a name such as `args[0]`."""
        spread: dict[str, object] = {}
        for name, value in parameters.items():
            kind = self.inspected.parameters[name].kind
            if kind is inspect.Parameter.VAR_POSITIONAL:
                spread |= {f"{name}[{index}]": each for index, each in enumerate(value)}
            elif kind is inspect.Parameter.VAR_KEYWORD:
                spread |= {f"{name}[{key}]": each for key, each in value.items()}
            else:
                spread[name] = value
        return spread

    def gather(self, spread: dict[str, object]) -> dict[str, object]:
        """What `spread` took apart, put together, in the order of the signature."""
        if self.is_plain:
            return {name: spread[name] for name in self.names}
        parameters: dict[str, Any] = {}
        for name, value in spread.items():
            whole, bracket, key = name.partition("[")
            if not bracket:
                parameters[name] = value
            elif self.inspected.parameters[whole].kind is inspect.Parameter.VAR_POSITIONAL:
                parameters[whole] = (*parameters.get(whole, ()), value)
            else:
                parameters.setdefault(whole, {})[key[:-1]] = value
        empty: dict[str, object] = {name: () if kind is _VAR_POSITIONAL else {} for name, kind in self._variable}
        return {name: parameters[name] if name in parameters else empty[name] for name in self.names}

    def unbind(
        self, parameters: Mapping[str, Any], passed: Passed | None
    ) -> tuple[tuple[object, ...], dict[str, object]]:
        """The positional and keyword arguments that pass these parameters as the call did; None: it is not known how.

        A default that was not replaced is left to the function, as Python leaves it.
        """
        by_position, keywords = (self._by_position, None) if passed is None else passed
        if self.is_plain and by_position == len(self.names) == len(parameters):
            return tuple([parameters[name] for name in self.names]), {}
        if self.is_plain and keywords is not None and not keywords and len(parameters) == len(self.names):
            rest = {name: parameters[name] for name in self.names[by_position:]}
            changed = {name: value for name, value in rest.items() if value is not self._defaults[name]}
            return tuple([parameters[name] for name in self.names[:by_position]]), changed
        args: list[object] = []
        kwargs: dict[str, object] = {}
        held: list[object] = []  # positional-only defaults: passed only if one behind them is
        for index, (name, parameter) in enumerate(self.inspected.parameters.items()):
            if name not in parameters:
                continue
            value, kind = parameters[name], parameter.kind
            is_left_out = keywords is not None and name not in keywords and value is parameter.default
            if kind is _VAR_POSITIONAL:
                args.extend((*held, *value) if value else ())
            elif kind is _VAR_KEYWORD:
                kwargs.update(value)
            elif kind is _POSITIONAL_ONLY and index >= by_position:
                held.append(value)
                if not is_left_out:
                    args, held = [*args, *held], []
            elif kind is _KEYWORD_ONLY or index >= by_position:
                if not is_left_out:
                    kwargs[name] = value
            else:
                args.append(value)
        return tuple(args), kwargs

    @functools.cached_property
    def _by_position(self) -> int:
        """How many parameters the function itself, which may be a decorator's wrapper, takes by position."""
        kinds = [each.kind for each in signature_of(self._function, follow_wrapped=False).parameters.values()]
        if _VAR_POSITIONAL in kinds:
            return len(self.names)
        return sum(kind in (_PLAIN, _POSITIONAL_ONLY) for kind in kinds)


def _anything(*args: object, **kwargs: object) -> None:
    """Has the signature of a function that has none: some builtins do not say what they take."""


def signature_of(function: Callable[..., object], follow_wrapped: bool = True) -> inspect.Signature:
    """The signature of a function, or one that takes anything."""
    try:
        return annotations.signature(function, follow_wrapped)
    except ValueError:
        return inspect.signature(_anything)


def _unwrap(function: object) -> object:
    """The function that decides what kind of call this is: below partials and callable objects."""
    while isinstance(function, functools.partial):
        function = function.func
    if inspect.isfunction(function) or inspect.ismethod(function) or inspect.isbuiltin(function):
        return function
    return getattr(function, "__call__", function)  # noqa: B004 - an instance that defines __call__
