"""Runs of generators: their items are handed on as they come."""

import atexit
import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import aclosing, closing, suppress
from typing import Any, TypeVar
from weakref import WeakSet

from perdure._engine.coordination.lineage import note_item
from perdure._engine.drivers import aiterate, iterate
from perdure._engine.lifecycle.flow_run import FlowCall
from perdure._engine.lifecycle.task_run import TaskCall
from perdure._model.states import State
from perdure._model.tracebacks import fold
from perdure._platform import forks
from perdure._run.context import FlowRunContext, current_run
from perdure._run.effects import Steps
from perdure._session.session import Session

CallT = TypeVar("CallT", TaskCall, FlowCall)
StepsOf = Callable[[CallT, Session], Steps[State[object]]]
Ended = Callable[[CallT], State[object]]

_begun: "WeakSet[Generator[Any, Any, None]]" = WeakSet()  # of this process, in and outside of flows


def items(
    call: CallT | State[object], steps: StepsOf[CallT], session: Session, ended: Ended[CallT]
) -> Generator[Any, Any, object]:
    """What a generator run hands on, as it comes, or what it handed on in an earlier attempt of its flow.

    Gives what the generator returned. Raises what the run raises, once `ended` has given its final state.
    """
    if isinstance(call, State):
        value = call.fetch()
        for number, item in enumerate(value):
            _note(call, number, item)
            yield item
        return getattr(value, "returned", None)
    call.run.collect = call.run.persisted
    began = forks.generation
    try:
        with closing(iterate(steps(call, session), session, _noting(call))) as handed_on:
            _begun.add(handed_on)
            yield from handed_on
    finally:
        state = None if began != forks.generation else ended(call)  # in a forked child, the run is its parent's
    if state is not None and not state.is_completed():
        try:
            state.fetch()
        except BaseException as error:
            fold(error)
            raise
    return None if call.run.items is None else call.run.items.returned


# As the module is loaded after the session's, this comes before that closes: the ends of these runs are reported.
@atexit.register
def _close_those_left() -> None:
    """As the process ends: end the runs of generators that nobody iterates to their end any more."""
    for each in tuple(_begun):
        with suppress(Exception):  # of the user's function, which its run has recorded, or another thread iterates it
            each.close()


async def aitems(
    call: CallT | State[object] | Callable[[], Awaitable[CallT | State[object]]],
    steps: StepsOf[CallT],
    session: Session,
    ended: Ended[CallT],
) -> AsyncGenerator[Any, Any]:
    """The same on the caller's event loop; such generators return nothing. The call may have to be awaited first."""
    if callable(call):
        call = await call()
    if isinstance(call, State):
        for number, item in enumerate(await call.afetch()):
            _note(call, number, item)
            yield item
        return
    call.run.collect = call.run.persisted
    try:
        async with aclosing(aiterate(steps(call, session), session, _noting(call))) as handed_on:
            following = anext(handed_on)
            while True:
                try:
                    item = await following
                except StopAsyncIteration:
                    break
                try:
                    sent = yield item
                except GeneratorExit:
                    raise
                except BaseException as error:
                    following = handed_on.athrow(error)
                else:
                    following = handed_on.asend(sent)
    finally:
        state = ended(call)
    if not state.is_completed():
        try:
            await state.afetch()
        except BaseException as error:
            fold(error)
            raise


def _noting(call: TaskCall | FlowCall) -> Callable[[object], None] | None:
    """What has the flow run that called a generator know its items again, if they are kept."""
    if not call.run.collect:
        return None
    numbers = itertools.count()
    return lambda item: _note(call, next(numbers), item)


def _note(call: TaskCall | FlowCall | State[object], number: int, item: object) -> None:
    flow, run_id = (current_run.get(), call.run_id) if isinstance(call, State) else (call.run.parent, call.run.id)
    if isinstance(flow, FlowRunContext):
        note_item(flow, run_id or "", number, item)
