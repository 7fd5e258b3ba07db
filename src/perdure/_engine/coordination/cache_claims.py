"""Claims: of all runs that want one missing cache key, in whatever thread or process, one computes its value.

The problem: ten runs look up the same cache key, and none finds a value. All ten would compute it, for an hour each. A
lock round the lookup is not enough: the others may be in another process, whose locks we do not share and which may be
killed while it holds one; and a run that waits inside another one can wait for itself.

The idea: single flight, on two levels. In the database, a claim is a row with the key, inserted only if there is
neither a claim nor a value; whoever inserts it computes. Within a process, runs first meet at a `Flight`, so that only
one run of each process asks the database, and the others wait for it without polling:

    process 1   run a ── claims k ──── computes ──── value and release of k in one commit
                run b ── finds a's flight, waits for it ───────────────────► the cache has k
    process 2   run c ── finds a's row, looks at it again and again ────────► the cache has k
                run d ── finds c's flight, waits for that

Who has waited asks the cache anew. If the value is not there (the holder failed), the next one claims. If the holder's
process is gone, its row is taken over by an UPDATE that names the holder it replaces, so one succeeds.

Deadlock: run a computes k1 and calls a task with key k2, while b computes k2 and calls one with k1. So each run that
waits *inside* claims says so first in their rows (`waits`), and then looks whether the holder that it would wait for
waits too. Then it computes the value itself, without a claim. As both write before they read, at least one sees it. It
may be wrong in being too careful: the cost is a value computed twice, never a wait for ever.

What always holds:

- A claim makes nothing correct; it only saves work. Two runs may compute one key, and either's value serves.
- A cache entry is visible before its claim is gone: they are written in that order, in one transaction. So a run that
  finds the claim gone finds the value, if there is one.
- Each way out of a run that has a claim releases it (`release_own`, `land`): its end, a failure, a cancellation that
  comes while a thread is just getting the claim (`_kept`).
- A cache hit never looks at claims.
"""

import logging
import threading
from collections.abc import Callable, Iterator

from perdure._engine.recovery.heartbeat import Heartbeat
from perdure._engine.recovery.process_liveness import Liveness
from perdure._model.errors import WouldDeadlock
from perdure._model.records import Claim, Record, ReleaseRecord
from perdure._model.state_types import StateType
from perdure._model.states import State
from perdure._platform.clock import Clock
from perdure._run.context import RunContext, TaskRunContext
from perdure._run.effects import Blocking, Report, Sleep, Steps, WaitFor
from perdure._run.pending import Pending
from perdure._store.protocol import Orchestrator

_WAITING = "The task run %s in another process computes the same cache key; waiting for it."
_SHORTEST, _LONGEST = 0.005, 1.0  # seconds between two looks at another process's claim
_LOGGED = 16 * _SHORTEST  # when it comes to this, the wait is worth a line in the log


class Flight(Pending):
    """The run of this process that computes, or waits for, the value of a cache key."""

    __slots__ = ("_thread",)

    def __init__(self, task_run_id: str) -> None:
        super().__init__(task_run_id)
        self._thread = threading.get_ident()

    def block(self, timeout: float | None = None) -> bool:
        """Block until the flight has landed.

        Raises:
            WouldDeadlock: it needs this very thread, since it is below on its stack or on its event loop.
        """
        if self.ended is None and self._thread == threading.get_ident():
            raise WouldDeadlock(f"The task run {self.task_run_id} needs the thread that would wait for it.")
        return self._wait(timeout)


