"""The application: one orchestrator, its routes, and what holds for all of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from perdure.core.version import VERSION
from perdure.orchestrator.protocol import Orchestrator
from perdure.server.config import ServerConfig
from perdure.server.errors import explain_errors
from perdure.server.routes import flow_runs, health

_ROUTES = (health, flow_runs)


def create_app(orchestrator: Orchestrator, config: ServerConfig) -> FastAPI:
    """The ASGI application over an orchestrator, which it closes when it ends."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        orchestrator.close()

    app = FastAPI(
        title="Perdure",
        version=VERSION,
        openapi_url="/api/openapi.json",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.orchestrator = orchestrator
    app.state.config = config
    explain_errors(app)
    api = APIRouter(prefix="/api")
    for routes in _ROUTES:
        api.include_router(routes.router)
    app.include_router(api)
    return app
