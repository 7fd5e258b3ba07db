"""A worker's loop: take what is due, start it, watch it, and see to it that every run comes to a state that is true.

A run that a worker has claimed is its own for a lease, which it renews. The process that it starts claims the run
itself (`_engine.recovery.resumption`), under an epoch: of two that were started for one run, one begins it. So a worker
whose lease ran out, since it was cut off or killed, does no harm when it comes back, and another may start its runs
again.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import TypeVar

from perdure._engine.recovery.lost_runs import end_run_if_lost
from perdure._engine.recovery.run_claims import run_of, standing_of
from perdure._model.errors import OrchestratorError, PerdureError, WorkerError
from perdure._model.records import NOBODY
from perdure._model.state_types import FINAL, StateType
from perdure._platform.clock import Micros
from perdure._platform.ids import new_id
from perdure._platform.version import VERSION
from perdure._rooms.deployments.due_runs import make_due_runs
from perdure._rooms.deployments.port import QueuedRun, WorkerRecord
from perdure._rooms.deployments.serving import Serving
from perdure._rooms.runs.records import RunFilter
from perdure._session.session import Session
from perdure._worker.claimed_ahead import Ahead
from perdure._worker.claimed_run import Ends, Watched
from perdure._worker.infrastructure import HandsOver, Infrastructure, Job, Started, Unreachable
from perdure._worker.jobs import FIRST_EPOCH, Jobs, Known
from perdure._worker.services import LocalServices

_BEATS = 6  # heartbeats in a lease
_LOOK_SECONDS = 0.5  # between two looks at the queue
_TICKS_SECONDS = 0.05  # between two looks at schedules, at least: rounds follow each other while runs end
_SOON_SECONDS = 0.05  # while something is about to happen
_TRIES = 5  # of a run that cannot be begun for a reason that nobody thought of
_MOST_AT_ONCE = 100  # runs that are claimed in one look
_STARTED_AT_ONCE = 8  # of what takes long to start, such as a container whose image is pulled
_GRACE_SECONDS = 30.0  # for runs to end, once the worker is to
_ENDING_SECONDS = 30.0  # for a process to end once its run was cancelled, or is taken for lost: it may call hooks
_ASKED_SECONDS = 5.0  # for it to end once it was asked to
_OVERDUE_LOOK = 10.0  # seconds between two looks at whether a cancelled run continues after its grace
_OVERDUE_SECONDS = 5.0  # after a grace period, in which a process ends its run by itself
_log = logging.getLogger("perdure.worker")
T = TypeVar("T")


class Worker:
    """Takes runs from work pools and starts them, at most `limit` at once.

    With `makes_ticks`, it makes the runs of schedules, and does what automations say: where there is no server,
    somebody has to.

    Raises:
        WorkerError: what it starts is elsewhere, and there is no server that its runs could report to.
    """

    def __init__(
        self,
        session: Session,
        pools: Sequence[str],
        infrastructure: Infrastructure,
        *,
        name: str | None = None,
        limit: int | None = None,
        makes_ticks: bool = False,
    ) -> None:
        if infrastructure.is_elsewhere and session.settings.api_url is None:
            raise WorkerError(
                f"Runs of a work pool of type {infrastructure.type!r} are elsewhere, and report to a server: set"
                " PERDURE_API_URL for the worker, to an address that they reach too. `perdure server start` starts one."
            )
        self._session = session
        self._known = session.orchestrator
        self._pools = list(dict.fromkeys(pools))
        self._infrastructure = infrastructure
        self._makes_ticks = makes_ticks
        self._services = LocalServices(session)
        self._serving = Serving(session.settings.lease_seconds, own=pools)
        self._ends = Ends(session)
        self._running: dict[str, Watched] = {}
        self._starters = ThreadPoolExecutor(_STARTED_AT_ONCE, thread_name_prefix="perdure-start")
        self._reported: dict[str, list[QueuedRun]] = {}  # by pool: runs that have ended, whose places have not yet
        self._wake: SimpleQueue[None] = SimpleQueue()  # unlike an Event, a signal handler may use it at any moment
        self._jobs = Jobs(self._known, infrastructure, partial(self._wake.put, None))
        self._ahead = Ahead(limit)
        self._next_ticks = 0.0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._next_search = 0.0  # for runs of workers that are gone
        self._next_overdue = 0.0
        self._lease_seconds = session.settings.lease_seconds
        self._limit = limit
        now, host = session.clock(), socket.gethostname()
        made = WorkerRecord(
            "", name or f"{host}-{os.getpid()}", "", infrastructure.type, VERSION, host, os.getpid(), limit, 0, now, now
        )
        self.records = {pool: made._replace(id=new_id(), work_pool=pool) for pool in self._pools}

    def run(self) -> None:
        """Work until `stop` is called, and then until what was begun has ended."""
        beats = threading.Thread(target=self._beat, name="perdure-worker-beat", daemon=True)
        self._note_present()
        beats.start()
        try:
            while not self._ended.is_set():
                self._wait(self._round())
            self._drain()
        finally:
            self._ended.set()
            self._starters.shutdown(wait=False)
            self._services.stop()
            with suppress(OrchestratorError):
                for record in self.records.values():
                    self._known.deployments.forget_worker(record.id)

    def stop(self) -> None:
        """Take nothing any more, let what runs end, and have `run` return."""
        self._ended.set()
        self._wake.put(None)

    def _wait(self, seconds: float) -> None:
        """Wait until something has ended or somebody stops the worker, or for so long."""
        with suppress(Empty):
            self._wake.get(timeout=seconds) if seconds > 0 else None
            while True:
                self._wake.get_nowait()

    def _round(self) -> float:
        """Look once; how many seconds until the next look."""
        try:
            return self._look()
        except OrchestratorError as error:
            _log.warning("What is to be done could not be found out: %s", error)
        except Exception:  # one odd run or schedule must not keep all others from running
            _log.exception("The worker failed in one of its rounds.")
        return _LOOK_SECONDS

    def _look(self) -> float:
        ended = self._collect()
        if self._makes_ticks and time.monotonic() >= self._next_ticks:
            self._next_ticks = time.monotonic() + _TICKS_SECONDS
            most = self._session.settings.schedules_waiting_limit
            make_due_runs(self._session.clock(), self._known, self._serving, most)
            self._services.look()
        taken = self._take()
        if time.monotonic() >= self._next_search:  # rounds are short while processes run
            self._next_search = time.monotonic() + _LOOK_SECONDS
            self._find_lost()
            self._look_after()
        if taken or ended:
            return 0.0
        return self._pause()

    def _pause(self) -> float:
        """Until the next tick, half a second at most; less while processes run, whose ends are to be seen."""
        if self._running:
            return _SOON_SECONDS
        if not self._makes_ticks:
            return _LOOK_SECONDS
        now = self._session.clock()
        soon = now + int(_LOOK_SECONDS * 1_000_000)
        next_one = self._known.deployments.due_schedules(soon, 1, self._serving.pools(self._known.deployments, now))
        return max(0.001, min([_LOOK_SECONDS, *((each.due - now) / 1_000_000 for each in next_one if each.due)]))

    def _take(self) -> int:
        """Claim what is due, and start it; how many."""
        if self._ahead.is_late():
            self._give_back()
        count = 0
        while self._room() and (first := self._ahead.next()) is not None:
            self._begin(*first)
            count += 1
        if self._ahead.held():
            return count
        self._jobs.forget()
        for pool in self._pools:
            room, now = self._room(), self._session.clock()
            most = room + self._ahead.room if room > 0 else 0
            taken = self._known.deployments.claim(self.records[pool], most, now, now + self._lease())
            self._settle_reported(pool, bool(taken))
            unbegun = self._jobs.unbegun(taken)
            found = [(run, unbegun.get(run.flow_run_id)) for run in taken]
            for run, known in found[:room]:
                self._begin(run, known)
            self._ahead.put(found[room:])
            count += len(taken)
        return count

    def _room(self) -> int:
        """How many more runs may be begun."""
        return _MOST_AT_ONCE if self._limit is None else max(self._limit - len(self._running), 0)

    def _give_back(self) -> None:
        for pool in self._pools:
            ids = [run.flow_run_id for run in self._ahead.held() if run.work_pool == pool]
            self._known.deployments.give_back(ids, self.records[pool].id)
        self._ahead.given_back()

    def _settle_reported(self, pool: str, are_settled: bool) -> None:
        """End the places of runs that have ended, unless that has been done: who claims runs ends such places."""
        ended = self._reported.pop(pool, [])
        if ended and not are_settled:
            try:
                ids = [each.flow_run_id for each in ended]
                self._known.deployments.end_claimed(ids, self.records[pool].id)
            except OrchestratorError:
                self._reported[pool] = ended
                raise

    def _begin(self, run: QueuedRun, known: Known | None) -> None:
        try:
            epoch, job = self._epoch(run, known), self._jobs.of(run, known)
        except OrchestratorError as error:  # nothing was started: it is begun again once the lease has ended
            _log.warning("The flow run %s could not be started now: %s", run.flow_run_id, error)
            return
        except Exception as error:  # whatever is wrong with it: those that were claimed with it are begun
            is_known = isinstance(error, PerdureError)
            reason = str(error) if is_known else f"{type(error).__name__}: {error}"
            if (not is_known and run.starts < _TRIES) or not self._ends.unbegun(run, reason, ""):
                self._ends.put_off(run, reason)
            return
        handed = self._infrastructure.hand_over(job) if isinstance(self._infrastructure, HandsOver) else None
        started = self._starters.submit(self._start, run, job) if handed is None else _done(handed)
        watched = Watched(run, epoch, started, job.made_of.get("start_timeout"))
        with self._lock:
            self._running[run.flow_run_id] = watched

    def _epoch(self, run: QueuedRun, known: Known | None) -> int:
        """Of the last claim of the run."""
        if known is not None:
            return FIRST_EPOCH
        standing = standing_of(run.flow_run_id, self._known)
        return 0 if standing is None else standing.epoch

    def _start(self, run: QueuedRun, job: Job) -> Started:
        """Start what a run needs, unless what an earlier worker has started for it is there still."""
        earlier = self._infrastructure.find(run.flow_run_id) if run.starts > 1 else None
        if earlier is not None and earlier.ended() is None and self._waits(run):
            return earlier
        if earlier is not None:
            earlier.stop(force=True)
            earlier.forget()
        started = self._infrastructure.start(job)
        _log.info("Started the flow run %s.", run.flow_run_id)
        return started

    def _waits(self, run: QueuedRun) -> bool:
        start = self._known.start(run.flow_run_id)
        return start is not None and start.process_id == NOBODY

    def _collect(self) -> int:
        """See to the runs that could not be started, and to those that have ended; how many."""
        with self._lock:
            watched = list(self._running.values())
        return sum(self._has_ended(each) for each in watched if each.started.done())

    def _has_ended(self, watched: Watched) -> bool:
        error = watched.started.exception()
        if isinstance(error, Unreachable | OrchestratorError):
            self._ends.put_off(watched.queued, str(error))
        elif error is not None:
            reason = str(error) if isinstance(error, PerdureError) else f"{type(error).__name__}: {error}"
            if not self._ends.unbegun(watched.queued, reason, ""):
                return False
        else:
            there = watched.started.result()
            code = there.ended()
            if code is None:
                return False
            if there.has_reported:
                self._reported.setdefault(watched.queued.work_pool, []).append(watched.queued)
                self._ahead.note(time.monotonic() - watched.since)
            elif not self._ends.of(watched, there, code):
                return False
            there.forget()
        with self._lock:
            del self._running[watched.queued.flow_run_id]
        return True

    def _look_after(self) -> None:
        """Have what was started end with its run; and say of what has not begun what it waits for."""
        with self._lock:
            watched = list(self._running.values())
        if not watched:
            return
        states = {run.id: run.state_type for run in self._known.flow_runs(RunFilter(ids=tuple(self._running)))}
        looks_closer = time.monotonic() >= self._next_overdue
        for each in watched:
            state = states.get(each.queued.flow_run_id)
            if state in (StateType.SCHEDULED, StateType.PENDING) or (
                state is StateType.CRASHED and self._is_to_resume(each)
            ):
                self._watch_unbegun(each)
            elif state in (None, StateType.CANCELLED, StateType.CRASHED):
                self._end(each)
            elif looks_closer and self._is_overdue(each):
                each.stop(force=True)
        if looks_closer:
            self._next_overdue = time.monotonic() + _OVERDUE_LOOK

    def _is_to_resume(self, watched: Watched) -> bool:
        """Whether a crashed run has not been claimed yet by what was started to resume it."""
        standing = self._known.standing(watched.queued.flow_run_id)
        return watched.queued.starts > 1 and standing is not None and standing.epoch == watched.epoch

    def _end(self, watched: Watched) -> None:
        """End what runs for a run that was cancelled or is lost: it has time to end by itself, and then is killed."""
        if watched.there() is None:
            return
        now = time.monotonic()
        if watched.ending is None:
            known = self._known.states(watched.queued.flow_run_id)
            ran = any(state.type is StateType.RUNNING for state in known)
            watched.ending = now if ran else now - _ENDING_SECONDS
        late = now - watched.ending
        if late >= _ENDING_SECONDS:
            watched.stop(force=late >= _ENDING_SECONDS + _ASKED_SECONDS)

    def _watch_unbegun(self, watched: Watched) -> None:
        there = watched.there()
        status = "" if there is None or there.ended() is not None else there.status()
        if status != watched.last_logged:
            watched.last_logged = status
            self._ends.say(watched.queued.flow_run_id, status, logging.INFO)
        if watched.timeout is not None and time.monotonic() - watched.since > watched.timeout:
            reason = f"it had not begun {watched.timeout:g} seconds after it was started. {status}"
            self._ends.unbegun(watched.queued, reason.strip(), "" if there is None else there.said())

    def _is_overdue(self, watched: Watched) -> bool:
        """Whether a run was to be cancelled, and its process does not see to it."""
        standing = self._known.standing(watched.queued.flow_run_id)
        cancelled = None if standing is None else standing.cancellation
        late = int(_OVERDUE_SECONDS * 1_000_000)
        return cancelled is not None and self._session.clock() > cancelled.time + cancelled.grace + late

    def _find_lost(self) -> None:
        """Have runs wait again that a worker claimed which is gone: those that had not begun are begun by another.

        And those that ended until somebody continues them, once somebody has.
        """
        now = self._session.clock()
        for pool in self._pools:
            for id in self._known.deployments.wake(pool, now):
                _log.info("The flow run %s is resumed: it has been continued.", id)
            for queued in self._known.deployments.expired(pool, now):
                try:
                    self._see_to(queued, now)
                except Unreachable as error:  # until it is known what is there, nothing is begun again
                    _log.warning("What was started for the flow run %s is not known: %s", queued.flow_run_id, error)

    def _see_to(self, queued: QueuedRun, now: Micros) -> None:
        run = run_of(queued.flow_run_id, self._known)
        start = self._known.start(run.id)
        if queued.worker_id is None or start is None:
            self._known.deployments.let_go(run.id, queued.worker_id or "", None)
        elif self._takes_over(queued, now):
            _log.warning("The flow run %s is watched from here: its worker is gone.", run.id)
        elif run.state_type in FINAL:
            self._ends.settle(queued)
        elif start.process_id == NOBODY:
            _log.warning("The flow run %s is begun again: its worker is gone.", run.id)
            self._known.deployments.let_go(run.id, queued.worker_id, now)
        else:  # it runs without its worker; or has crashed with it, which is found out here
            end_run_if_lost(run.id, self._session)

    def _takes_over(self, queued: QueuedRun, now: Micros) -> bool:
        """Watch what a worker has started that is gone, if it is there still."""
        if not self._infrastructure.outlives:
            return False
        there = self._infrastructure.find(queued.flow_run_id)
        record = self.records[queued.work_pool]
        if there is None or not self._known.deployments.take_over(
            queued.flow_run_id, record.id, now, now + self._lease()
        ):
            return False
        standing, start = standing_of(queued.flow_run_id, self._known), self._known.start(queued.flow_run_id)
        epoch = 0 if standing is None else abs(standing.epoch)
        begun = start is not None and start.process_id != NOBODY
        with self._lock:
            own = queued._replace(worker_id=record.id)
            self._running[queued.flow_run_id] = Watched(own, epoch - 1 if begun else epoch, _done(there))
        return True

    def _beat(self) -> None:
        while not self._ended.wait(max(self._lease_seconds / _BEATS, 0.05)):
            with suppress(OrchestratorError):
                self._note_present()

    def _note_present(self) -> None:
        with self._lock:
            running = [each.queued for each in self._running.values()]
        held = self._ahead.held()
        now = self._session.clock()
        for pool, record in self.records.items():
            ids = [run.flow_run_id for run in running if run.work_pool == pool]
            self._known.deployments.beat(record._replace(running=len(ids), seen=now))
            ahead = [run.flow_run_id for run in held if run.work_pool == pool]
            self._known.deployments.renew(record.id, ids + ahead, now + self._lease())

    def _lease(self) -> Micros:
        return int(self._lease_seconds * 1_000_000)

    def _drain(self) -> None:
        """Let what runs end, for a time; then ask it to, and at last make it. What the next worker finds continues."""
        with suppress(OrchestratorError):  # else they are begun by others once their lease has ended
            self._give_back()
        self._starters.shutdown(wait=self._infrastructure.outlives)
        if self._infrastructure.outlives:
            self._collect()
            return
        for deadline, end in ((_GRACE_SECONDS, None), (5.0, False), (5.0, True)):
            if end is not None:
                for each in list(self._running.values()):
                    each.stop(force=end)
            until = time.monotonic() + deadline
            while self._running and time.monotonic() < until:
                self._collect()
                self._note_present()
                time.sleep(_SOON_SECONDS)
        for pool in self._pools:
            self._settle_reported(pool, are_settled=False)


def _done(started: Started) -> "Future[Started]":
    done: Future[Started] = Future()
    done.set_result(started)
    return done


__all__ = ["Worker"]
