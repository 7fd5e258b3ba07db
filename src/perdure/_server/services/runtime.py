"""What the services of a server work with."""

from collections.abc import Sequence

from perdure._engine.recovery.heartbeat import Heartbeat
from perdure._engine.recovery.process_liveness import Liveness
from perdure._model.records import Record
from perdure._platform.clock import Clock, system_clock
from perdure._rooms.deployments.serving import Serving
from perdure._settings.fields import Settings
from perdure._store.protocol import Orchestrator


class ServiceRuntime:
    """The orchestrator, the time, the settings, and this process, which gives heartbeats."""

    def __init__(
        self,
        orchestrator: Orchestrator,
        settings: Settings,
        liveness: Liveness | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self.orchestrator = orchestrator
        self.settings = settings
        self.clock = clock
        self.serving = Serving(settings.lease_seconds)
        self._heartbeat = Heartbeat(orchestrator.report, lambda _: None, settings.lease_seconds)
        self.liveness = liveness or Liveness(orchestrator, settings.lease_seconds)

    @property
    def process_id(self) -> str:
        """The id by which the orchestrator knows this process."""
        return self._heartbeat.process.id

    def presence(self) -> Sequence[Record]:
        """The report of this process's heartbeat, which comes before it claims anything."""
        return self._heartbeat.begin()

    def close(self) -> None:
        """Give no more heartbeats."""
        self._heartbeat.end()
