"""Stopping flows as if their process had been killed, at each of their effects in turn, and resuming them.

A real SIGKILL would end the test as well. This comes as near as one process can: from the crash on, nothing that is
reported or written arrives anywhere, no task begins, no hook is called, and the process counts as gone. It cannot stop
Python code halfway: `finally` blocks run, and so does what a flow does between two calls. Tasks in the processes of a
`ProcessTaskRunner` end what they are at, as they do after a kill.
"""

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from perdure._engine import drivers
from perdure._engine.port import Runtime
from perdure._execution.flows import Flow
from perdure._model.records import Record
from perdure._model.state_types import StateType
from perdure._platform.clock import Clock, system_clock
from perdure._platform.named import NamedTuple
from perdure._results.lookup import get_result
from perdure._rooms.runs.records import FlowRun, RunFilter
from perdure._run import log_reporting
from perdure._run.context import FlowRunContext, RunContext, current_run
from perdure._run.effects import Blocking, Call, Effect, Emit, Report, WaitFor
from perdure._runners.base import TaskRunner
from perdure._session import session as sessions
from perdure._session.session import Session
from perdure._settings import settings
from perdure._settings.fields import Settings
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.sql.database import Database
from perdure._store.sql.database_from_settings import database_of
from perdure.testing.home import fresh_home

_NEVER = 3_600.0  # seconds between two flushes: what was only reported is lost


class Killed(BaseException):
    """The process is to be thought of as killed. Code that handles it is not reached by a real kill."""


class Ending(NamedTuple):
    """What a call came to."""

    killed: bool
    value: Any  # what it returned, or the exception that it raised; None if it was killed
    effects: tuple[str, ...]  # what was done until then, in words


class Crash:
    """A flow that was killed, in a home of its own; `resume` resumes it."""

    def __init__(self, flow: "Flow[..., Any]", again: Callable[[], object], ending: Ending) -> None:
        self.effects = ending.effects  # what was done before, in words
        self._flow = flow
        self._again = again

    @property
    def run(self) -> FlowRun | None:
        """The flow run as the database has it; None if the crash came before it was committed."""
        return root_run()

    def resume(self, *, retry_failed: bool = False) -> Any:
        """Resume the flow run, in a fresh session: its value. What it raises is raised.

        If nothing was committed yet, the flow is called anew; if its end was committed, that is its outcome.
        """
        run = self.run
        if run is None:
            return outcome_of(self._again)
        if run.state_type is StateType.COMPLETED:
            return get_result(run.id)
        return outcome_of(lambda: self._flow.resume(run.id, retry_failed=retry_failed))

    def __repr__(self) -> str:
        return f"Crash(before effect {len(self.effects) + 1}, after {self.effects[-1] if self.effects else 'none'})"


def crash_points(
    flow: "Flow[..., Any]", /, *args: object, flushed: bool = False, most: int = 10_000, **kwargs: object
) -> Iterator[Crash]:
    """Call the flow again and again, each time in a fresh home and killed one effect later, until it is not killed.

    An effect is what the engine does to the outside: a call of a function, a report, a write, a commit, a wait.
    `flushed` says whether what was reported before the crash had come into the database, as it does within a tenth of
    a second. The home is there for the body of the loop.

    Raises:
        RuntimeError: the flow was killed `most` times and has not come to its end.
    """
    for before in range(1, most + 1):
        with fresh_home():
            ending = killed(lambda: flow(*args, **kwargs), before=before, flushed=flushed)
            if not ending.killed:
                return
            yield Crash(flow, lambda: flow(*args, **kwargs), ending)
    raise RuntimeError(
        f"The flow {flow.name!r} was killed {most} times and has not come to its end. Give a larger most=."
    )


def killed(
    call: Callable[[], object], *, before: int | None, flushed: bool = False, clock: Clock = system_clock
) -> Ending:
    """Make a call, and kill it before its `before`-th effect; None lets it come to its end.

    It has a session of its own. One call at a time: it is the whole process that is thought of as killed.
    """
    reaper = _Reaper(before)
    orchestrator = _Orchestrator(database_of(settings.current()), reaper)
    session = _Session(orchestrator, reaper, clock)
    sessions.close()
    sessions.use(session)
    try:
        with _watched(reaper):
            value = outcome_of(call)
    except Killed:
        value = None
    except Exception as error:
        value = error
    finally:
        session.bury(flushed)
    return Ending(reaper.has_come, None if reaper.has_come else value, tuple(reaper.seen))


def outcome_of(call: Callable[[], object]) -> Any:
    """What a call of a flow comes to: awaited if it is a coroutine, a list of its items if it is a generator."""
    value = call()
    if inspect.iscoroutine(value):
        return asyncio.run(value)
    if inspect.isasyncgen(value):
        return asyncio.run(_items(value))
    return list(value) if inspect.isgenerator(value) else value


async def _items(items: AsyncIterator[object]) -> list[object]:
    return [item async for item in items]


