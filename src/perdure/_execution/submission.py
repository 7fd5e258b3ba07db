"""Submitting tasks: to the flow run's task runner, or to the caller's event loop."""

import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from contextvars import copy_context
from typing import Any, Generic, TypeVar

from perdure._engine.direct import run_blocking
from perdure._engine.drivers import adrive, drive
from perdure._engine.lifecycle.begin import begin_task, finish, may_begin
from perdure._engine.lifecycle.flow_run import FlowCall
from perdure._engine.lifecycle.runs import crash, enter, text_of
from perdure._engine.lifecycle.task_run import TaskCall, lost, prepare, task_run
from perdure._engine.recovery.run_claims import end_below_calls
from perdure._execution.runner_outside_flows import runner_outside
from perdure._model.argument_binding import Passed
from perdure._model.colour import caller_is_async, is_running
from perdure._model.errors import CancelledRun, CancelRequested
from perdure._model.options import Resources, TaskOptions
from perdure._model.records import Record
from perdure._model.state_types import StateType
from perdure._model.states import State
from perdure._model.unsupported_concurrency import check_loop_of_coroutines
from perdure._platform import forks
from perdure._platform.stack import check_room
from perdure._results.types import UnpersistedResult
from perdure._run.arguments import WaitedFor
from perdure._run.context import FlowRunContext, current_run
from perdure._run.futures import AsyncFuture, Future
from perdure._run.pending import Pending, in_submitted_task, when_all_done
from perdure._runners.base import TaskRunner, Work
from perdure._session import session as sessions
from perdure._session.session import Session

CallT = TypeVar("CallT", TaskCall, FlowCall)


def run_task(call: TaskCall, session: Session) -> State[object]:
    """Run a task in this thread; the state that it came to."""
    state = run_blocking(call, session)
    finish(call.run, state)
    return state


def run_interruptibly(call: TaskCall, session: Session) -> State[object]:
    """Run a task that begins in a thread or process of its own; the state that it came to, which its flow is to get."""
    flow = call.run.flow
    with nullcontext() if flow is None else flow.controller.active(call.run):
        return run_blocking(call, session)


async def arun_task(call: TaskCall, session: Session) -> State[object]:
    """Run a task on the caller's event loop; the state that it came to."""
    state = await adrive(task_run(call, session), session)
    finish(call.run, state)
    return state


