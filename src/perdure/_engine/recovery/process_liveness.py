"""Which processes still run. Nothing is guessed: not by a host name, not by a number, not by anybody's clock.

The problem: a flow run that was Running when its machine lost power stays Running in the database for ever, unless
somebody finds out that its process is gone. To be wrong here costs much: who takes a living process for dead runs its
steps a second time.

Naive ways, and why they fail. "There is no process of that number": another one may have got the number, and numbers
of another machine or container mean nothing here. "Its last heartbeat is older than 30 seconds": that compares the
clock of the process with ours. If ours is a minute ahead, everybody else is dead; if it is set back, nobody ever is.

The idea: two kinds of evidence, each used only where it is worth something.

- Of processes whose numbers mean the same here (`_run.process_identity.is_running`), the system knows at once.
- Of all others, only that their heartbeat *changes*. It is a value in the database, changed `BEATS` times a lease. We
  remember the value that we saw, and since when, by our own monotonic clock. What the value says is never looked at:

      our time   their heartbeat   verdict
           0 s        17           None: seen for the first time; it may live
          10 s        17           None
          12 s        18           None: it has changed, so it lived a moment ago; the lease begins anew
          42 s        18           False: a whole lease of 30 s passed *here*, and nothing changed

What always holds:

- `verdict` has three answers. None is "not known yet", and whoever acts on it must act as if the process lived.
- A process is never declared gone before it was watched for a whole lease. So a server that has just started declares
  nobody on other machines dead, whatever the database says.
- Clocks that are wrong, or set, change nothing. Only a clock that runs at another speed could.
- To be wrong is still possible, for a process that was cut off for longer than a lease: that does no harm only because
  its records are refused afterwards (`_store.sql.fencing`). Liveness is a hint to act on; fencing is what makes it
  safe.

Keep wall-clock time out of this module.
"""

import threading
import time
from collections.abc import Callable

from perdure._model.records import NOBODY, ProcessRecord
from perdure._platform.clock import Micros
from perdure._run.process_identity import is_running
from perdure._store.protocol import Orchestrator

BEATS = 6  # heartbeats in a lease: some may be late
_MOST = 10_000  # processes that are observed; beyond that, all are observed anew
_LOOK_SECONDS = 0.25


class Liveness:
    """What this process has seen of others. `lease_seconds` without a heartbeat, observed here, and one is gone."""

    def __init__(
        self, orchestrator: Orchestrator, lease_seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._orchestrator = orchestrator
        self.lease_seconds = lease_seconds
        self._monotonic = monotonic
        self._seen: dict[str, tuple[Micros, float]] = {}  # the last heartbeat of each, and since when it is that
        self._lock = threading.Lock()

    def is_alive(self, process_id: str) -> bool:
        """Whether a process runs, or may for all that has been seen of it; so does that of a waiting run."""
        if process_id == NOBODY:
            return True
        process = self._orchestrator.process(process_id)
        return process is not None and self.verdict(process) is not False

    def is_gone(self, process_id: str) -> bool:
        """Whether a process is known to be gone, once that is known: a heartbeat is waited for, for a lease at most."""
        if process_id == NOBODY:
            return False
        beat = None
        while True:
            process = self._orchestrator.process(process_id)
            verdict = False if process is None else self.verdict(process)
            if process is None or verdict is not None:
                return not verdict
            if beat not in (None, process.beat):
                return False
            beat = process.beat
            time.sleep(min(_LOOK_SECONDS, self.lease_seconds / BEATS))

    def verdict(self, process: ProcessRecord) -> bool | None:
        """Whether a process runs; None if it may, for all that has been seen of it until now."""
        known = is_running(process)
        if known is not None:
            return known
        now = self._monotonic()
        with self._lock:
            beat, since = self._seen.get(process.id, (None, now))
            if beat != process.beat:
                if len(self._seen) >= _MOST:
                    self._seen.clear()
                self._seen[process.id] = process.beat, now
                return None
        return None if now - since < self.lease_seconds else False
