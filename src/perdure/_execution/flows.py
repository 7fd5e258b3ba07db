"""Flows: the decorator and what it makes."""

import sys
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, Generic, Literal, Never, ParamSpec, TypeVar, overload

from perdure._engine.coordination.idempotency import first_run
from perdure._engine.drivers import adrive, drive
from perdure._engine.lifecycle.begin import begin_flow
from perdure._engine.lifecycle.flow_run import FlowCall, flow_run
from perdure._engine.lifecycle.validation import validated
from perdure._engine.recovery.rerun_from_step import reuse_before
from perdure._engine.recovery.resumption import Resumable, claimed_for_sure, claimed_with, resumable
from perdure._engine.recovery.run_claims import run_of
from perdure._engine.recovery.start_record import arguments_of
from perdure._execution import drawing, option_checks
from perdure._execution.deployable import Deployable
from perdure._execution.entrypoints import is_file, load_named, only_loaded, split
from perdure._execution.flow_calls import (
    Begin,
    Find,
    FlowWork,
    acall,
    afound,
    arun_again,
    check_is_of,
    items_ended,
    new_name,
    run_flow,
)
from perdure._execution.generator_runs import aitems, items
from perdure._execution.named_options import OptionsOfFlows
from perdure._execution.submission import submit_call
from perdure._execution.submittable import Submittable
from perdure._model.argument_binding import Passed
from perdure._model.colour import call_is_awaited, caller_is_async, on_event_loop
from perdure._model.errors import DefinitionError, ResumeError
from perdure._model.options import FlowOptions, Hook, RetryDelay
from perdure._model.records import NOBODY
from perdure._model.states import State
from perdure._model.tracebacks import fold
from perdure._platform.threads import in_thread
from perdure._run.arguments import WaitedFor, WaitFor, runs_of
from perdure._run.context import Reuse, current_run
from perdure._run.futures import AsyncFuture, Future
from perdure._session import session as sessions
from perdure._session.session import Session
from perdure._session.signals import ended_by_signal
from perdure._settings import settings

if TYPE_CHECKING:
    from uuid import UUID  # which takes a while to import

P = ParamSpec("P")
P2 = ParamSpec("P2")
R = TypeVar("R", covariant=True)
T = TypeVar("T")

__all__ = ["Flow", "flow", "load_flow_from_entrypoint"]


