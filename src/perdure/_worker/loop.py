"""A worker's loop: take what is due, start it, watch it, and see to it that every run comes to a state that is true.

A run that a worker has claimed is its own for a lease, which it renews. The process that it starts claims the run
itself (`engine.resumption`), under an epoch: of two that were started for one run, one begins it. So a worker whose
lease ran out, since it was cut off or killed, does no harm when it comes back, and another may start its runs again.
"""

import json
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from perdure._engine.recovery.resumption import claim, end_run_if_lost, run_of
from perdure._model.errors import OrchestratorError, PerdureError
from perdure._model.records import NOBODY, LogRecord, StateRecord
from perdure._model.state_types import FINAL, StateType
from perdure._platform.clock import Micros
from perdure._platform.ids import new_id
from perdure._platform.version import VERSION
from perdure._rooms.deployments.definition import definition_of_text
from perdure._rooms.deployments.port import Deployment, QueuedRun, WorkerRecord, WorkPool
from perdure._rooms.deployments.ticks import make_due_runs
from perdure._session.session import Session
from perdure._settings.settings import as_environment
from perdure._worker.infrastructure import Infrastructure, Job, Started

_BEATS = 6  # heartbeats in a lease
_LOOK_SECONDS = 0.5  # between two looks at the queue
_SOON_SECONDS = 0.05  # while something is about to happen
_MOST_AT_ONCE = 100  # runs that are claimed in one look
_GRACE_SECONDS = 30.0  # for runs to end, once the worker is to
_MOST_RESUMED = 5  # times that a run which crashed is begun again
_log = logging.getLogger("perdure.worker")


