"""Flow runs that change, for those who listen: found by looking at the database while anybody does.

Who writes to the database may be any process, so it is looked at: the newest runs, those that had not ended, and those
that came to a state of late, as a run does that is resumed long after it ended. A server that has written for others
itself says so by `notice`, and looks at once.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from secrets import token_hex

from perdure._model.errors import OrchestratorError
from perdure._model.state_types import FINAL
from perdure._platform.clock import system_clock
from perdure._platform.named import NamedTuple
from perdure._rooms.events.port import ARRIVAL
from perdure._rooms.runs.records import FlowRun, RunFilter
from perdure._store.embedded import EmbeddedOrchestrator

_LOOK_SECONDS = 0.5
_SOONEST_SECONDS = 0.1  # between two looks, however much is written
_LINGER_SECONDS = 30.0  # for so long it is looked on for those whose connection broke
_KEPT_SECONDS = 60.0  # in which a listener whose connection broke may continue
_KEPT = 10_000  # changes, at most
_KEPT_CHARACTERS = 4_000_000  # in all of these: parameters can be long
_NEWEST = 200  # runs that are looked at each time
_OPEN = 1_000  # runs that had not ended, at most
_STATES = 1_000  # new states, at most
_LOOK_BACK = 3_000_000  # microseconds: who writes a state numbers it before it is committed


class Change(NamedTuple):
    """A flow run that has changed, and the number of the change."""

    number: int
    run: FlowRun


class Changes:
    """The last changes of flow runs in a database; numbers count within an `epoch`, a time of looking without a gap."""

    def __init__(self, orchestrator: EmbeddedOrchestrator, clock: Callable[[], float] = time.monotonic) -> None:
        self.epoch = token_hex(4)
        self._orchestrator = orchestrator
        self._clock = clock
        self._lock = threading.Lock()
        self._listeners = 0
        self._left = 0.0  # when the last one did
        self._is_watching = self._is_closed = False
        self._wake = threading.Event()
        self._last: deque[Change] = deque()
        self._since: deque[float] = deque()  # when each of them was found
        self._characters = 0
        self._seen: dict[str, tuple[object, ...]] = {}
        self._number = 0
        self._arrival = 0  # states that arrived after it are looked at

    @property
    def listeners(self) -> int:
        """How many listen."""
        return self._listeners

    @property
    def number(self) -> int:
        """Of the last change."""
        return self._number

    def after(self, number: int) -> list[Change] | None:
        """The changes after one; None if they are not kept any more."""
        kept = list(self._last)
        if number > self._number or (kept and number < kept[0].number - 1) or (not kept and number < self._number):
            return None
        return [change for change in kept if change.number > number]

    def notice(self) -> None:
        """Look at the database now: something was written."""
        self._wake.set()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Within the block, the database is looked at."""
        with self._lock:
            if not self._is_watching:
                self._begin()
            self._listeners += 1
        try:
            yield
        finally:
            with self._lock:
                self._listeners -= 1
                self._left = time.monotonic()

    def close(self) -> None:
        """Look at the database no more."""
        with self._lock:
            self._is_closed = True
        self._wake.set()

    def _begin(self) -> None:
        self.epoch = token_hex(4)
        self._last.clear()
        self._since.clear()
        self._characters = 0
        self._arrival = (system_clock() - _LOOK_BACK) * ARRIVAL
        self._seen = {run.id: _fingerprint(run) for run in self._looked_at()}
        self._is_watching = True
        threading.Thread(target=self._watch, name="perdure-changes", daemon=True).start()

    def _watch(self) -> None:
        while True:
            time.sleep(_SOONEST_SECONDS)
            self._wake.wait(_LOOK_SECONDS - _SOONEST_SECONDS)
            self._wake.clear()
            with self._lock:
                is_left = not self._listeners and time.monotonic() - self._left > _LINGER_SECONDS
                if is_left or self._is_closed:
                    self._is_watching = False
                    return
                with suppress(OrchestratorError):  # it may be back the next time
                    self._look()

    def _look(self) -> None:
        runs = self._looked_at()
        for run in sorted(runs, key=lambda run: (run.state_time or run.created, run.id)):
            if self._seen.get(run.id) != _fingerprint(run):
                self._number += 1
                self._keep(Change(self._number, run))
        self._seen = {run.id: _fingerprint(run) for run in runs}
        self._forget()

    def _keep(self, change: Change) -> None:
        self._last.append(change)
        self._since.append(self._clock())
        self._characters += _length(change.run)
        self._forget()

    def _forget(self) -> None:
        """Forget what nobody continues from, or would not be kept for."""
        while self._last and (
            self._since[0] < self._clock() - _KEPT_SECONDS
            or len(self._last) > _KEPT
            or (self._characters > _KEPT_CHARACTERS and len(self._last) > 1)
        ):
            self._since.popleft()
            self._characters -= _length(self._last.popleft().run)

    def _looked_at(self) -> list[FlowRun]:
        newest = {run.id: run for run in self._orchestrator.flow_runs(RunFilter(limit=_NEWEST))}
        open = [id for id, seen in self._seen.items() if id not in newest and seen[0] not in FINAL][-_OPEN:]
        moved = [id for id in self._with_new_states() if id not in newest]
        wanted = tuple(dict.fromkeys((*open, *moved)))
        older = self._orchestrator.flow_runs(RunFilter(ids=wanted)) if wanted else ()
        return [*newest.values(), *older]

    def _with_new_states(self) -> list[str]:
        states = self._orchestrator.services.states_after(self._arrival, _STATES)
        if states:
            newest = min(states[-1].arrival, system_clock() * ARRIVAL)  # a clock elsewhere may be ahead
            back = 0 if len(states) == _STATES else _LOOK_BACK * ARRIVAL  # so many cannot be looked at twice
            self._arrival = max(self._arrival, newest - back)
        return [state.run_id for state in states if not state.of_task]


def _length(run: FlowRun) -> int:
    return sum(len(each) for each in run if isinstance(each, str))


def _fingerprint(run: FlowRun) -> tuple[object, ...]:
    return run.state_type, run.state_name, run.state_time, run.name
