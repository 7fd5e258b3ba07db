"""Tasks: the decorator and what it makes."""

import functools
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Concatenate, Generic, Literal, Never, ParamSpec, TypeVar, overload

from perdure._engine.coordination.staging import hook_key, hooked_tasks
from perdure._engine.identity.policies import (
    CachePolicy,
)
from perdure._engine.lifecycle.begin import begin_task, finish
from perdure._engine.lifecycle.task_run import TaskCall, task_run
from perdure._engine.lifecycle.timeouts import EnclosingTimeout
from perdure._execution import (  # `on_workers`: runners send its functions
    drawing,
    on_workers,  # noqa: F401
    option_checks,
)
from perdure._execution.generator_runs import aitems, items
from perdure._execution.named_options import OptionsOfTasks
from perdure._execution.submission import arun_task, run_task, submit_task
from perdure._execution.submittable import Submittable
from perdure._model.argument_binding import Passed
from perdure._model.colour import call_is_awaited
from perdure._model.options import Hook, RetryDelay, TaskOptions
from perdure._model.states import State
from perdure._model.tracebacks import fold
from perdure._run.arguments import WaitedFor, WaitFor, runs_of
from perdure._run.futures import AsyncFuture, Future
from perdure._session import session as sessions
from perdure._session.session import Session
from perdure._settings import settings

P = ParamSpec("P")
P2 = ParamSpec("P2")
R = TypeVar("R", covariant=True)
T = TypeVar("T")


class Task(Submittable[TaskOptions, P, R], OptionsOfTasks, Generic[P, R]):
    """A function whose calls are tracked. Made by `@task`.

    Call it as the plain function, or with `return_state=True` for its state; `submit` it to the
    flow's task runner for a future; `map` it over iterables. All three take `wait_for=`, runs that must
    have completed first.
    """

    kind = "task"

    def __init__(self, fn: Callable[P, R], name: str | None = None, **options: Any) -> None:
        """What `@task(name=..., ...)` makes of a function: `Task(fn=..., name=...)`.

        Raises:
            TypeError: what is decorated is not a function, or an option is unknown.
            DefinitionError: an option is wrong, or two do not go together.
        """
        function: Any = fn
        fields = option_checks.fields_of(function, "task", options | {"name": name})
        base = TaskOptions(
            **fields,
            retries=settings.current().task_default_retries,
            retry_delay_seconds=settings.current().task_default_retry_delay_seconds,
            retry_delays=(settings.current().task_default_retry_delay_seconds,),
        )
        super().__init__(function, option_checks.changed(base, options, "task"))

    @property
    def fn(self) -> Callable[P, R]:
        """The plain function."""
        return self.options.function

    @property
    def task_key(self) -> str:
        """What identifies the task: its module and qualified name."""
        return self.options.key

    def on_commit(self, hook: Callable[..., T]) -> Callable[..., T]:
        """Add a hook that is called when the transaction that a run completed in is committed; a decorator.

        It takes the transaction and, if it has a second parameter, the state of the run.
        """
        return self._add_hook("on_commit", hook)

    def on_rollback(self, hook: Callable[..., T]) -> Callable[..., T]:
        """Add a hook that is called when the transaction that a run completed in is rolled back; a decorator.

        It takes the transaction and, if it has a second parameter, the state of the run.
        """
        return self._add_hook("on_rollback", hook)

    @property
    def options(self) -> TaskOptions:
        """The options of the decorator."""
        return self._options

    @options.setter
    def options(self, options: TaskOptions) -> None:
        self._options = options
        if options.is_undoable:
            hooked_tasks[hook_key(options)] = options

    @overload
    def __call__(
        self: "Task[P, Coroutine[object, Never, T]]", /, *args: Any, return_state: Literal[True], **kwargs: Any
    ) -> Coroutine[object, Never, State[T]]: ...
    @overload
    def __call__(self, /, *args: Any, return_state: Literal[True], **kwargs: Any) -> State[R]: ...
    @overload
    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def __call__(self, /, *args: Any, wait_for: WaitFor, **kwargs: Any) -> R: ...
    def __call__(  # type: ignore[misc] # P cannot have our own keywords: the decorator refuses them
        self, /, *args: Any, return_state: bool = False, wait_for: WaitFor | None = None, **kwargs: Any
    ) -> Any:
        """Run the task now: its value, or its state with `return_state=True`. What it raises is raised.

        A coroutine task gives a coroutine, but its value inside a flow or task that is not async.

        Raises:
            ParameterBindError: the arguments do not fit the signature.
        """
        if drawing.active and (drawn := self._draw("call", args, kwargs, wait_for)) is not None:
            return drawn
        try:
            options = self.options
            session = sessions.current()
            parameters = self._bind(args, kwargs)
            awaited = options.is_async and call_is_awaited()
            runs, passed = runs_of(wait_for), self._passed(args, kwargs)
            call = begin_task(self, options, parameters, runs, session, passed, blocks=not awaited)
            if options.is_generator and not return_state:
                generator = (aitems if awaited else items)(call, task_run, session, _finished)
                if isinstance(call, TaskCall) and call.run.flow is not None:
                    call.run.flow.generators[generator] = call.run
                return generator
            if awaited:
                return self._named(_arun(call, session, return_state))
            state = call if isinstance(call, State) else run_task(call, session)
            if return_state:
                _raise_interrupt(call, state)
                return state
            return state.fetch()
        except BaseException as error:
            fold(error)
            raise

    def _submit(
        self, parameters: dict[str, object], passed: Passed, runs: Sequence[WaitedFor]
    ) -> Future[object] | AsyncFuture[object]:
        return submit_task(self, self.options, parameters, runs, passed)

    @overload
    def __get__(self, instance: None, owner: type) -> "Task[P, R]": ...
    @overload
    def __get__(self: "Task[Concatenate[Any, P2], R]", instance: Any, owner: type | None = None) -> "Task[P2, R]": ...
    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self._bound_to(instance, owner)


