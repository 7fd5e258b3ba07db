"""Signs of life: by them others know that the flow runs of this process still run."""

import threading
from collections.abc import Callable, Sequence

from perdure.core.clock import system_clock
from perdure.core.processes import BEAT_SECONDS, this_process
from perdure.core.records import Record


class Life:
    """Tells the orchestrator of this process when its first flow run begins, and every few seconds from then on."""

    def __init__(self, report: Callable[[Sequence[Record]], None]) -> None:
        self.process = this_process()
        self._report = report
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def begin(self) -> Sequence[Record]:
        """What is to be told with a flow run that begins: who runs it, unless that is known."""
        with self._lock:
            if self._thread is not None:
                return ()
            self._thread = threading.Thread(target=self._beat, name="perdure-life", daemon=True)
            self._thread.start()
        return (self.process,)

    def end(self) -> None:
        """Give no more signs."""
        self._ended.set()

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            self._report((self.process._replace(beat=system_clock()),))