class Flow(Submittable[FlowOptions, P, R], OptionsOfFlows, Deployable, Generic[P, R]):
    """A function whose calls are tracked, with all the tasks and subflows that they call. Made by `@flow`.

    Call it as the plain function, or with `return_state=True` for its state.
    """

    kind = "flow"

    def __init__(self, fn: Callable[P, R], name: str | None = None, **options: Any) -> None:
        """What `@flow(name=..., ...)` makes of a function: `Flow(fn=..., name=...)`.

        Raises:
            TypeError: what is decorated is not a function, or an option is unknown.
            DefinitionError: an option is wrong.
        """
        function: Any = fn
        fields = option_checks.fields_of(function, "flow", options | {"name": name})
        base = FlowOptions(
            **fields,
            version=option_checks.version_of(fields["function"]),
            retries=settings.current().flow_default_retries,
            retry_delay_seconds=settings.current().flow_default_retry_delay_seconds,
            retry_delays=(settings.current().flow_default_retry_delay_seconds,),
        )
        super().__init__(function, option_checks.changed(base, options, "flow"))

    @staticmethod
    def from_source(source: Any, entrypoint: str) -> Any:
        """The flow that `FILE.py:FLOW` or `MODULE:FLOW` names in a folder or a repository; awaited in coroutines.

        The source is a folder, a repository's URL, or a `perdure.integrations.git.GitRepository`: runs of deployments
        use the commit, on any machine that has git. Or it is a storage, such as `S3`, or its address, such as
        "s3://bucket/flows": deployments have its files as a bundle.

        Raises:
            DeploymentError: there is no such folder, or the source is of another kind.
            StorageError: the storage refuses.
            EntrypointError: it has no such flow, or the file cannot be loaded: then its exception is the cause.
            IntegrationError: git is not installed, or refuses.
        """
        if not caller_is_async():
            return _from_source(source, entrypoint)
        return in_thread(_from_source, source, entrypoint)

    @property
    def fn(self) -> Callable[P, R]:
        """The plain function."""
        return self.options.function

    def validate_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The parameters of a call, by name, coerced as the type hints say; the flow is not run.

        Raises:
            ParameterTypeError: they do not fit.
            ParameterBindError: the flow has other parameters.
        """
        return validated(self.options, self._bind((), parameters))

    @overload
    def __call__(
        self: "Flow[P, Coroutine[object, Never, T]]", /, *args: Any, return_state: Literal[True], **kwargs: Any
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
        """Run the flow now: its value, or its state with `return_state=True`. What it raises is raised.

        A coroutine flow gives a coroutine, but its value inside a flow or task that is not async.

        Raises:
            ParameterBindError: the arguments do not fit the signature.
            ParameterTypeError: they do not fit the type hints.
        """
        self._refuse_calls_while_loaded()
        if only_loaded.get():
            return self._pass_over()
        if drawing.active and (drawn := self._draw("call", args, kwargs, wait_for)) is not None:
            return drawn
        try:
            session = sessions.current()
            parameters = self._bind(args, kwargs)
            key = self._key(parameters)
            runs, passed = runs_of(wait_for), self._passed(args, kwargs)

            def begin(again: Resumable | None) -> FlowCall | State[object]:
                return begin_flow(self, self.options, parameters, runs, session, new_name(), again, passed)

            if self.options.on_crash and key is None and current_run.get() is None:
                crashed = partial(claimed_with, self.options, parameters, session)
                return self._run_again(crashed, begin, session, return_state)
            call = begin(None)
            if key is not None and isinstance(call, FlowCall):
                return self._run_once(key, call, session, return_state)
            return self._run(call, session, return_state)
        except BaseException as error:
            fold(error)
            raise

    def visualize(self, *args: Any, **kwargs: Any) -> Any:
        """The graph of the tasks and subflows that a call with these arguments makes: a `FlowGraph`.

        The flow's own code runs, and none of its tasks and subflows. `print` shows the graph as Mermaid, a notebook as
        a picture; `.save("flow.svg")` and `.dot()` are for Graphviz. On an event loop, a coroutine flow's is awaited.

        Raises:
            VisualizationError: the flow's code depends on what a task returns, or it is a generator.
            ParameterBindError: the arguments do not fit the signature.
        """
        parameters = self._bind(args, kwargs)
        bound = args if self._instance is None else (self._instance, *args)
        return drawing.draw_flow(self.options, parameters, lambda: self.options.function(*bound, **kwargs))

    def _submit(
        self, parameters: dict[str, object], passed: Passed, runs: Sequence[WaitedFor]
    ) -> Future[object] | AsyncFuture[object]:
        self._refuse_calls_while_loaded()
        if self.options.idempotency_key is not None:
            raise DefinitionError(
                f"The flow {self.name!r} has an idempotency key and was submitted, but only flow runs that are called"
                " have keys. Call it, or submit .with_options(idempotency_key=None)."
            )
        session = sessions.current()
        call = begin_flow(self, self.options, parameters, runs, session, new_name(), None, passed)
        return submit_call(call, FlowWork, session, self.options.is_async)

    def _key(self, parameters: dict[str, object]) -> str | None:
        template = self.options.idempotency_key
        if template is not None and current_run.get() is not None:
            raise DefinitionError(
                f"The flow {self.name!r} has the idempotency key {template!r} and was called inside another run, but"
                " only outermost flow runs have keys. Call .with_options(idempotency_key=None), and give the outer flow"
                " the key."
            )
        return None if template is None else template.format(**parameters)

    def _run_once(self, key: str, call: FlowCall, session: Session, return_state: bool) -> object:
        """Run the flow, or take the run that another call with the key has made: resumed, if it crashed."""
        if self.options.is_async and call_is_awaited():
            return self._named(self._arun_once(key, call, session, return_state))
        found = drive(first_run(key, call.run, call.records, session), session)
        return self._run(self._call_of(found, call, session), session, return_state)

    async def _arun_once(self, key: str, call: FlowCall, session: Session, return_state: bool) -> object:
        found = await adrive(first_run(key, call.run, call.records, session), session)
        return await acall(self._call_of(found, call, session), session, return_state)

    def _call_of(
        self, found: State[object] | Resumable | None, call: FlowCall, session: Session
    ) -> FlowCall | State[object]:
        if found is None:
            call.records = []  # its run was created with them
            return call
        if isinstance(found, State):
            return found
        parameters = arguments_of(found.start, found.run)
        return begin_flow(self, self.options, parameters, (), session, found.run.name, found)

    def resume(
        self,
        flow_run_id: "str | UUID",
        *,
        retry_failed: bool = False,
        take_over: bool = False,
        return_state: bool = False,
    ) -> Any:
        """Resume a run of this flow that crashed, or whose process is lost: its value, or its state.

        What it called, and what completed with a persisted result, is not run again; what failed is, with
        `retry_failed`. A coroutine flow gives a coroutine.

        A run that still runs is resumed with `take_over` only: it is taken from its process first, so that nothing
        is kept of what that one does from then on, and it stops as soon as it finds out, with a `RunTakenOver`.

        Raises:
            RunMissing: no flow run has the id.
            ResumeError: it still runs, has ended well, is another flow's, or its arguments were not kept.
        """
        look = partial(resumable, str(flow_run_id), sessions.current(), retry_failed, take_over=take_over)
        return self._resumed(look, return_state)

    def _begin_waiting(self, found: Resumable) -> Any:
        """Begin a run that waits for a worker, as it was found: its state, or a coroutine's."""
        return self._resumed(lambda: found, return_state=True)

    def _resumed(self, look: Callable[[], Resumable], return_state: bool) -> Any:
        session, parameters = sessions.current(), dict[str, object]()

        def find() -> Resumable:
            found = look()
            check_is_of(self.options, found.run, found.start)
            arguments = arguments_of(found.start, found.run)
            if found.start.process_id == NOBODY:  # they are what was asked for, and no call has bound them yet
                arguments = self._bind((), arguments)
            parameters.update(arguments)
            return claimed_for_sure(found, session)

        def begin(again: Resumable | None) -> FlowCall | State[object]:
            return begin_flow(self, self.options, parameters, (), session, new_name(), again)

        try:
            return self._run_again(find, begin, session, return_state)
        except BaseException as error:
            fold(error)
            raise

    def rerun(
        self,
        flow_run_id: "str | UUID",
        *,
        from_step: "str | UUID | None" = None,
        parameters: Mapping[str, object] | None = None,
        return_state: bool = False,
    ) -> Any:
        """Run this flow again with the arguments of an earlier run, as a new run: its value, or its state.

        Everything runs again. With `from_step`, what that run had finished before that step is reused, if its result
        was persisted and its arguments are equal; the step and all that began after it run again, whatever is cached.
        A coroutine flow gives a coroutine.

        Args:
            flow_run_id: the earlier run, in whatever state it is.
            from_step: the id or the name of a task run or subflow run that the earlier run called itself.
            parameters: arguments that take the place of the earlier run's, by name.
            return_state: whether the state is returned instead of the value.

        Raises:
            RunMissing: no flow run has the id.
            ResumeError: it is another flow's, its arguments were not kept, or it called no such step, or several.
            ParameterBindError: the flow has no such parameter.
        """
        session, arguments, reuses = sessions.current(), dict[str, Any](), list[Reuse]()

        def find() -> None:
            run = run_of(str(flow_run_id), session.orchestrator)
            check_is_of(self.options, run, start := session.orchestrator.start(run.id))
            if start is None:
                raise ResumeError(f"How the flow run {run.name!r} was started is not recorded. Call its flow again.")
            arguments.update(arguments_of(start, run))
            if parameters or start.process_id == NOBODY:
                arguments.update(self._bind((), {**arguments, **(parameters or {})}))
            reuses.append(Reuse(run.id) if from_step is None else reuse_before(run, str(from_step), session))

        def begin(_: Resumable | None) -> FlowCall | State[Any]:
            return begin_flow(self, self.options, arguments, (), session, new_name(), reuses=reuses[0])

        try:
            return self._run_again(find, begin, session, return_state)
        except BaseException as error:
            fold(error)
            raise

    def _run_again(self, find: Find, begin: Begin, session: Session, return_state: bool) -> object:
        """Run what begins with the run that `find` claims, if any; on an event loop, that is done off it."""
        if not (self.options.is_async and call_is_awaited() and on_event_loop()):
            return self._run(begin(find()), session, return_state)
        if self.options.is_generator and not return_state:
            return aitems(partial(afound, find, begin, session), flow_run, session, items_ended)
        return self._named(arun_again(find, begin, session, return_state))

    def _run(self, call: FlowCall | State[object], session: Session, return_state: bool) -> object:
        options = self.options
        awaited = options.is_async and call_is_awaited()
        if options.is_generator and not return_state:
            return (aitems if awaited else items)(call, flow_run, session, items_ended)
        if awaited:
            return self._named(acall(call, session, return_state))
        if isinstance(call, FlowCall):
            with ended_by_signal(call.run):
                state = run_flow(call, session)
        else:
            state = call
        return state if return_state else state.fetch()

    @overload
    def __get__(self, instance: None, owner: type) -> "Flow[P, R]": ...
    @overload
    def __get__(self: "Flow[Concatenate[Any, P2], R]", instance: Any, owner: type | None = None) -> "Flow[P2, R]": ...
    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self._bound_to(instance, owner)


