"""What routes are given."""

import platform
from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, Request

from perdure._engine.recovery.process_liveness import Liveness
from perdure._http.config import ServerConfig
from perdure._http.counting import Counting
from perdure._http.storages import ServedStorages
from perdure._model.records import Record
from perdure._platform.clock import Clock, system_clock
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.protocol import Orchestrator
from perdure._store.reads import Reads


class ServerControl:
    """The runtime by which a server controls flow runs: it runs none itself."""

    process_id = ""

    def __init__(self, orchestrator: Orchestrator, liveness: Liveness) -> None:
        self.orchestrator = orchestrator
        self.liveness = liveness
        self.clock: Clock = system_clock

    def presence(self) -> Sequence[Record]:
        """Nobody looks for the process of a run that the server ends."""
        return ()

    @property
    def name(self) -> str:
        """Who asks that a run be cancelled, for people."""
        return f"the API of {platform.node()}"


def _orchestrator(request: Request) -> EmbeddedOrchestrator:
    found: EmbeddedOrchestrator = request.app.state.orchestrator
    return found


def _config(request: Request) -> ServerConfig:
    found: ServerConfig = request.app.state.config
    return found


def _storages(request: Request) -> ServedStorages:
    found: ServedStorages = request.app.state.storages
    return found


def _counting(request: Request) -> Counting:
    found: Counting = request.app.state.counting
    return found


Storages = Annotated[ServedStorages, Depends(_storages)]
Counted = Annotated[Counting, Depends(_counting)]
Known = Annotated[EmbeddedOrchestrator, Depends(_orchestrator)]
Config = Annotated[ServerConfig, Depends(_config)]


def _reads(known: Known) -> Reads:
    return Reads(known)


def _controller(request: Request, known: Known) -> ServerControl:
    return ServerControl(known, request.app.state.liveness)


Asked = Annotated[Reads, Depends(_reads)]
Control = Annotated[ServerControl, Depends(_controller)]
