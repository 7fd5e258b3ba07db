"""What the services of a server work with."""

from collections.abc import Sequence

from perdure.core.clock import Clock, system_clock
from perdure.core.records import Record
from perdure.engine.life import Life
from perdure.orchestrator.protocol import Orchestrator
from perdure.settings import Settings


class ServiceWorld:
    """The orchestrator, the time, the settings, and this process, which tells that it lives."""

    def __init__(self, orchestrator: Orchestrator, settings: Settings, clock: Clock = system_clock) -> None:
        self.orchestrator = orchestrator
        self.settings = settings
        self.clock = clock
        self._life = Life(orchestrator.report, lambda _: None)

    @property
    def process_id(self) -> str:
        """The id by which the orchestrator knows this process."""
        return self._life.process.id

    def presence(self) -> Sequence[Record]:
        """What is to be told before this process claims anything: that it lives."""
        return self._life.begin()

    def close(self) -> None:
        """Give no more signs of life."""
        self._life.end()
