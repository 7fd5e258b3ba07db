"""Single flight, whatever happens between any two steps of two runs that want one key.

Each call of the orchestrator and of the task is a point at which the run may be held up, before it and after it. One
run is stopped at each of its points, the other runs to each of its own, then the first one runs to its end.
"""

import functools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from perdure import INPUTS, settings, task
from perdure._engine import drivers
from perdure._run.effects import Effect, Sleep, WaitFor
from perdure._session import session as sessions
from perdure._store.embedded import EmbeddedOrchestrator
from perdure.session import Session

_PATIENCE = 20  # seconds; nothing here takes that long
_POINTS = 32  # more than a run has
_CALLS = ("find_cached", "claim_key", "claim_of", "take_over_key", "report", "commit", "process")


class Turns:
    """Whose turn it is: each part of a plan is a run, and how many points it may pass."""

    def __init__(self, plan: Sequence[tuple[int, int]]) -> None:
        self._plan = [list(part) for part in plan]
        self._changed = threading.Condition()
        self._away: set[int] = set()  # runs that wait for another, or have ended
        self.me = threading.local()

    def point(self) -> None:
        """Wait until it is the turn of the run of this thread, and pass a point."""
        me = getattr(self.me, "number", None)
        if me is None:  # the thread that writes what was reported
            return
        with self._changed:
            assert self._changed.wait_for(lambda: self._is_turn(me), _PATIENCE), "nobody may go on"
            if self._plan:
                self._plan[0][1] -= 1

    def _is_turn(self, me: int) -> bool:
        while self._plan and (self._plan[0][0] in self._away or self._plan[0][1] == 0):
            self._plan.pop(0)
            self._changed.notify_all()
        return not self._plan or self._plan[0][0] == me

    @contextmanager
    def away(self) -> Iterator[None]:
        """In the block, the run waits for another one."""
        me = getattr(self.me, "number", None)
        self._go(me)
        try:
            yield
        finally:
            with self._changed:
                self._away.discard(me)  # type: ignore[arg-type]

    def _go(self, me: Any) -> None:
        with self._changed:
            self._away.add(me)
            self._changed.notify_all()

    def run(self, number: int, call: Callable[[], Any]) -> Any:
        """Make a call as one of the runs."""
        self.me.number = number
        try:
            return call()
        finally:
            self._go(number)

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with a point before it and one after it."""

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            self.point()
            try:
                return function(*args, **kwargs)
            finally:
                self.point()

        return called


ENDED = [[(0, i), (1, _POINTS), (0, _POINTS)] for i in range(1, _POINTS)]
AMID = [[(0, i), (1, j), (0, _POINTS), (1, _POINTS)] for i in range(1, _POINTS) for j in (1, 3, 6, 9, 12)]


class Race:
    """Two runs that want one key, each in a session of its own if they are of two processes."""

    def __init__(self, home: Path, plan: Sequence[tuple[int, int]], processes: int) -> None:
        self.turns = Turns(plan)
        self.sessions = [self._session(home) for _ in range(processes)]
        self.sessions[0].orchestrator.flush()
        self.calls: list[int] = []
        self._local = threading.local()

    def _session(self, home: Path) -> Session:
        orchestrator = EmbeddedOrchestrator(home / "perdure.db", report_interval_seconds=0.01)
        for name in _CALLS:
            setattr(orchestrator, name, self.turns.around(getattr(orchestrator, name)))
        return Session(settings.current(), orchestrator)

    def current(self) -> Session:
        return getattr(self._local, "session", self.sessions[0])  # type: ignore[no-any-return]

    def perform(self, plain: Callable[..., Any], effect: Effect, world: Any) -> Any:
        if isinstance(effect, WaitFor | Sleep):
            with self.turns.away():
                return plain(effect, world)
        return plain(effect, world)

    def _one(self, number: int, function: Any) -> Any:
        self._local.session = self.sessions[number % len(self.sessions)]
        return self.turns.run(number, lambda: function(1, return_state=True))

    def states(self, function: Any) -> list[Any]:
        with ThreadPoolExecutor(2) as threads:
            return list(threads.map(self._one, (0, 1), (function, function)))

    def close(self) -> None:
        for each in self.sessions:
            each.close()


@pytest.fixture
def race(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Race]]:
    races: list[Race] = []
    plain = drivers.perform

    def begin(plan: Sequence[tuple[int, int]], processes: int) -> Race:
        made = Race(home / str(len(races)), plan, processes)
        races.append(made)
        monkeypatch.setattr(sessions, "current", made.current)
        monkeypatch.setattr(drivers, "perform", functools.partial(made.perform, plain))
        return made

    yield begin
    for each in races:
        each.close()


def check_once(race: Callable[..., Race], plan: Sequence[tuple[int, int]], processes: int) -> None:
    """In the order of the plan, one of the two runs computes, and the other takes its value."""
    raced = race(plan, processes)

    @task(cache_policy=INPUTS)
    def once(x: int) -> list[int]:
        raced.turns.point()
        raced.calls.append(x)
        raced.turns.point()
        return [x]

    states = raced.states(once)

    assert raced.calls == [1], plan
    assert sorted(state.name for state in states) == ["Cached", "Completed"], plan
    assert [state.result() for state in states] == [[1], [1]]


def check_failing(race: Callable[..., Race], plan: Sequence[tuple[int, int]], processes: int) -> None:
    """In the order of the plan, who computes first fails, and then the other computes."""
    raced = race(plan, processes)

    @task(cache_policy=INPUTS)
    def fails_once(x: int) -> list[int]:
        raced.turns.point()
        raced.calls.append(x)
        raced.turns.point()
        if len(raced.calls) == 1:
            raise ValueError("first")
        return [x]

    states = raced.states(fails_once)

    assert raced.calls == [1, 1], plan
    assert sorted(state.name for state in states) == ["Completed", "Failed"], plan


BOTH = pytest.mark.parametrize("processes", [1, 2], ids=["threads", "processes"])
CHECKS = pytest.mark.parametrize("check", [check_once, check_failing])


@pytest.mark.slow
@BOTH
@CHECKS
def test_wherever_one_run_is_held_up_until_the_other_has_ended(race: Any, check: Any, processes: int) -> None:
    for plan in ENDED:
        check(race, plan, processes)


@pytest.mark.slow
@BOTH
@CHECKS
def test_wherever_two_runs_hold_each_other_up(race: Any, check: Any, processes: int) -> None:
    for plan in AMID:
        check(race, plan, processes)


class Noted:
    """Something that a task notes its calls in. To look at it takes its time, the first time."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self._is_seen = False

    def __getstate__(self) -> Any:
        if not self._is_seen:
            self._is_seen = True
            time.sleep(0.1)
        return {"calls": list(self.calls)}


@pytest.mark.parametrize("of", ["closure", "default"])
def test_what_a_task_notes_its_calls_in_is_looked_at_by_all_threads_before_the_first_call(of: str) -> None:
    noted = Noted()

    def in_closure(x: int) -> list[int]:
        noted.calls.append(x)
        return [x]

    def in_default(x: int, noted: Noted = noted) -> list[int]:
        noted.calls.append(x)
        return [x]

    function = in_closure if of == "closure" else in_default
    policy = INPUTS if of == "closure" else INPUTS - "noted"
    once = task(function, cache_policy=policy)
    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(once, [1] * 3)) == [[1]] * 3

    assert noted.calls == [1]