class Claims:
    """The claims that the runs of this process hold or wait for."""

    def __init__(
        self,
        orchestrator: Orchestrator,
        heartbeat: Heartbeat,
        liveness: Liveness,
        clock: Clock,
        log: Callable[..., None],
    ) -> None:
        self._orchestrator = orchestrator
        self._heartbeat = heartbeat
        self._liveness = liveness
        self._clock = clock
        self._log = log
        self._is_known = False  # whether others can find out that this process lives
        self.flights: dict[str, Flight] = {}
        self.note_wait = orchestrator.note_wait

    def claim(self, key: str, flight: Flight, lost: str | None) -> Claim | None:
        """The claim of the key: the flight's own, or another's; None if there is none, since its value has come.

        `lost` is a run whose result the key stands for, but cannot be read.
        """
        if not self._is_known:
            self._orchestrator.commit(self._heartbeat.begin())
            self._is_known = True
        mine = Claim(key, flight.task_run_id, self._heartbeat.process.id, self._clock())
        if self._orchestrator.claim_key(mine, lost):
            return self._kept(mine, flight)
        return self.look(key, flight)

    def look(self, key: str, flight: Flight) -> Claim | None:
        """The same, where another one holds the claim; it becomes the flight's own if that one is gone."""
        held = self._orchestrator.claim_of(key)
        if held is None or self._is_held(held):
            return held
        mine = Claim(key, flight.task_run_id, self._heartbeat.process.id, self._clock())
        return self._kept(mine, flight) if self._orchestrator.take_over_key(held, mine) else None

    def _kept(self, mine: Claim, flight: Flight) -> Claim:
        """The claim, which is released at once if its coroutine was cancelled while a thread got it."""
        if flight.ended is not None:
            self._orchestrator.report((ReleaseRecord(mine.key, mine.run_id),))
        return mine

    def _is_held(self, claim: Claim) -> bool:
        if claim.process_id == self._heartbeat.process.id:  # ours would have a flight, and who asks would wait for that
            return False
        return self._liveness.is_alive(claim.process_id)

    def hold(self, key: str, holder: str) -> Steps[None]:
        """Wait until the key's claim is the holder's, as one that is not a run's may be."""
        flight = Flight(holder)
        while (first := self.flights.setdefault(key, flight)) is not flight:
            yield WaitFor((first,))
        try:
            delay = _SHORTEST
            while True:
                claim = yield Blocking(self.claim, (key, flight, None))
                if claim is not None and claim.run_id == holder:
                    return
                yield Sleep(delay)
                delay = min(2 * delay, _LONGEST)
        except BaseException:
            self.release(key, holder)
            raise

    def release(self, key: str, holder: str) -> None:
        """Release a claim that was held."""
        self._orchestrator.report((ReleaseRecord(key, holder),))
        self.flights.pop(key).arrive(State(StateType.COMPLETED))

    def release_own(self, run: TaskRunContext) -> None:
        """Give up the claim of a run that has not come to its end as it should."""
        if run.claim is not None:
            self._orchestrator.report((ReleaseRecord(run.claim, run.id),))
            self.land(run)

    def land(self, run: TaskRunContext) -> None:
        """Wake those of this process that wait for the run: the release of its claim has been reported."""
        if run.claim is not None:
            key, run.claim = run.claim, None
            self._land(run, key)

    def _land(self, run: TaskRunContext, key: str) -> None:
        assert run.state is not None
        self.flights.pop(key).arrive(run.state)

    def is_to_compute(self, run: TaskRunContext, key: str, lost: str | None, records: list[Record]) -> Steps[bool]:
        """Whether the run is to compute the key's value, with a claim to it if possible.

        If not, somebody else has computed it, or has failed to: the cache has to be asked again. `records` of the run
        are reported before it waits.
        """
        above = tuple(_held_above(run))
        # A generator may be left half-way for ever, and a run cannot wait for what waits for it.
        if run.options.is_generator or any(held == key for held, _ in above):
            return True
        flight = Flight(run.id)
        first = self.flights.setdefault(key, flight)
        if first is not flight:
            return (yield from self._wait_inside(above, self._wait_here(run, key, first), records))
        try:
            claim = yield Blocking(self.claim, (key, flight, lost))
            if claim is not None and claim.run_id != run.id:
                return (yield from self._wait_inside(above, self._wait_for_process(run, key, flight), records))
        except BaseException:
            run.claim = key  # perhaps it has it: whoever ends the run lets it go
            raise
        else:
            run.claim = None if claim is None else key
            return claim is not None
        finally:
            if run.claim is None:
                self._land(run, key)

    def _wait_here(self, run: TaskRunContext, key: str, first: Flight) -> Steps[bool]:
        if (yield from self._could_deadlock(run, key)):
            return True
        self._log(run, logging.DEBUG, "The task run %s computes the same cache key; waiting for it.", first.task_run_id)
        try:
            yield WaitFor((first,))
        except WouldDeadlock:
            return True
        return False

    def _wait_for_process(self, run: TaskRunContext, key: str, flight: Flight) -> Steps[bool]:
        delay = _SHORTEST
        while not (yield from self._could_deadlock(run, key)):
            claim = yield Blocking(self.look, (key, flight))
            if claim is None:
                return False
            if claim.run_id == run.id:
                run.claim = key
                return True
            if delay == _LOGGED:
                self._log(run, logging.INFO, _WAITING, claim.run_id)
            yield Sleep(delay)
            delay = min(2 * delay, _LONGEST)
        return True

    def _wait_inside(self, above: tuple[tuple[str, str], ...], wait: Steps[bool], records: list[Record]) -> Steps[bool]:
        """Wait, while the claims above say that their holders wait."""
        if records:
            yield Report(tuple(records))
            records.clear()
        for each in above:
            yield Blocking(self.note_wait, (each, 1))
        try:
            outcome = yield from wait
        except BaseException:
            for each in above:
                self.note_wait(each, -1)
            raise
        for each in above:
            yield Blocking(self.note_wait, (each, -1))
        return outcome

    def _could_deadlock(self, run: TaskRunContext, key: str) -> Steps[bool]:
        if next(_held_above(run), None) is None:
            return False
        claim = yield Blocking(self._orchestrator.claim_of, (key,))
        return claim is not None and claim.waits > 0


def _held_above(run: RunContext) -> Iterator[tuple[str, str]]:
    """The claims of the runs inside which a run is: their keys, and the ids of the runs."""
    above = run.parent
    while above is not None:
        if isinstance(above, TaskRunContext) and above.claim is not None:
            yield above.claim, above.id
        above = above.parent