class SubmittedWork(Generic[CallT]):
    """A submitted call, which runs once, wherever it is begun first."""

    def __init__(self, call: CallT, future: Pending, session: Session) -> None:
        self.call: CallT = call
        self.future = future
        self.session = session
        parent = call.run.parent
        self._above: FlowRunContext | None = None if parent is None else parent.flow  # that submitted it
        self._context = copy_context()
        self._unclaimed = threading.Lock()
        self._is_stopped = False
        self._is_ready = False  # its values are in place, though it has not begun
        self._on_loop: Any = None  # the asyncio.Task, where it runs on the caller's event loop

    def perform(self) -> State[object]:
        """Run it in this thread; the state that it came to."""
        raise NotImplementedError

    async def aperform(self) -> State[object]:
        """Run it on the caller's event loop; the state that it came to."""
        raise NotImplementedError

    def ready_call(self, place: object) -> TaskCall | None:
        """The call with all values in place, to be run in another process; None if it is not to run there."""
        raise NotImplementedError

    @property
    def resources(self) -> Resources:
        """What it needs of a worker that has only so much of it, by name."""
        return ()

    @property
    def kind(self) -> str | None:
        """What calls of about the same duration have in common; None of one that may not share a batch."""
        return None

    @property
    def name(self) -> str:
        """What is called."""
        return self.call.run.options.name

    @property
    def run_id(self) -> str:
        """The id of its run."""
        return self.call.run.id

    def claim(self) -> bool:
        """Whether the caller is the one to run, send or cancel the task."""
        return self._unclaimed.acquire(blocking=False)

    def run_here(self) -> None:
        """Run the task in this thread, unless it has begun elsewhere. What has begun comes to an end without raising.

        Raises:
            RecursionError: there is no room on the stack to begin it, and to end it whatever happens.
        """
        check_room()
        if self.claim():
            try:
                if self.is_stopping():
                    self._cancelled()
                else:
                    self._context.run(self._run)
            except BaseException as error:  # of our own code
                self.crash(error)

    async def arun(self, turns: Any) -> None:
        """Run the task on the caller's event loop, when it is its turn."""
        self.claim()
        try:
            if turns is None:
                state = await self.aperform()
            else:
                async with turns:
                    state = await self.aperform()
        except BaseException as error:
            self.crash(error)
            raise
        self.arrive(state)

    def arrive(self, state: State[object]) -> None:
        """The task has come to its final state."""
        try:
            self.call.run.state = state
            finish(self.call.run, state)
        finally:
            try:
                self.future.arrive(state)
            finally:
                if self._above is not None:
                    self._above.outstanding.pop(self.future, None)

    def crash(self, error: BaseException) -> None:
        """End the task run, since what was to run it is gone, or the state that it came to could not be committed.

        Whatever goes wrong with that in its turn, those who wait for the task get to know.
        """
        if self.future.ended is not None:
            return
        try:
            self.call.become_new()
            self.session.report(self.call.records)
            state = drive(crash(self.call.run, self.session, error), self.session)
            if not (state.is_crashed() or state.is_cancelled() or isinstance(error, CancelRequested)):
                state = self._crashed(error)
        except BaseException:  # such as: the database is gone, which the next commit raises
            state = self._crashed(error)
        self.arrive(state)

    def _crashed(self, error: BaseException) -> State[object]:
        return State(StateType.CRASHED, None, text_of(error), UnpersistedResult(error), **self._ids)

    def report(self, records: Sequence[Record], is_awaited: bool) -> None:
        """Report records that came from where the call runs; if somebody awaits them, return when they are committed.

        Raises:
            OrchestratorError: they could not be committed.
        """
        if is_awaited:
            self.session.commit(records)
        else:
            self.session.report(records)

    def put_back(self) -> bool:
        """The call has not begun where it was sent; whether it is to be submitted again. Else it has been cancelled."""
        if self.is_stopping():
            self._cancelled()
            return False
        self._unclaimed.release()
        return True

    def end_below(self, others: Sequence[Work], error: BaseException) -> None:
        """What ran it, and others of its flow run, is gone: end the runs that these have called themselves."""
        if self._above is not None:
            end_below_calls(self._above, [each.run_id for each in others], str(error), self.session)

    def lose(self, error: BaseException, _: int, __: Callable[[], None]) -> None:
        """What ran the call is gone."""
        self.crash(error)

    def stop(self) -> None:
        """Cancel the task, if it has not begun or if it awaits."""
        if self._on_loop is None:
            self.cancel()
        elif not self._is_stopped:
            self._is_stopped = True
            loop = self._on_loop.get_loop()
            if is_running(loop):
                self._on_loop.cancel()
                return
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._on_loop.cancel)

    def start_on(self, loop: Any, turns: object) -> None:
        """Run the task on an event loop, when it is its turn."""
        self.future.loop = loop
        self._on_loop = loop.create_task(self.arun(turns))
        self._on_loop.add_done_callback(self._left_loop)

    def _left_loop(self, task: Any) -> None:
        if task.cancelled():
            self.cancel()  # for one that was cancelled before it began
            error: BaseException | None = CancelledRun("The asyncio task of the run was cancelled.")
        else:
            error = task.exception()  # the state of the run has it, but asyncio would complain that nobody looked
        if self.future.ended is None:
            self.crash(error or CancelledRun("The asyncio task of the run has ended without a state."))

    def cancel(self) -> None:
        """End the task run as cancelled, if it has not begun."""
        if self.claim():
            self._cancelled()

    def _run(self) -> None:
        in_submitted_task.set(True)
        began = forks.generation
        try:
            state = self.perform()
        except BaseException as error:
            if began == forks.generation:  # else this is a forked child, and the run is its parent's
                self.crash(error)
        else:
            if began == forks.generation:
                self.arrive(state)

    def is_stopping(self) -> bool:
        """Whether nothing of its flow run may begin any more."""
        return self._above is not None and (self._above.stopping or not may_begin(self._above))

    def _cancelled(self) -> None:
        error = CancelledRun("The flow run was stopped before this task began.")
        try:
            record = enter(self.call.run, self.session, StateType.CANCELLED, str(error), UnpersistedResult(error))
            self.session.report(() if self.call.records else (record,))  # what had completed long ago is left so
        except BaseException as broken:
            self.crash(broken)
            return
        assert self.call.run.state is not None
        self.arrive(self.call.run.state)

    @property
    def _ids(self) -> dict[str, Any]:
        return {"flow_run_id" if self.call.run.is_flow else "task_run_id": self.call.run.id}


