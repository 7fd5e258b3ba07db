"""What flows and tasks have in common as objects: options, copies, hooks, and being methods."""

import copy
import dataclasses
import functools
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ClassVar, Self, TypeVar

from perdure._execution import option_checks
from perdure._execution.drawing import Way, draw_call
from perdure._execution.map_window import Submitted
from perdure._execution.mapping import mapped
from perdure._execution.named_options import CommonOptions, Options
from perdure._model.argument_binding import Passed
from perdure._model.argument_marks import unmapped
from perdure._model.colour import caller_is_async
from perdure._model.coroutine_marks import CoroutineMarks

T = TypeVar("T")
_BY_POSITION = [Passed(number, frozenset()) for number in range(8)]  # most calls, which need none of their own


class Decorated(CommonOptions[Options], CoroutineMarks):
    """A function with options, which may be a method."""

    kind: ClassVar[str]  # "flow" or "task"

    def __init__(self, function: Callable[..., object], options: Options) -> None:
        functools.update_wrapper(self, options.function)  # type: ignore[arg-type] # first: it copies the function's own attributes
        self.options: Options = options
        self._instance: object = None  # what a method is bound to
        self._is_static = isinstance(function, staticmethod)
        self._is_of_class = isinstance(function, classmethod)

    @property
    def _gives_coroutine(self) -> bool:
        return self.options.is_async and not self.options.is_generator

    def with_options(self, **options: object) -> Self:
        """A copy with some of the decorator's options replaced; all others stay.

        Raises:
            DefinitionError: an option is wrong.
            TypeError: an option is unknown.
        """
        derived = copy.copy(self)
        derived.options = option_checks.changed(self.options, options, self.kind)
        return derived

    def on_running(self, hook: Callable[..., T]) -> Callable[..., T]:
        """Add a hook that is called when a run begins to run, once whatever its retries; a decorator."""
        return self._add_hook("on_running", hook)

    def on_completion(self, hook: Callable[..., T]) -> Callable[..., T]:
        """Add a hook that is called when a run completes; a decorator."""
        return self._add_hook("on_completion", hook)

    def on_failure(self, hook: Callable[..., T]) -> Callable[..., T]:
        """Add a hook that is called when a run fails for good; a decorator."""
        return self._add_hook("on_failure", hook)

    def on_cancellation(self, hook: Callable[..., T]) -> Callable[..., T]:
        """Add a hook that is called when a run is cancelled; a decorator."""
        return self._add_hook("on_cancellation", hook)

    def on_crashed(self, hook: Callable[..., T]) -> Callable[..., T]:
        """Add a hook that is called when a run is stopped from outside; a decorator."""
        return self._add_hook("on_crashed", hook)

    def _add_hook(self, option: str, hook: Callable[..., T]) -> Callable[..., T]:
        hooks: Any = {option: (*getattr(self.options, option), hook)}
        self.options = dataclasses.replace(self.options, **hooks)
        return hook

    def _bound_to(self, instance: object, owner: type | None) -> Self:
        """What an attribute look-up gives: a copy that passes the instance, or the class, as its first argument."""
        target = owner if self._is_of_class else instance
        if target is None or self._is_static:
            return self
        bound = copy.copy(self)
        bound._instance = target
        return bound

    def _bind(self, args: Sequence[object], kwargs: dict[str, object]) -> dict[str, object]:
        if self._instance is not None:
            args = (self._instance, *args)
        return self.options.signature.bind(self.options.own_name, args, kwargs)

    def _passed(self, args: Sequence[object], kwargs: dict[str, object]) -> Passed:
        """How a call passes its arguments."""
        positional = len(args) + (self._instance is not None)
        if not kwargs and positional < len(_BY_POSITION):
            return _BY_POSITION[positional]
        return Passed(positional, frozenset(kwargs))

    def _map(
        self,
        args: Sequence[object],
        kwargs: dict[str, object],
        submit: Callable[[dict[str, object], Passed], Submitted],
    ) -> Any:
        """The mapped futures of a call for each item, each of which `submit` submits."""
        signature, passed = self.options.signature, self._passed(args, kwargs)
        parameters = signature.spread(self._bind(args, kwargs))
        given = {name for name, value in parameters.items() if name in kwargs or not self._is_default(name, value)}
        if self._instance is not None:
            first = next(iter(parameters))
            parameters[first] = unmapped(parameters[first])
        loop = None
        if caller_is_async():
            import asyncio

            loop = asyncio.get_running_loop()

        def submit_row(row: dict[str, object]) -> Submitted:
            return submit(signature.gather(row), passed)

        return mapped(self.name, parameters, given, submit_row, loop, self.options.is_async)

    def _draw(self, way: Way, args: Sequence[object], kwargs: dict[str, object], wait_for: object) -> object:
        """What stands for a call's result, if it is made by a flow that is drawn; else None."""
        upstream = list(wait_for) if isinstance(wait_for, list | tuple | set) else [wait_for]
        return draw_call(self.options, args, {**kwargs, "wait_for": upstream}, way)

    def _is_default(self, name: str, value: object) -> bool:
        parameter = self.options.signature.inspected.parameters.get(name)
        return parameter is not None and parameter.default is value

    def _named(self, coroutine: Coroutine[object, object, T]) -> Coroutine[object, object, T]:
        """A coroutine under the name of the function: Python says it of one that was never awaited."""
        coroutine.__name__ = coroutine.__qualname__ = self.name  # type: ignore[attr-defined]
        return coroutine

    def __copy__(self) -> Self:
        """One of its own: without this, copying would go by `__reduce_ex__` and find the original."""
        same = object.__new__(type(self))
        same.__dict__.update(self.__dict__)
        return same

    def __reduce_ex__(self, protocol: Any) -> tuple[object, ...] | str:
        function = self.options.function
        # cloudpickle takes what is of the main program by value, for processes that have another one; pickle does not.
        by_value = "cloudpickle" in sys._getframe(1).f_globals.get("__name__", "")
        if self._instance is None and option_checks.is_named(self, function, by_value):
            return option_checks.find_definition, (function.__module__, function.__qualname__)
        return super().__reduce_ex__(protocol)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"
