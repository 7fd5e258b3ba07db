"""A run that a worker has claimed, with what it started for it; and what becomes of the run when that ends."""

import logging
import time
from concurrent.futures import Future
from dataclasses import dataclass, field

from perdure._engine.recovery.durable_timers import SUSPENDED
from perdure._engine.recovery.lost_runs import end_run_if_lost
from perdure._engine.recovery.run_claims import claim, ends_below, note, run_of, standing_of
from perdure._model.records import NOBODY, CancelRecord, LogRecord, StartRecord, StateRecord
from perdure._model.state_types import FINAL, StateType
from perdure._model.stopped_runs import last_state
from perdure._platform.redaction import redact, shortened
from perdure._rooms.deployments.port import QueuedRun
from perdure._rooms.deployments.versions import definition_of_version
from perdure._rooms.runs.records import FlowRun
from perdure._session.session import Session
from perdure._worker.infrastructure import UNKNOWN_CODE, Started

_MOST_RESUMED = 5  # times that a run which crashed is begun again
_OWN_ENDS = (0, 1, 2)  # exit codes of processes that reported their run's end, or found that it is another's
_AGAIN_SECONDS = 5.0  # after which something is asked to end again
_LONGEST_WAIT = 60.0  # seconds until what cannot be reached is tried again
_log = logging.getLogger("perdure.worker")


@dataclass(eq=False)
class Watched:
    """A run that is being started, or has been.

    Attributes:
        queued: Its place in the queue.
        epoch: Of the run, before what was started claims it.
        started: What was started; it is not done before that is there, and may fail.
        timeout: Seconds after which it is given up, unless it has begun.
        since: When it was to be started.
        last_logged: What was last said of it in the run's log.
        ending: Since when its run is known to have ended.
        stopping: When it was last asked to end, and whether by force.
    """

    queued: QueuedRun
    epoch: int
    started: "Future[Started]"
    timeout: float | None = None
    since: float = field(default_factory=time.monotonic)
    last_logged: str = ""
    ending: float | None = None
    stopping: tuple[float, bool] | None = None

    def there(self) -> Started | None:
        """What was started, once it is."""
        return self.started.result() if self.started.done() and self.started.exception() is None else None

    def stop(self, force: bool) -> None:
        """Have it end, if it is there, and has not just been asked to; what asked it may have got lost."""
        there = self.there()
        now = time.monotonic()
        if there is None or (self.stopping and self.stopping[1] >= force and now - self.stopping[0] < _AGAIN_SECONDS):
            return
        self.stopping = (now, force)
        there.stop(force)