class TaskWork(SubmittedWork[TaskCall]):
    """A submitted call of a task."""

    def perform(self) -> State[object]:
        return run_interruptibly(self.call, self.session)

    async def aperform(self) -> State[object]:
        return await adrive(task_run(self.call, self.session), self.session)

    @property
    def resources(self) -> Resources:
        """What it needs of a worker that has only so much of it, by name."""
        return self.call.run.options.resources

    def ready_call(self, place: object) -> TaskCall | None:
        """The call with all values in place, to be run in another process; None if it is not to run.

        Values that are held in the `place` where it is to run are not fetched: a `HeldValue` stands for each.
        """
        if not self.claim():
            return None
        if self.is_stopping():
            self._cancelled()
            return None
        if not (self._is_ready or self._context.run(drive, prepare(self.call, self.session, place), self.session)):
            assert self.call.run.state is not None
            self.arrive(self.call.run.state)
            return None
        self._is_ready = True
        return self.call

    @property
    def kind(self) -> str | None:
        run = self.call.run
        may_wait = run.persisted and isinstance(run.parent, FlowRunContext) and run.parent.waits
        return None if may_wait else run.options.key  # one that waited before a crash holds up those in its batch

    def lose(self, error: BaseException, attempts: int, again: Callable[[], None]) -> None:
        """What ran the call is gone, in its last attempt of so many: have it run `again`, if it has retries left."""
        self.call.run.run_count += attempts
        if self.is_stopping() or not self.call.run.options.retries:
            self.crash(error)
        else:  # it may have to wait, and the thread has others to run
            retry = threading.Thread(target=self._try_again, args=(error, again), name="perdure-retry", daemon=True)
            retry.start()

    def _try_again(self, error: BaseException, again: Callable[[], None]) -> None:
        flow = self.call.run.flow
        assert flow is not None  # outside of flows, tasks run in threads
        try:
            with flow.controller.active(self.call.run):
                is_tried = self._context.run(drive, lost(self.call.run, self.session, error), self.session)
            if is_tried:
                again()
            else:
                self.crash(error)
        except BaseException as stopped:  # such as a cancellation while it waits
            self.crash(stopped)


def submit_task(
    owner: object, options: TaskOptions, parameters: dict[str, object], wait_for: Sequence[WaitedFor], passed: Passed
) -> Future[object] | AsyncFuture[object]:
    """Create a task run and see to it that it runs once all that it depends on has finished."""
    session = sessions.current()
    call = begin_task(owner, options, parameters, wait_for, session, passed)
    return submit_call(call, TaskWork, session, options.is_async)


def submit_call(
    call: CallT | State[object], work_of: type[SubmittedWork[CallT]], session: Session, is_async: bool
) -> Future[object] | AsyncFuture[object]:
    """See to it that a call that was begun runs once all that it depends on has finished."""
    if is_async:
        check_loop_of_coroutines()
    awaited = is_async and caller_is_async()
    kind = AsyncFuture if awaited else Future
    if isinstance(call, State):
        return kind(call.run_id or "", call)
    future: Future[Any] | AsyncFuture[Any] = kind(call.run.id)
    work = work_of(call, future, session)
    try:
        if call.earlier_id is None:  # else it is a run of long ago, and stays it
            session.report(call.records)
            call.records = []
        _submit(work, awaited)
    except BaseException as error:  # such as Ctrl-C on the way: nobody may wait for what nobody runs
        if work.claim():
            work.crash(error)
        raise
    return future


def _submit(work: SubmittedWork[Any], awaited: bool) -> None:
    call, future = work.call, work.future
    if call.run.transaction is not None:
        call.run.transaction.submitted.append(future)
    above = None if call.run.parent is None else call.run.parent.flow
    runner = _runner(work.session, above)
    if awaited and not runner.takes_coroutines:
        _submit_to_loop(work, above, runner)
        return
    if above is not None:
        above.outstanding[future] = work
    if runner.lends_threads:
        future.begin = work.run_here
    if call.upstreams or call.wait_for:
        future.depends_on = depends_on = _needed_by(call)
        when_all_done(depends_on, lambda: _hand_over(work, runner))
    else:
        _hand_over(work, runner)


def _hand_over(work: SubmittedWork[Any], runner: TaskRunner) -> None:
    """Have the runner run the task; if it cannot take it, the run ends Crashed."""
    try:
        runner.submit(work)
    except BaseException as error:
        if work.claim():
            work.crash(error)
        if not isinstance(error, Exception):
            raise


def _needed_by(call: TaskCall | FlowCall) -> list[Pending]:
    upstreams = (*(call.upstreams or ()), *(waited.upstream for waited in call.wait_for))
    return [each for each in upstreams if isinstance(each, Pending)]


def _runner(session: Session, flow: FlowRunContext | None) -> TaskRunner:
    return runner_outside() if flow is None else session.task_runner_of(flow)


def _submit_to_loop(work: SubmittedWork[Any], flow: FlowRunContext | None, runner: TaskRunner) -> None:
    import asyncio

    turns = None
    # Only what the flow itself submits waits for its turn: a task that waits for its own must not hold them up.
    if runner.max_workers is not None and flow is not None and current_run.get() is flow:
        turns = flow.turns = flow.turns or asyncio.Semaphore(runner.max_workers)
    work.start_on(asyncio.get_running_loop(), turns)
    if flow is not None:
        flow.outstanding[work.future] = work
