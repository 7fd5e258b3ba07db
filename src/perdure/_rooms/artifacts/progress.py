"""Progress: a percentage that changes while a run executes, reported a few times a second at most."""

import atexit
import functools
import json
import math
import os
import threading
import time

from perdure._model.errors import ArtifactError
from perdure._model.records import ArtifactChangeRecord
from perdure._platform.clock import system_clock
from perdure._platform.ids import is_id
from perdure._rooms.artifacts.creation import ArtifactId, keep, report
from perdure._run.log_reporting import run_log

_INTERVAL = 0.25  # seconds between two reports of one progress
_REMEMBERED = 1_000  # of how many progresses it is known when they were reported last


class _Throttle:
    """Lets the first change through, and of those that come too soon after it the last one, when its time has come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reported: dict[str, float] = {}  # when each was last reported
        self._waiting: dict[str, ArtifactChangeRecord] = {}

    def take(self, record: ArtifactChangeRecord, at_once: bool) -> None:
        """Report a change now or soon."""
        with self._lock:
            rest = self._reported.get(record.id, -math.inf) + _INTERVAL - time.monotonic()
            if at_once or rest <= 0:
                self._waiting.pop(record.id, None)
                self._report(record)
                return
            _report_at_exit()
            is_first = record.id not in self._waiting
            self._waiting[record.id] = record
        if is_first:
            timer = threading.Timer(rest, self.report_waiting, (record.id,))
            timer.daemon = True
            timer.start()

    def report_waiting(self, id: str | None = None) -> None:
        """Report the change that waits, or all that do."""
        with self._lock:
            for each in [*self._waiting] if id is None else [id]:
                if each in self._waiting:
                    self._report(self._waiting.pop(each))

    def _report(self, record: ArtifactChangeRecord) -> None:
        self._reported.pop(record.id, None)
        self._reported[record.id] = time.monotonic()
        if len(self._reported) > _REMEMBERED:
            del self._reported[next(iter(self._reported))]
        report(record)


_throttle = _Throttle()


def create_progress_artifact(progress: float, key: str | None = None, description: str | None = None) -> ArtifactId:
    """Keep how far the current run has come, from 0 to 100 percent; the id for `update_progress`.

    What is below or above counts as 0 or 100, and the run's log says so.

    Raises:
        ArtifactError: the percentage or the key is wrong.
    """
    return keep("progress", {"percent": _checked(progress)}, key, description)


def update_progress_artifact(artifact_id: str, progress: float, description: str | None = None) -> ArtifactId:
    """`update_progress`, by the name that users of Prefect know. Raises what that raises.

    Of a progress the description stays as it was created; another one is in the run's log.
    """
    if description is not None:
        run_log("artifacts").info("%s percent: %s", progress, description)
    return update_progress(artifact_id, progress)


def update_progress(id: str, percent: float) -> ArtifactId:
    """Set how far a progress has come by now; it is reported at most four times a second. 100 is reported at once.

    Raises:
        ArtifactError: the percentage is wrong, or the id is none.
    """
    if not isinstance(id, str) or not is_id(id):
        raise ArtifactError(f"{id!r} is not the id of an artifact. Give what create_progress_artifact() returned.")
    data = json.dumps({"percent": _checked(percent)})
    _throttle.take(ArtifactChangeRecord(str(id), system_clock(), data), at_once=percent >= 100)
    return ArtifactId(id)


def _checked(percent: float) -> float:
    if isinstance(percent, bool) or not isinstance(percent, int | float) or math.isnan(percent):
        raise ArtifactError(f"percent={percent!r} is no progress. Give a number from 0 to 100.")
    within = min(100, max(0, percent))
    if within != percent:
        run_log("artifacts").warning("A progress of %s percent is kept as %s: give 0 to 100.", percent, within)
    return within


def _forget() -> None:
    """In a forked child: what waits is the parent's."""
    global _throttle
    _throttle = _Throttle()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forget)


@functools.cache
def _report_at_exit() -> None:
    """Have what waits be reported when the process ends: before orchestrators are closed, which are there by now."""
    atexit.register(lambda: _throttle.report_waiting())
