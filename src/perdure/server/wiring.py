"""What routes are given."""

from typing import Annotated

from fastapi import Depends, Request

from perdure.orchestrator.protocol import Orchestrator
from perdure.server.config import ServerConfig


def _orchestrator(request: Request) -> Orchestrator:
    found: Orchestrator = request.app.state.orchestrator
    return found


def _config(request: Request) -> ServerConfig:
    found: ServerConfig = request.app.state.config
    return found


Known = Annotated[Orchestrator, Depends(_orchestrator)]
Config = Annotated[ServerConfig, Depends(_config)]
