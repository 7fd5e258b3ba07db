"""A periodic job that one process at a time runs."""

import logging
import threading
from collections.abc import Callable

from perdure._model.errors import OrchestratorError
from perdure._platform.named import NamedTuple
from perdure._rooms.events.port import Service
from perdure._server.services.runtime import ServiceRuntime

_log = logging.getLogger("perdure.server")
_GRACE_SECONDS = 5.0
_LEASE = 120_000_000  # microseconds that a service may take until another server tries, though its process lives


class Outcome(NamedTuple):
    """What doing a service once came to."""

    text: str  # for people
    cursor: int | None = None
    is_done: bool = True  # False: there is more to do at once


FAILED = "It failed."  # the outcome of a service that raised

Work = Callable[[ServiceRuntime, int | None], Outcome]


class Loop:
    """A thread that does a service at its interval, in seconds, unless another server does."""

    def __init__(self, name: str, interval: float, work: Work, runtime: ServiceRuntime) -> None:
        self._name = name
        self._interval = interval
        self._work = work
        self._runtime = runtime
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"perdure-{name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after what is being done."""
        self._ended.set()

    def join(self) -> None:
        """Wait for the end, some seconds at most: a receiver may be slow, and another server delivers again."""
        self._thread.join(_GRACE_SECONDS)

    def _run(self) -> None:
        while not self._ended.is_set():
            again = False
            try:
                again = self._once()
            except OrchestratorError as error:
                _log.warning("The service %r could not be done: %s", self._name, error)
            except Exception:
                _log.exception("The service %r failed.", self._name)
            self._ended.wait(0 if again else self._interval)

    def _once(self) -> bool:
        """Do it, if it is due and no one else does; whether there is more to do."""
        runtime, services = self._runtime, self._runtime.orchestrator.services
        now = runtime.clock()
        before = next((each for each in services.all() if each.name == self._name), None)
        gone = None
        if before is not None and before.due > now:
            if self._lives(before.process_id):
                return False
            gone = before.process_id
        runtime.orchestrator.commit(runtime.presence())
        mine = Service(self._name, runtime.process_id, now + _LEASE)
        if not services.claim(mine, now, gone):
            return False
        cursor = None if before is None else before.cursor
        outcome = Outcome(FAILED, cursor)
        try:
            outcome = self._work(runtime, cursor)
        finally:
            ended = runtime.clock()
            # A little less than the interval, after which we look again ourselves.
            due = ended + int(self._interval * 900_000) if outcome.is_done else ended
            services.finish(mine._replace(due=due, ended=ended, outcome=outcome.text, cursor=outcome.cursor))
        return not outcome.is_done

    def _lives(self, process_id: str) -> bool:
        return process_id == self._runtime.process_id or self._runtime.liveness.is_alive(process_id)
