"""The event loops of coroutine flows: no thread of theirs waits for the database."""

import asyncio
import inspect
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from perdure import session
from perdure._store.sql.sqlite import SQLite
from perdure.records import RunFilter
from perdure.states import StateType
from perdure.testing.crashes import killed, root_run
from tests.resume.corpus import CASES, Case

COROUTINES = {name: case for name, case in CASES.items() if case.flow.options.is_async}
# A plain task that a coroutine calls runs on its thread, with all that belongs to it, as a plain function would.
PLAIN = "run_task"


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Statements that threads ran in which an event loop was running, with the way there."""
    found: list[str] = []

    def look(statement: str) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        frames = traceback.extract_stack()
        if PLAIN not in [frame.name for frame in frames]:
            way = " > ".join(f"{frame.name}:{frame.lineno}" for frame in frames if "perdure/" in frame.filename)
            found.append(f"{statement[:60]} ({way})")

    opened = SQLite._open

    def traced(self: SQLite, *options: Any, **named: Any) -> Any:
        connection = opened(self, *options, **named)
        connection.set_trace_callback(look)
        return connection

    monkeypatch.setattr(SQLite, "_open", traced)
    session.close()  # so that its connections are opened anew
    yield found
    session.close()


def on_a_loop(call: Callable[[], Any]) -> Any:
    """What a call comes to that is made and awaited in a running event loop."""

    async def awaits() -> Any:
        made = call()
        return [item async for item in made] if inspect.isasyncgen(made) else await made

    return asyncio.run(awaits())


@pytest.mark.parametrize("name", COROUTINES)
def test_a_coroutine_flow_asks_the_database_off_its_loop(name: str, seen: list[str]) -> None:
    assert on_a_loop(COROUTINES[name].flow) == COROUTINES[name].outcome
    assert seen == []


@pytest.mark.parametrize("name", COROUTINES)
def test_a_coroutine_flow_is_resumed_off_its_loop(name: str, seen: list[str]) -> None:
    case: Case = COROUTINES[name]
    killed(case.call, before=8)
    run = root_run()
    assert run is not None
    assert on_a_loop(lambda: case.flow.resume(run.id)) == case.outcome
    assert seen == []


@pytest.mark.parametrize("name", COROUTINES)
def test_a_coroutine_flow_that_resumes_what_crashed_looks_for_it_off_its_loop(name: str, seen: list[str]) -> None:
    case: Case = COROUTINES[name]
    killed(case.call, before=8)
    assert on_a_loop(case.flow.with_options(on_crash="resume")) == case.outcome
    (run,) = session.current().orchestrator.flow_runs(RunFilter(states=(case.state,), of=name))
    assert "Resuming" in [state.name for state in session.current().orchestrator.states(run.id)]
    assert seen == []


def test_a_run_whose_resuming_is_cancelled_can_be_resumed_again() -> None:
    case = COROUTINES["awaited"]
    killed(case.call, before=8)
    run = root_run()
    assert run is not None

    async def cancels() -> None:
        resuming = asyncio.create_task(case.flow.resume(run.id))
        await asyncio.sleep(0)
        resuming.cancel()
        with pytest.raises(asyncio.CancelledError):
            await resuming

    asyncio.run(cancels())
    left = root_run()
    assert left is not None
    assert left.state_type is StateType.CRASHED
    assert on_a_loop(lambda: case.flow.resume(run.id)) == case.outcome