class Ends:
    """Sees to it that each run comes to a state that is true, and its place in the queue with it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known = session.orchestrator

    def of(self, watched: Watched, there: Started, code: int) -> bool:
        """What was started for a run has ended; False if it has to be seen to again."""
        run, start = self._read(watched.queued)
        reason = _ended_by(code, there.status())
        if run.state_type in FINAL or start is None:
            if run.state_type is StateType.CRASHED and code not in _OWN_ENDS:  # somebody has found that out before
                self.say(run.id, f"{reason[0].upper()}{reason[1:]} {there.said()}".strip(), logging.ERROR)
            self.settle(watched.queued, run)
            return True
        if start.process_id == NOBODY:
            return self.unbegun(watched.queued, reason, there.said())
        epochs = self._epochs_since(watched)
        if epochs == 0 if run.state_name == SUSPENDED else code not in _OWN_ENDS and epochs == 1:
            self._lost(run, start, reason, there.said())
        else:
            end_run_if_lost(run.id, self._session)
        self.settle(watched.queued)
        return True

    def _read(self, queued: QueuedRun) -> tuple[FlowRun, StartRecord | None]:
        start = self._known.start(queued.flow_run_id)  # first: who claims it after this has changed its state
        return run_of(queued.flow_run_id, self._known), start

    def _epochs_since(self, watched: Watched) -> int | None:
        """How often the run was claimed since something was started for it: once, and it is known to be lost with the
        end of that; not at all, and that could not resume it."""
        standing = standing_of(watched.queued.flow_run_id, self._known)
        return None if standing is None else abs(standing.epoch) - abs(watched.epoch)

    def _lost(self, run: FlowRun, start: StartRecord, reason: str, said: str) -> None:
        cancelled = self._known.cancellation(run.id)
        kind = StateType.CRASHED if cancelled is None else StateType.CANCELLED
        last = f"It is lost: {reason} {last_state(run.state_name)}"
        message = last if cancelled is None else _cancelled_by(cancelled)
        ends = ends_below(run, kind, lambda _: message, self._session.clock(), self._known)
        if note(run, start, self._session, ends) and cancelled is None:
            self.say(run.id, said, logging.ERROR)

    def settle(self, queued: QueuedRun, run: FlowRun | None = None) -> None:
        """The place of a run that nothing was started for any more ends with it, unless it is resumed."""
        run = run or run_of(queued.flow_run_id, self._known)
        if run.state_type is StateType.CRASHED and self._is_resumed(queued):
            _log.warning("The flow run %s crashed, and is resumed.", run.id)
            self._known.deployments.let_go(run.id, queued.worker_id or "", self._session.clock() + 1_000_000)
        elif run.state_type in FINAL or run.state_name == SUSPENDED:
            self._known.deployments.let_go(run.id, queued.worker_id or "", None)
        # Else its process may live, for all that is known: its place stays until that is known, and is looked at then.

    def _is_resumed(self, queued: QueuedRun) -> bool:
        of = self._known.deployments.one(queued.deployment_id)
        if of is None or queued.starts >= _MOST_RESUMED:
            return False
        return definition_of_version(of, queued.version, self._known.deployments).on_crash == "resume"

    def unbegun(self, queued: QueuedRun, reason: str, said: str) -> bool:
        """End a run that cannot begin: it says why, so that it does not wait for ever in silence.

        False if it could not be ended, and is not begun by anybody either: its place is kept, and it is tried again.
        """
        run, start = self._read(queued)
        cancelled = self._known.cancellation(run.id)
        kind = StateType.CRASHED if cancelled is None else StateType.CANCELLED
        message = f"It did not begin: {reason}" if cancelled is None else _cancelled_by(cancelled)
        last = shortened(said.strip().rpartition("\n")[2], 500)
        if cancelled is None and last:
            message = f"{message} {last}"
        if start is not None and start.process_id == NOBODY and run.state_type not in FINAL:
            state = StateRecord(run.id, False, kind, kind.capitalize(), message, self._session.clock())
            if claim(run, start, self._session, (state,)) is None:
                _log.warning("The flow run %s changed while it was to be ended: %s", run.id, reason)
                return False
        self.say(run.id, said, logging.ERROR)
        self._known.deployments.let_go(run.id, queued.worker_id or "", None)
        _log.error("The flow run %s did not begin: %s %s", run.id, reason, last)
        return True

    def put_off(self, queued: QueuedRun, reason: str) -> None:
        """Have a run wait: what starts it cannot be reached."""
        seconds = min(2.0**queued.starts, _LONGEST_WAIT)
        self.say(queued.flow_run_id, f"It is started again in {seconds:g} seconds: {reason}", logging.WARNING)
        due = self._session.clock() + int(seconds * 1_000_000)
        self._known.deployments.let_go(queued.flow_run_id, queued.worker_id or "", due)

    def say(self, run_id: str, text: str, level: int) -> None:
        """Put what only a worker knows into a run's log."""
        if text:
            record = LogRecord(run_id, None, self._session.clock(), level, "perdure.worker", redact(text))
            self._known.report((record,))


def _cancelled_by(cancelled: CancelRecord) -> str:
    return f"Cancelled by {cancelled.asked_by}."


def _ended_by(code: int, status: str) -> str:
    if code == UNKNOWN_CODE:
        return "its process ended, and what would know how had ended before."
    what = f"was ended by the signal {-code}" if code < 0 else f"ended with the exit code {code}"
    return f"its process {what}{f' ({status})' if status else ''}."


__all__ = ["Ends", "Watched"]
