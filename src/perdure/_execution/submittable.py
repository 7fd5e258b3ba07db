"""`submit` and `map`, which flows and tasks have alike."""

from abc import abstractmethod
from collections.abc import Coroutine, Sequence
from typing import Any, Generic, Literal, Never, ParamSpec, TypeVar, overload

from perdure._execution import drawing
from perdure._execution.decorated import Decorated
from perdure._execution.map_window import Submitted
from perdure._execution.mapping import AsyncMappedFutures, MappedFutures
from perdure._execution.named_options import Options
from perdure._model.argument_binding import Passed
from perdure._model.states import State
from perdure._run.arguments import WaitedFor, WaitFor, runs_of
from perdure._run.futures import AsyncFuture, Future

P = ParamSpec("P")
R = TypeVar("R", covariant=True)
T = TypeVar("T")


class Submittable(Decorated[Options], Generic[Options, P, R]):
    """A flow or task whose calls can be submitted to a task runner."""

    @abstractmethod
    def _submit(self, parameters: dict[str, object], passed: Passed, runs: Sequence[WaitedFor]) -> Submitted:
        """Have a call run, once the runs that it waits for have completed."""

    @overload
    def submit(
        self: "Submittable[Any, P, Coroutine[object, Never, T]]",
        /,
        *args: Any,
        return_state: Literal[True],
        **kwargs: Any,
    ) -> Coroutine[object, Never, State[T]]: ...
    @overload
    def submit(self, /, *args: Any, return_state: Literal[True], **kwargs: Any) -> State[R]: ...
    @overload
    def submit(
        self: "Submittable[Any, P, Never]", /, *args: Any, wait_for: WaitFor | None = None, **kwargs: Any
    ) -> Future[Any]:
        """Of one that returns Any: it would match the next one too."""

    @overload
    def submit(
        self: "Submittable[Any, P, Coroutine[object, Never, T]]",
        /,
        *args: Any,
        wait_for: WaitFor | None = None,
        **kwargs: Any,
    ) -> AsyncFuture[T]: ...
    @overload
    def submit(self, /, *args: Any, wait_for: WaitFor | None = None, **kwargs: Any) -> Future[R]: ...
    def submit(self, /, *args: Any, return_state: bool = False, wait_for: WaitFor | None = None, **kwargs: Any) -> Any:
        """Submit a call to the flow's task runner; a future, at once. Futures among the arguments are waited for.

        With `return_state=True`, waits and gives the state. A coroutine task runs on the caller's event
        loop in async code, and its future's methods are awaited; `await task.submit()` gives the future too.
        A flow runs in a thread of the runner, also where that has processes, and its own tasks on a runner of its own.

        Raises:
            ParameterBindError: the arguments do not fit the signature.
            DefinitionError: it is a flow that has an idempotency key.
        """
        if drawing.active and (drawn := self._draw("submit", args, kwargs, wait_for)) is not None:
            return drawn
        future = self._submit(self._bind(args, kwargs), self._passed(args, kwargs), runs_of(wait_for))
        return future.wait() if return_state else future

    @overload
    def map(
        self: "Submittable[Any, P, Coroutine[object, Never, T]]",
        /,
        *args: Any,
        return_state: Literal[True],
        **kwargs: Any,
    ) -> Coroutine[object, Never, list[State[T]]]: ...
    @overload
    def map(self, /, *args: Any, return_state: Literal[True], **kwargs: Any) -> list[State[R]]: ...
    @overload
    def map(
        self: "Submittable[Any, P, Never]", /, *args: Any, wait_for: WaitFor | None = None, **kwargs: Any
    ) -> MappedFutures[Any]:
        """Of one that returns Any: it would match the next one too."""

    @overload
    def map(
        self: "Submittable[Any, P, Coroutine[object, Never, T]]",
        /,
        *args: Any,
        wait_for: WaitFor | None = None,
        **kwargs: Any,
    ) -> AsyncMappedFutures[T]: ...
    @overload
    def map(self, /, *args: Any, wait_for: WaitFor | None = None, **kwargs: Any) -> MappedFutures[R]: ...
    def map(self, /, *args: Any, return_state: bool = False, wait_for: WaitFor | None = None, **kwargs: Any) -> Any:
        """Submit a call for each item of the arguments that are iterables; others, and `unmapped(...)` ones, are fixed.

        Texts, mappings, models, tables and open files are single values; `allow_failure(...)` round an iterable allows
        each of its items to fail. At most 1,000 calls wait or run at a time, so an iterable may be long or a generator.
        With `return_state=True`, waits and gives the list of states.

        Raises:
            ParameterBindError: the arguments do not fit the signature.
            MappingMissingIterable: no argument is an iterable.
            MappingLengthMismatch: the iterables have different lengths.
            DefinitionError: it is a flow that has an idempotency key.
        """
        if drawing.active and (drawn := self._draw("map", args, kwargs, wait_for)) is not None:
            return drawn
        runs = runs_of(wait_for)

        def submit(parameters: dict[str, object], passed: Passed) -> Submitted:
            return self._submit(parameters, passed, runs)

        futures = self._map(args, kwargs, submit)
        return futures.states() if return_state else futures
