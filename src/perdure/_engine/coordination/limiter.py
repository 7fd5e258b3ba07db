"""What a process knows of limits, and which slots it holds. Whoever waits looks whether others still live."""

import logging
import threading
import time
from collections.abc import Callable

from perdure._engine.recovery.heartbeat import Heartbeat
from perdure._engine.recovery.process_liveness import Liveness
from perdure._model.errors import LimitError, OrchestratorError, OrchestratorUnreachable
from perdure._platform.clock import Clock
from perdure._platform.ids import new_id
from perdure._platform.suggest import nearest
from perdure._rooms.limits.records import Limit, Slot
from perdure._run.context import RunContext
from perdure._store.protocol import Orchestrator

_REFRESH_SECONDS = 5.0  # after this, tasks look whether their tags have limits by now
_LOOK_SECONDS = 1.0  # between two looks at those who are before us


class Ticket:
    """A request for slots."""

    __slots__ = ("is_given_up", "look", "slot")

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self.is_given_up = False
        self.look = 0.0


class Limiter:
    """What this process knows of limits, and which slots it holds."""

    def __init__(
        self,
        orchestrator: Orchestrator,
        heartbeat: Heartbeat,
        liveness: Liveness,
        clock: Clock,
        log: Callable[..., None],
    ) -> None:
        self._orchestrator = orchestrator
        self._limits = orchestrator.limits
        self._heartbeat = heartbeat
        self._liveness = liveness
        self._clock = clock
        self._log = log
        self._lock = threading.Lock()
        self._is_announced = False  # whether others can find out that this process lives
        self._due = 0.0
        self._owed: list[str] = []  # slots that could not be released yet
        self.known: dict[str, Limit] = {}
        self._absent: set[str] = set()  # names that were looked up since, and are not there
        self.held: dict[str, list[Slot]] = {}  # by task run

    def concerns(self, tags: frozenset[str]) -> bool:
        """Whether tasks with these tags may be limited."""
        return time.monotonic() >= self._due or not self.known.keys().isdisjoint(tags)

    def of_tags(self, tags: frozenset[str]) -> list[Limit]:
        """The limits of tasks with these tags, sorted by name: so no two tasks wait for each other."""
        if time.monotonic() >= self._due:
            try:
                self._refresh()
            except OrchestratorUnreachable:  # what was known counts
                self._due = time.monotonic() + _REFRESH_SECONDS
        return [self.known[name] for name in sorted(self.known.keys() & tags)]

    def find(self, name: str, anew: bool = False) -> Limit | None:
        """A limit by its name. A missing one is looked for at most every few seconds, unless `anew`."""
        is_known = name in self.known or (name in self._absent and not anew)
        if not is_known or time.monotonic() >= self._due:
            self._refresh()
            if name not in self.known:
                self._absent.add(name)
        return self.known.get(name)

    def missing(self, name: str) -> LimitError:
        """The error of a limit that is not there."""
        import shlex  # needed only when something is already wrong

        advice = nearest(name, list(self.known)) or f" Make it: `perdure limit create {shlex.quote(name)} 5`."
        return LimitError(f"There is no limit {name!r}.{advice}")

    def _refresh(self) -> None:
        self.known, self._absent = {limit.name: limit for limit in self._limits.all()}, set()
        self._due = time.monotonic() + _REFRESH_SECONDS

    def ticket(self, name: str, occupy: int, run: RunContext | None) -> Ticket:
        """A new request for slots of a limit."""
        run_id = None if run is None else run.id
        return Ticket(Slot(new_id(), name, occupy, self._heartbeat.process.id, run_id, self._clock()))

    def ask(self, ticket: Ticket) -> int | None:
        """How many slots are missing; 0 if they are ours now, None if there is no such limit any more."""
        if not self._is_announced:
            self._orchestrator.commit(self._heartbeat.begin())
            self._is_announced = True
        try:
            missing = self._limits.take(ticket.slot, self._clock())
            if missing and time.monotonic() >= ticket.look:
                ticket.look = time.monotonic() + _LOOK_SECONDS
                if free_lost(ticket.slot.name, self._orchestrator, self._liveness):
                    missing = self._limits.take(ticket.slot, self._clock())
        except OrchestratorUnreachable:
            missing = ticket.slot.occupy
        if ticket.is_given_up:  # its coroutine was cancelled while this thread asked
            self.release([ticket.slot])
        return missing

    def give_up(self, ticket: Ticket) -> None:
        """Wait no longer."""
        ticket.is_given_up = True
        self.release([ticket.slot])

    def release(self, slots: list[Slot]) -> None:
        """Release slots; those that cannot be released now, with the next ones."""
        with self._lock:
            ids, self._owed = [*self._owed, *(slot.id for slot in slots)], []
        try:
            self._limits.release(ids)
        except OrchestratorError as error:
            self._log(None, logging.WARNING, "Slots of a limit could not be released yet: %s", error)
            with self._lock:
                self._owed += ids

    def draw(self, name: str, occupy: int, patience: float | None) -> float | None:
        """As the orchestrator's, by this process's clock."""
        return self._limits.draw(name, occupy, self._clock(), patience)


def free_lost(name: str, orchestrator: Orchestrator, liveness: Liveness) -> int:
    """Release the slots and places in the line of a limit whose process is gone; how many there were."""
    lost: list[str] = []
    alive: dict[str, bool] = {}
    for slot in orchestrator.limits.slots(name):
        if slot.process_id not in alive:
            alive[slot.process_id] = liveness.is_alive(slot.process_id)
        if not alive[slot.process_id]:
            lost.append(slot.id)
    if lost:
        orchestrator.limits.release(lost)
    return len(lost)