@overload
def flow(function: Callable[P, R], /) -> Flow[P, R]: ...
@overload
def flow(
    function: None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    version: str | None = None,
    tags: Iterable[str] | None = None,
    flow_run_name: str | Callable[..., str] | None = None,
    step_id: str | None = None,
    retries: int | None = None,
    retry_delay_seconds: RetryDelay | None = None,
    timeout_seconds: float | None = None,
    validate_parameters: bool = True,
    task_runner: object = None,
    durable: bool = False,
    on_crash: Literal["resume"] | None = None,
    idempotency_key: str | None = None,
    persist_result: bool | None = None,
    result_storage: object = None,
    result_serializer: object = None,
    result_retention: object = None,
    cache_result_in_memory: bool = True,
    log_prints: bool | None = None,
    on_running: Sequence[Hook] | None = None,
    on_completion: Sequence[Hook] | None = None,
    on_failure: Sequence[Hook] | None = None,
    on_cancellation: Sequence[Hook] | None = None,
    on_crashed: Sequence[Hook] | None = None,
) -> Callable[[Callable[P, R]], Flow[P, R]]: ...
def flow(function: Any = None, /, **options: Any) -> Any:
    """Make a function a flow: `@flow`, or `@flow(...)` with options.

    Args:
        name: the flow's name; the function's by default.
        description: for people; the docstring by default.
        version: the flow's version; a digest of its file by default.
        tags: given to each run, and to what it calls.
        flow_run_name: a run's name: a template over the parameters, or a function that returns text.
        step_id: what identifies a call in its flow run, instead of its arguments: a template over the
            parameters. A step that is done is not run again when the flow is retried or resumed.
        retries: how often a failed run is tried again. Its tasks' results are persisted, and those that
            completed are not run again.
        retry_delay_seconds: how long to wait before a retry: seconds, a list of them whose last one
            repeats, or a function from the number of retries to such a list, as `exponential_backoff` gives.
        timeout_seconds: how long one attempt may take; of a generator, each of its items. None or 0 sets no limit.
        validate_parameters: whether parameters are checked and coerced by the type hints.
        task_runner: where submitted tasks run; threads by default.
        durable: whether its result, and those of all its tasks and subflows, are persisted: it can be resumed anywhere.
        on_crash: with "resume", a call outside other flows resumes the oldest crashed run of the flow that had
            equal arguments, if there is one, instead of beginning a new one.
        idempotency_key: a template over the parameters. Of all calls outside other flows with the same key, in any
            process, the first one makes a run; the others get its value, wait for it, or resume it if it crashed.
        persist_result: whether to persist the flow's own result; None infers it from the features in use.
        result_storage: where its results go, and those of its tasks and subflows: a storage, or a saved one's slug.
        result_serializer: how they are written: a serializer, or a type name.
        result_retention: how long they are kept: a `Retention`, a timedelta, or text such as "30d, 10 runs, 5 GiB".
        cache_result_in_memory: whether to keep the value in memory; without it, the result is persisted.
        log_prints: whether what the flow and its tasks print is logged.
        on_running: hooks, called with (flow, flow run, state) when a run begins to run; those of them with parameters
            of these names (flow, flow_run, state) get what these say, in whatever order.
        on_completion: the same, when a run completes.
        on_failure: the same, when it fails for good.
        on_cancellation: the same, when it is cancelled.
        on_crashed: the same, when it is stopped from outside.

    Raises:
        TypeError: what is decorated is not a function, or an option is unknown.
        DefinitionError: an option is wrong.
    """
    if function is None:
        return partial(flow, **options) if options else flow
    return Flow(function, **options)


def load_flow_from_entrypoint(entrypoint: str) -> Flow[..., Any]:
    """The flow that `FILE.py:FLOW`, `MODULE:FLOW` or `MODULE.FLOW` names; the file or module is run once.

    Flows that it calls outside of `if __name__ == "__main__":` are not run: they give None, with a warning.

    Raises:
        EntrypointError: there is no such file, module or flow, or it cannot be loaded: then its exception is the cause.
    """
    return load_named(entrypoint, Flow, lambda each: each.name)


def _from_source(source: object, entrypoint: str) -> Flow[..., object]:
    from perdure._repositories.checkouts import folder_of  # few programs need git

    folder = folder_of(source)
    if is_file(split(entrypoint)[0]):
        entrypoint = str(folder / entrypoint)
    elif str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    return load_flow_from_entrypoint(entrypoint)


flow.from_source = Flow.from_source  # type: ignore[attr-defined] # as Prefect 3 has it