def _raise_interrupt(call: TaskCall | State[object], state: State[object]) -> None:
    """Outside all flows nobody else raises what stopped the task from outside, such as Ctrl-C."""
    if state.is_crashed() and isinstance(call, TaskCall):
        error = state.data.in_memory
        if not isinstance(error, BaseException):  # it returned the state
            return
        if isinstance(error, EnclosingTimeout) or (call.run.flow is None and not isinstance(error, Exception)):
            raise error


async def _arun(call: TaskCall | State[object], session: Session, return_state: bool) -> object:
    try:
        state = call if isinstance(call, State) else await arun_task(call, session)
        if (state.is_crashed() or state.is_cancelled()) and _is_cancellation(state):
            raise state.data.load()  # noqa: TRY301
        if return_state:
            _raise_interrupt(call, state)
            return state
        return await state.afetch()
    except BaseException as error:
        fold(error)
        raise


def _is_cancellation(state: State[object]) -> bool:
    import asyncio

    return isinstance(state.data.in_memory, asyncio.CancelledError)


def _finished(call: TaskCall) -> State[object]:
    state = call.run.state
    assert state is not None
    finish(call.run, state)
    return state


@overload
def task(function: Callable[P, R], /) -> Task[P, R]: ...
@overload
def task(
    function: None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    version: str | None = None,
    tags: Iterable[str] | None = None,
    task_run_name: str | Callable[..., str] | None = None,
    step_id: str | None = None,
    retries: int | None = None,
    retry_delay_seconds: RetryDelay | None = None,
    retry_jitter_factor: float | None = None,
    retry_condition_fn: Callable[..., object] | None = None,
    timeout_seconds: float | None = None,
    persist_result: bool | None = None,
    result_storage: object = None,
    result_storage_key: str | None = None,
    result_serializer: object = None,
    result_retention: object = None,
    cache_result_in_memory: bool = True,
    cache_key_fn: Callable[..., object] | None = None,
    cache_policy: CachePolicy | Callable[..., object] | None = None,
    cache_expiration: timedelta | None = None,
    refresh_cache: bool | None = None,
    viz_return_value: object = None,
    resources: Mapping[str, float | str] | None = None,
    log_prints: bool | None = None,
    on_running: Sequence[Hook] | None = None,
    on_completion: Sequence[Hook] | None = None,
    on_failure: Sequence[Hook] | None = None,
    on_cancellation: Sequence[Hook] | None = None,
    on_crashed: Sequence[Hook] | None = None,
    on_commit: Sequence[Hook] | None = None,
    on_rollback: Sequence[Hook] | None = None,
) -> Callable[[Callable[P, R]], Task[P, R]]: ...
def task(function: Any = None, /, **options: Any) -> Any:
    """Make a function a task: `@task`, or `@task(...)` with options.

    Args:
        name: the task's name; the function's by default.
        description: for people; the docstring by default.
        version: the task's version.
        tags: given to each run.
        task_run_name: a run's name: a template over the parameters, or a function that returns text.
        step_id: what identifies a call in its flow run, instead of its arguments: a template over the
            parameters. A step that is done is not run again when the flow is retried or resumed.
        retries: how often a failed run is tried again.
        retry_delay_seconds: how long to wait before a retry: seconds, a list of them whose last one
            repeats, or a function from the number of retries to such a list, as `exponential_backoff` gives.
        retry_jitter_factor: lengthens each delay by a random part of it, up to this factor.
        retry_condition_fn: called with (task, task run, state); a retry follows only if it returns true.
        timeout_seconds: how long one attempt may take; of a generator, each of its items. None or 0 sets no limit.
        persist_result: whether to persist the result; None infers it from the features in use.
        result_storage: where to: a storage, or a saved one's slug; inherited from the flow by default.
        result_storage_key: the key in the storage: a template over `flow_run`, `task_run`,
            `deployment` and `parameters`; a new one for each result by default.
        result_serializer: how: a serializer, or a type name; inherited from the flow by default.
        result_retention: how long it is kept: a `Retention`, a timedelta, or text such as "30d, 10 runs, 5 GiB".
        cache_result_in_memory: whether to keep the value in memory; without it, the result is persisted.
        cache_key_fn: from (context, parameters), (parameters) or nothing to a cache key; runs with the
            same key share one result.
        cache_policy: what the cache key is made of instead, such as `INPUTS + TASK_SOURCE - "logger"`.
        cache_expiration: how long a cached result is used; for ever by default.
        refresh_cache: run in spite of a cached result, and replace it.
        viz_return_value: what `flow.visualize()` has instead of the result, where the flow's code depends on it.
        resources: what a worker of a cluster must have for it, such as {"gpu": 1, "memory": "4GiB"}; threads and
            processes of this machine do not count them.
        log_prints: whether what the task prints is logged; inherited from the flow by default.
        on_running: hooks, called with (task, task run, state) when a run begins to run; those of them with parameters
            of these names (task, task_run, state) get what these say, in whatever order.
        on_completion: the same, when a run completes.
        on_failure: the same, when it fails for good.
        on_cancellation: the same, when it is cancelled.
        on_crashed: the same, when it is stopped from outside.
        on_commit: hooks, called with (transaction) or (transaction, state) when the transaction that a run completed in
            is committed.
        on_rollback: the same, when it is rolled back.

    Raises:
        TypeError: what is decorated is not a function.
        DefinitionError: an option is wrong, or two do not go together.
    """
    if function is None:
        return functools.partial(task, **options) if options else task
    return Task(function, **options)