def root_run() -> FlowRun | None:
    """The oldest outermost flow run of the home."""
    runs = sessions.current().orchestrator.flow_runs(RunFilter())
    return next((run for run in reversed(runs) if run.parent_flow_run_id is None), None)


class _Reaper:
    """Counts effects, and comes before one of them."""

    def __init__(self, before: int | None) -> None:
        self.has_come = False
        self.seen: list[str] = []
        self._before = before
        self._lock = threading.Lock()

    def meet(self, effect: Effect) -> None:
        """Count the effect, and let it be done.

        Raises:
            Killed: it is not to be done.
        """
        with self._lock:
            if not self.has_come and len(self.seen) + 1 != self._before:
                self.seen.append(_described(effect))
                return
            if not self.has_come:
                self.has_come = True
        raise Killed(_described(effect))

    def passes_over(self, effect: Effect) -> bool:
        """Whether an effect after the crash is left out silently, so that all threads come to their end."""
        if not self.has_come:
            return False
        if isinstance(effect, Blocking):  # of a generator that is closed, for example
            return getattr(effect.operation, "__name__", None) == "commit"
        if isinstance(effect, Call):  # of a hook, for example
            return effect.function is not effect.run.options.function
        return isinstance(effect, Report)


def _described(effect: Effect) -> str:
    name = type(effect).__name__.lower()
    if isinstance(effect, Report):
        return f"{name} {', '.join(getattr(each, 'name', type(each).__name__) for each in effect.records)}"
    if isinstance(effect, Call):
        return f"{name} {getattr(effect.function, '__name__', effect.function)}"
    if isinstance(effect, Blocking):
        return f"{name} {getattr(effect.operation, '__name__', effect.operation)}"
    return name


class _Orchestrator(EmbeddedOrchestrator):
    """One that nothing reaches after the crash."""

    def __init__(self, database: Database, reaper: _Reaper) -> None:
        super().__init__(database, report_interval_seconds=_NEVER)
        self._reaper = reaper

    def report(self, records: Iterable[Record]) -> None:
        if not self._reaper.has_come:
            super().report(records)

    def commit(self, records: Iterable[Record]) -> None:
        records = tuple(records)
        if not self._reaper.has_come:
            super().commit(records)
        elif not records:  # as before a call is sent to a process, which is really there and would write of its run
            raise Killed("commit")


class _Session(Session):
    """One whose process is thought of as another one, so that it can be gone."""

    def __init__(self, orchestrator: _Orchestrator, reaper: _Reaper, clock: Clock) -> None:
        self._reaper = reaper
        self._embedded = orchestrator
        self._thread = threading.current_thread()
        super().__init__(settings.current(), orchestrator, clock)
        self._heartbeat.process = self._heartbeat.process._replace(began="a test")
        self.log = self._log_of_the_living
        self._runners: list[TaskRunner] = []

    @property
    def settings(self) -> Settings:
        """Asked for by each call of a task or flow: after the crash, none begins.

        A mapped call that another thread submits may: it comes to nothing, and the thread has others to tell.
        """
        is_users = threading.current_thread() is self._thread or not isinstance(current_run.get(), FlowRunContext)
        if self._reaper.has_come and is_users:
            raise Killed("call")
        return self._chosen

    @settings.setter
    def settings(self, chosen: Settings) -> None:
        self._chosen = chosen

    def task_runner_of(self, run: FlowRunContext) -> TaskRunner:
        runner = super().task_runner_of(run)
        self._runners.append(runner)
        return runner

    def _log_of_the_living(self, run: RunContext | None, level: int, message: str, *args: object, **given: Any) -> None:
        if not self._reaper.has_come:
            log_reporting.log(run, level, message, *args, **given)

    def bury(self, flushed: bool) -> None:
        """Wait for all threads to end, and close all; unless `flushed`, what was only reported is lost."""
        for runner in self._runners:
            runner.stop()
        if self._reaper.has_come and not flushed:
            self._embedded.abandon()
        sessions.use(None)
        self.close()


@contextmanager
def _watched(reaper: _Reaper) -> Iterator[None]:
    """Have the drivers ask before each effect."""
    plain, awaiting = drivers.perform, drivers.aperform

    def perform(effect: Effect, runtime: Runtime) -> object:
        if reaper.passes_over(effect):
            return None
        if not (reaper.has_come and isinstance(effect, WaitFor | Emit)):  # those that wait will be released
            reaper.meet(effect)
        return plain(effect, runtime)

    async def aperform(effect: Effect, runtime: Runtime) -> object:
        if isinstance(effect, Report | Emit):  # it leaves these to `perform`
            return await awaiting(effect, runtime)
        if reaper.passes_over(effect):
            return None
        if not (reaper.has_come and isinstance(effect, WaitFor)):
            reaper.meet(effect)
        return await awaiting(effect, runtime)

    drivers.perform, drivers.aperform = perform, aperform
    try:
        yield
    finally:
        drivers.perform, drivers.aperform = plain, awaiting


__all__ = ["Crash", "Ending", "Killed", "crash_points", "killed", "outcome_of", "root_run"]
