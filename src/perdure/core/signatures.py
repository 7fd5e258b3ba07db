"""Binding a call's arguments to parameters, with a fast path for plain signatures."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from perdure.core.errors import ParameterBindError

_PLAIN = inspect.Parameter.POSITIONAL_OR_KEYWORD
_KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY
_EMPTY = inspect.Parameter.empty


class Signature:
    """A function's signature and kind, looked at once, at definition."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.inspected = inspect.signature(function)
        parameters = self.inspected.parameters.values()
        self.names = tuple(self.inspected.parameters)
        self._defaults = {each.name: each.default for each in parameters if each.default is not _EMPTY}
        self._positional = tuple(each.name for each in parameters if each.kind is _PLAIN)
        self.is_plain = all(each.kind in (_PLAIN, _KEYWORD_ONLY) for each in parameters)
        plain_function = _unwrap(function)
        self.is_generator = inspect.isgeneratorfunction(plain_function) or inspect.isasyncgenfunction(plain_function)
        self.is_async = inspect.iscoroutinefunction(plain_function) or inspect.isasyncgenfunction(plain_function)

    def bind(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
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
                    return bound
        return self._bind_slowly(name, args, kwargs)

    def _bind_slowly(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        try:
            bound = self.inspected.bind(*args, **kwargs)
        except TypeError as error:
            raise ParameterBindError(
                f"{name}{self.inspected} cannot be called with these arguments: {error}."
                " Give it the parameters of its signature."
            ) from None
        bound.apply_defaults()
        return dict(bound.arguments)

    def spread(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters with `*args` and `**kwargs` taken apart, each item under a name such as `args[0]`."""
        spread: dict[str, Any] = {}
        for name, value in parameters.items():
            kind = self.inspected.parameters[name].kind
            if kind is inspect.Parameter.VAR_POSITIONAL:
                spread |= {f"{name}[{index}]": each for index, each in enumerate(value)}
            elif kind is inspect.Parameter.VAR_KEYWORD:
                spread |= {f"{name}[{key}]": each for key, each in value.items()}
            else:
                spread[name] = value
        return spread

    def gather(self, spread: dict[str, Any]) -> dict[str, Any]:
        """What `spread` took apart, put together."""
        if self.is_plain:
            return spread
        parameters: dict[str, Any] = {}
        for name, value in spread.items():
            whole, bracket, key = name.partition("[")
            if not bracket:
                parameters[name] = value
            elif self.inspected.parameters[whole].kind is inspect.Parameter.VAR_POSITIONAL:
                parameters[whole] = (*parameters.get(whole, ()), value)
            else:
                parameters.setdefault(whole, {})[key[:-1]] = value
        return parameters

    def unbind(self, parameters: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The positional and keyword arguments that pass these parameters."""
        if self.is_plain:
            return (), dict(parameters)
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for name, parameter in self.inspected.parameters.items():
            if name not in parameters:
                continue
            value = parameters[name]
            if parameter.kind is parameter.VAR_POSITIONAL:
                args.extend(value)
            elif parameter.kind is parameter.VAR_KEYWORD:
                kwargs.update(value)
            elif parameter.kind is parameter.KEYWORD_ONLY:
                kwargs[name] = value
            else:
                args.append(value)
        return tuple(args), kwargs


def _unwrap(function: Any) -> Any:
    """The function that decides what kind of call this is: below partials and callable objects."""
    while isinstance(function, functools.partial):
        function = function.func
    if inspect.isfunction(function) or inspect.ismethod(function) or inspect.isbuiltin(function):
        return function
    return getattr(function, "__call__", function)  # noqa: B004 - an instance that defines __call__