class Worker:
    """Takes runs from work pools and starts them, at most `limit` at once.

    With `makes_ticks`, it makes the runs of schedules too: where there is no server, somebody has to.
    """

    def __init__(
        self,
        session: Session,
        pools: Sequence[str],
        infrastructure: Infrastructure,
        *,
        type: str = "process",
        name: str | None = None,
        limit: int | None = None,
        makes_ticks: bool = False,
    ) -> None:
        self._session = session
        self._known = session.orchestrator
        self._pools = list(dict.fromkeys(pools))
        self._infrastructure = infrastructure
        self._makes_ticks = makes_ticks
        self._running: dict[str, tuple[QueuedRun, Started]] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._next_search = 0.0  # for runs of workers that are gone
        self._lease_seconds = session.settings.lease_seconds
        self._limit = limit
        now, host = session.clock(), socket.gethostname()
        made = WorkerRecord(
            "", name or f"{host}-{os.getpid()}", "", type, VERSION, host, os.getpid(), limit, 0, now, now
        )
        self.records = {pool: made._replace(id=new_id(), work_pool=pool) for pool in self._pools}

    def run(self) -> None:
        """Work until `stop` is called, and then until what was begun has ended."""
        beats = threading.Thread(target=self._beat, name="perdure-worker-beat", daemon=True)
        self._note_present()
        beats.start()
        try:
            while not self._ended.is_set():
                self._ended.wait(self._round())
            self._drain()
        finally:
            self._ended.set()
            with suppress(OrchestratorError):
                for record in self.records.values():
                    self._known.deployments.forget_worker(record.id)

    def stop(self) -> None:
        """Take nothing any more, let what runs end, and have `run` return."""
        self._ended.set()

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
        if self._makes_ticks:
            make_due_runs(self._session.clock(), self._known)
        taken = self._take()
        if time.monotonic() >= self._next_search:  # rounds are short while processes run
            self._next_search = time.monotonic() + _LOOK_SECONDS
            self._find_lost()
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
        next_one = self._known.deployments.due_schedules(now + int(_LOOK_SECONDS * 1_000_000), 1)
        return max(0.001, min([_LOOK_SECONDS, *((each.due - now) / 1_000_000 for each in next_one if each.due)]))

    def _take(self) -> int:
        """Claim what is due, and start it; how many."""
        count = 0
        for pool in self._pools:
            room = _MOST_AT_ONCE if self._limit is None else self._limit - len(self._running)
            now = self._session.clock()
            for run in self._known.deployments.claim(self.records[pool], room, now, now + self._lease()):
                self._begin(run)
                count += 1
        return count

    def _begin(self, run: QueuedRun) -> None:
        try:
            started = self._infrastructure.start(self._job(run))
        except PerdureError as error:
            self._end_unbegun(run, str(error), "")
            return
        _log.info("Started the flow run %s.", run.flow_run_id)
        with self._lock:
            self._running[run.flow_run_id] = (run, started)

    def _job(self, run: QueuedRun) -> Job:
        of = self._known.deployments.one(run.deployment_id)
        pool = next((each for each in self._known.deployments.pools() if each.name == run.work_pool), None)
        return Job(run, command_of(run), as_environment(), _variables(pool, of))

    def _collect(self) -> int:
        """See to the runs whose processes have ended; how many."""
        with self._lock:
            ended = [
                (run, started, code) for run, started in self._running.values() if (code := started.ended()) is not None
            ]
        for run, started, code in ended:
            self._note_end(run, started, code)
            with self._lock:
                del self._running[run.flow_run_id]
        return len(ended)

    def _note_end(self, queued: QueuedRun, started: Started, code: int) -> None:
        run = run_of(queued.flow_run_id, self._known)
        start = self._known.start(run.id)
        if run.state_type in FINAL or start is None:
            pass
        elif start.process_id == NOBODY:
            self._end_unbegun(queued, _ended_by(code), started.said())
            return
        else:
            end_run_if_lost(run.id, self._session)
            run = run_of(run.id, self._known)
        if run.state_type is StateType.CRASHED and self._is_resumed(queued):
            _log.warning("The flow run %s crashed, and is resumed.", run.id)
            self._known.deployments.let_go(run.id, queued.worker_id or "", self._session.clock() + 1_000_000)
            return
        self._known.deployments.let_go(run.id, queued.worker_id or "", None)

    def _is_resumed(self, queued: QueuedRun) -> bool:
        of = self._known.deployments.one(queued.deployment_id)
        if of is None or queued.starts >= _MOST_RESUMED:
            return False
        return definition_of_text(of.definition).on_crash == "resume"

    def _end_unbegun(self, queued: QueuedRun, reason: str, said: str) -> None:
        """A run whose process ended before it began: it says why, so that it does not wait for ever in silence."""
        run = run_of(queued.flow_run_id, self._known)
        start = self._known.start(run.id)
        now = self._session.clock()
        cancelled = self._known.cancellation(run.id)
        kind = StateType.CRASHED if cancelled is None else StateType.CANCELLED
        message = f"It did not begin: {reason}" if cancelled is None else f"Cancelled by {cancelled.asked_by}."
        last = said.strip().rpartition("\n")[2]
        if cancelled is None and last:
            message = f"{message} {last[:500]}"
        if said:
            line = LogRecord(run.id, None, now, logging.ERROR, "perdure.worker", said)
            self._known.report((line,))
        if start is not None and start.process_id == NOBODY and run.state_type not in FINAL:
            claim(run, start, self._session, (StateRecord(run.id, False, kind, kind.capitalize(), message, now),))
        self._known.deployments.let_go(run.id, queued.worker_id or "", None)
        _log.error("The flow run %s did not begin: %s %s", run.id, reason, last)

    def _find_lost(self) -> None:
        """Have runs wait again that a worker claimed which is gone: those that had not begun are begun by another."""
        now = self._session.clock()
        for pool in self._pools:
            for queued in self._known.deployments.expired(pool, now):
                run = run_of(queued.flow_run_id, self._known)
                start = self._known.start(run.id)
                if run.state_type in FINAL or start is None or queued.worker_id is None:
                    self._known.deployments.let_go(run.id, queued.worker_id or "", None)
                elif start.process_id == NOBODY:
                    _log.warning("The flow run %s is begun again: its worker is gone.", run.id)
                    self._known.deployments.let_go(run.id, queued.worker_id, now)
                else:  # it runs without its worker; or has crashed with it, which is found out here
                    end_run_if_lost(run.id, self._session)

    def _beat(self) -> None:
        while not self._ended.wait(max(self._lease_seconds / _BEATS, 0.05)):
            with suppress(OrchestratorError):
                self._note_present()

    def _note_present(self) -> None:
        with self._lock:
            running = [run for run, _ in self._running.values()]
        now = self._session.clock()
        for pool, record in self.records.items():
            ids = [run.flow_run_id for run in running if run.work_pool == pool]
            self._known.deployments.beat(record._replace(running=len(ids), seen=now))
            self._known.deployments.renew(record.id, ids, now + self._lease())

    def _lease(self) -> Micros:
        return int(self._lease_seconds * 1_000_000)

    def _drain(self) -> None:
        """Let what runs end, for a time; then ask it to, and at last make it."""
        for deadline, end in ((_GRACE_SECONDS, None), (5.0, False), (5.0, True)):
            if end is not None:
                for _, started in list(self._running.values()):
                    started.stop(force=end)
            until = time.monotonic() + deadline
            while self._running and time.monotonic() < until:
                self._collect()
                self._note_present()
                time.sleep(_SOON_SECONDS)


def command_of(run: QueuedRun) -> tuple[str, ...]:
    """What begins a run in a process of its own, on this machine."""
    how = ("start", "--quiet") if run.starts <= 1 else ("resume",)  # it may have crashed since it was begun
    return (sys.executable, "-m", "perdure", "flow-run", *how, run.flow_run_id)


def _variables(pool: WorkPool | None, of: Deployment | None) -> Mapping[str, Any]:
    variables: dict[str, Any] = {} if pool is None else json.loads(pool.template)
    return variables | ({} if of is None else definition_of_text(of.definition).job)


def _ended_by(code: int) -> str:
    if code < 0:
        return f"its process was ended by the signal {-code}."
    return f"its process ended with the exit code {code}."


__all__ = ["Worker", "command_of"]
