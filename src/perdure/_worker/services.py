"""What automations need, where there is no server: a worker does it that makes the runs of schedules, too."""

import time
from typing import TYPE_CHECKING

from perdure._rooms.automations.port import Automations
from perdure._session.session import Session

if TYPE_CHECKING:
    from perdure._server.services import Services

_NAMES = ("late", "events", "files", "automations", "hooks")
_LOOK_SECONDS = 2.0


class LocalServices:
    """The services of a server that automations need; they begin once there is an automation."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._services: Services | None = None
        self._next_look = 0.0

    def look(self) -> None:
        """Begin, if there is an automation."""
        if self._services is not None or time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _LOOK_SECONDS
        if self._session.orchestrator.room(Automations).all():
            self._services = self._begun()

    def _begun(self) -> "Services":
        # Programs without automations do not pay for what sends events.
        import perdure._server.services  # before its modules: several threads may import it
        from perdure._server.services.runtime import ServiceRuntime

        session = self._session
        runtime = ServiceRuntime(session.orchestrator, session.settings, session.liveness, session.clock)
        made = perdure._server.services.Services(runtime, _NAMES)
        made.start()
        return made

    def stop(self) -> None:
        """End."""
        if self._services is not None:
            self._services.stop()
