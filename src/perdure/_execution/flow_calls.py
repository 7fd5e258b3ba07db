"""Running the calls of flows: in the caller's thread, on its event loop, as submitted work, or resumed."""

from collections.abc import Callable
from contextlib import nullcontext, suppress

from perdure._engine.drivers import adrive, drive
from perdure._engine.identity.projects import may_be_of
from perdure._engine.lifecycle.begin import finish
from perdure._engine.lifecycle.flow_run import FlowCall, flow_run
from perdure._engine.recovery.resumption import Resumable, release_claim
from perdure._execution.submission import SubmittedWork
from perdure._model.errors import ResumeError
from perdure._model.options import FlowOptions
from perdure._model.records import StartRecord
from perdure._model.states import State
from perdure._model.tracebacks import fold
from perdure._rooms.runs.records import FlowRun
from perdure._run.context import FlowRunContext
from perdure._session.session import Session
from perdure._session.signals import ended_by_signal

Find = Callable[[], Resumable | None]  # claims a run that crashed, if there is one
Begin = Callable[[Resumable | None], FlowCall | State[object]]


def new_name() -> str:
    """A name for a run of a flow."""
    from perdure._model.run_names import new_run_name  # runs of tasks alone have none

    return new_run_name()


def check_is_of(options: FlowOptions, run: FlowRun, start: StartRecord | None) -> None:
    """Refuse a run that is not one of the flow.

    Raises:
        ResumeError: it is another one's.
    """
    if not may_be_of(run.flow_name, start, options):
        raise ResumeError(f"The flow run {run.id} is one of {run.flow_name!r}, not of {options.name!r}.")


class FlowWork(SubmittedWork[FlowCall]):
    """A submitted call of a flow."""

    def perform(self) -> State[object]:
        run = self.call.run
        with ended_by_signal(run), nullcontext() if run.parent is None else run.controller.active(run):
            return run_flow(self.call, self.session)

    async def aperform(self) -> State[object]:
        with ended_by_signal(self.call.run, awaited=True):
            return await arun_flow(self.call, self.session)

    def ready_call(self, _: object) -> None:
        """Run it here: its tasks go to other processes, if its own runner has them."""
        self.run_here()


def run_flow(call: FlowCall, session: Session) -> State[object]:
    """Run a flow in this thread; the state that it came to."""
    return _ended(call.run, drive(flow_run(call, session), session))


async def arun_flow(call: FlowCall, session: Session) -> State[object]:
    """Run a flow on the caller's event loop; the state that it came to."""
    return _ended(call.run, await adrive(flow_run(call, session), session))


def _ended(run: FlowRunContext, state: State[object]) -> State[object]:
    finish(run, state)
    if run.task_runner is not None:
        run.task_runner.stop(wait=run.interrupt is None)
    if run.interrupt is not None and not (state.is_cancelled() and run.parent is None):
        raise run.interrupt
    return state


async def acall(call: FlowCall | State[object], session: Session, return_state: bool) -> object:
    """What the call of a coroutine flow gives: its value, or its state."""
    try:
        if isinstance(call, FlowCall):
            with ended_by_signal(call.run, awaited=True):
                state = await arun_flow(call, session)
        else:
            state = call
        return state if return_state else await state.afetch()
    except BaseException as error:
        fold(error)
        raise


async def arun_again(find: Find, begin: Begin, session: Session, return_state: bool) -> object:
    """The same of a call that begins with the run that `find` claims, if any."""
    try:
        call = await afound(find, begin, session)
    except BaseException as error:
        fold(error)
        raise
    return await acall(call, session, return_state)


async def afound(find: Find, begin: Begin, session: Session) -> FlowCall | State[object]:
    """What begins with the run that is found in another thread; if that is cancelled, the run stays Crashed."""
    import asyncio

    finding = asyncio.ensure_future(asyncio.to_thread(find))
    try:
        again = await asyncio.shield(finding)
    except asyncio.CancelledError:
        with suppress(Exception):
            if (found := await finding) is not None:
                await asyncio.to_thread(release_claim, found, session)
        raise
    return begin(again)


def items_ended(call: FlowCall) -> State[object]:
    """The final state of a generator flow whose items have all been handed on."""
    assert call.run.state is not None
    return _ended(call.run, call.run.state)
