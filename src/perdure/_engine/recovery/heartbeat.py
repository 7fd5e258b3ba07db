"""Heartbeats, by which others know that the flow runs of this process still run; and looking after these runs."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from weakref import WeakValueDictionary

from perdure._engine.recovery.process_liveness import BEATS
from perdure._model.errors import OrchestratorError
from perdure._model.records import Record
from perdure._model.state_types import FINAL
from perdure._platform.clock import system_clock
from perdure._run.context import FlowRunContext
from perdure._run.process_identity import this_process

_log = logging.getLogger("perdure")
_FIRST_LOOK = 1.0  # seconds: shorter flows are not looked after
_LOOK_SECONDS = 0.5  # between two looks at each flow run
_SHORTEST = 0.05  # seconds between two heartbeats


class Heartbeat:
    """Reports this process to the orchestrator when its first flow run begins, and every few seconds from then on.

    Each outermost flow run is looked after, while it runs: somebody may want it to be cancelled.
    """

    def __init__(
        self,
        report: Callable[[Sequence[Record]], None],
        look_after: Callable[[FlowRunContext], None],
        lease_seconds: float,
    ) -> None:
        self.process = this_process()
        self._report = report
        self._look_after = look_after
        self._beat_seconds = max(lease_seconds / BEATS, _SHORTEST)
        self._watched: WeakValueDictionary[str, FlowRunContext] = WeakValueDictionary()
        self._is_idle = False
        self._has_ended = False
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def begin(self) -> Sequence[Record]:
        """What to report with a flow run that begins: its process, unless that has been reported.

        It is reported here, before any other thread may begin a flow run without it: who saw such a run in between
        would take its process for lost.
        """
        with self._lock:
            if self._thread is not None:
                return ()
            self._report((self.process,))
            self._thread = threading.Thread(target=self._live, name="perdure-heartbeat", daemon=True)
            self._thread.start()
        return (self.process,)

    def watch(self, run: FlowRunContext) -> None:
        """Look after an outermost flow run until it has ended."""
        self._watched[run.id] = run
        if self._is_idle:
            self._wake.set()

    def end(self) -> None:
        """Give no more heartbeats."""
        self._has_ended = True
        self._wake.set()

    def _live(self) -> None:
        pause = _FIRST_LOOK
        beat = time.monotonic() + self._beat_seconds
        while not self._has_ended:
            if self._wake.wait(pause):  # there is a first run again
                self._wake.clear()
                self._is_idle, pause = False, _FIRST_LOOK
                continue
            is_busy = True
            try:
                if time.monotonic() >= beat:
                    beat += self._beat_seconds
                    self._report((self.process._replace(beat=system_clock()),))
                is_busy = self._look()
            except Exception:  # without this thread nothing is cancelled, and others take all runs of it for lost
                if not self._has_ended:
                    _log.exception("The heartbeat failed, and is tried again.")
            pause = min(_LOOK_SECONDS if is_busy else self._beat_seconds, self._beat_seconds)

    def _look(self) -> bool:
        """Look after all that runs; whether anything does."""
        self._is_idle = True  # before looking: what begins from here on wakes us
        for reference in self._watched.valuerefs():  # a copy: other threads add runs meanwhile
            run = reference()
            if run is None:
                continue
            if run.state is not None and run.state.type in FINAL:
                self._watched.pop(run.id, None)
                continue
            self._is_idle = False
            if run.controller.request is None:
                with suppress(OrchestratorError):  # it is said elsewhere, and the next look may find it better
                    self._look_after(run)
        return not self._is_idle
