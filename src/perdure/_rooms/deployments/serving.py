"""Whether the programs that serve deployments are there: of those that are not, no runs are made.

A served deployment has a work pool of its own, and nobody but its program has the code. Runs that were made while that
is down would pile up, by whoever else makes runs of schedules, and all begin at once when it is back. So its ticks are
left alone until then, and its schedule's catch-up policy says what becomes of them, as if nothing had been up.

As with processes (`_engine.recovery.process_liveness`), nobody's clock decides: a program is there if its worker's
heartbeat has changed within a lease of our own time. Only what was seen once is judged by the time that it says.
"""

import time
from collections.abc import Callable, Collection, Sequence

from perdure._platform.clock import Micros
from perdure._rooms.deployments.port import SERVED, Deployment, Deployments, ScheduleRecord, WorkerRecord

_LOOK_SECONDS = 1.0
_REPORT_SECONDS = 10.0
_MOST_REPORTED = 10_000  # schedules; beyond that, all are reported once more


class Serving:
    """Which programs that serve are there, as far as one process has seen; `own` are the pools that it serves itself.

    One thread may use it.
    """

    def __init__(
        self,
        lease_seconds: float,
        own: Collection[str] = (),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lease = lease_seconds
        self._own = {pool for pool in own if is_served(pool)}
        self._monotonic = monotonic
        self._seen: dict[str, tuple[Micros, float]] = {}  # by worker: its last heartbeat, and until when that counts
        self._there: Sequence[str] = sorted(self._own)
        self._next = self._next_report = 0.0
        self._reported: set[tuple[str, str, Micros]] = set()

    def pools(self, known: Deployments, now: Micros) -> Sequence[str]:
        """The work pools of programs that are there."""
        if self._monotonic() >= self._next:
            self._look(known.workers(), now)
            self._next = self._monotonic() + min(_LOOK_SECONDS, self._lease / 6)
        return self._there

    def is_to_report(self) -> bool:
        """Whether it is time to look for schedules that are due while their programs are down."""
        now = self._monotonic()
        if now < self._next_report:
            return False
        self._next_report = now + _REPORT_SECONDS
        return True

    def has_reported(self, record: ScheduleRecord) -> bool:
        """Whether it is known that the program of a schedule is down that has been seen so far."""
        return (record.deployment_id, record.slug, record.seen) in self._reported

    def note_reported(self, record: ScheduleRecord) -> None:
        """It is known from now on."""
        if len(self._reported) >= _MOST_REPORTED:
            self._reported.clear()
        self._reported.add((record.deployment_id, record.slug, record.seen))

    def _look(self, workers: Sequence[WorkerRecord], now: Micros) -> None:
        mine = self._monotonic()
        seen: dict[str, tuple[Micros, float]] = {}
        there = set(self._own)
        for worker in workers:
            if not is_served(worker.work_pool):
                continue
            before, until = self._seen.get(worker.id, (None, mine))
            if before is None:
                until = mine + self._lease - abs(now - worker.seen) / 1_000_000
            elif before != worker.seen:
                until = mine + self._lease
            seen[worker.id] = worker.seen, until
            if until > mine:
                there.add(worker.work_pool)
        self._seen, self._there = seen, sorted(there)


def is_served(work_pool: str) -> bool:
    """Whether a work pool is that of a program that serves a deployment."""
    return work_pool.startswith(SERVED)


def is_there(worker: WorkerRecord, now: Micros, lease_seconds: float) -> bool:
    """Whether a worker has given a heartbeat lately, as far as clocks agree: for people."""
    return now - worker.seen <= 2 * lease_seconds * 1_000_000


def has_program(of: Deployment, workers: Sequence[WorkerRecord], now: Micros, lease_seconds: float) -> bool | None:
    """Whether the program that serves a deployment is there, for people; None of one that no program serves."""
    if not is_served(of.work_pool):
        return None
    return any(each.work_pool == of.work_pool and is_there(each, now, lease_seconds) for each in workers)


__all__ = ["Serving", "has_program", "is_served", "is_there"]
