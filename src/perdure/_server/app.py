"""The application: one orchestrator, its routes, and what holds for all of them."""

import asyncio
import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute

from perdure import _rooms
from perdure._engine.recovery.process_liveness import Liveness
from perdure._http.authorisation import Gate
from perdure._http.changes import Changes
from perdure._http.config import ServerConfig
from perdure._http.counting import Counting
from perdure._http.errors import explain_errors
from perdure._http.launcher import Starter
from perdure._http.open_objects import Sessions
from perdure._http.record_routes import kept_router
from perdure._http.storages import ServedStorages
from perdure._http.streams import Streams
from perdure._model.ports import Kept
from perdure._platform.clock import system_clock
from perdure._platform.version import VERSION
from perdure._server.admission import Guard
from perdure._server.api_page import add_description
from perdure._server.metrics import Metrics
from perdure._server.request_limits import Rates
from perdure._server.routes import health, metrics, overview, session, status
from perdure._server.routes import orchestrator as of_orchestrator
from perdure._server.routes import settings as settings_routes
from perdure._server.services import SERVICES, Services
from perdure._server.services.runtime import ServiceRuntime
from perdure._server.web_page import Page
from perdure._settings import settings
from perdure._store.embedded import EmbeddedOrchestrator

_OWN = (health, status, metrics, session, overview, settings_routes, of_orchestrator)


def create_app(orchestrator: EmbeddedOrchestrator, config: ServerConfig) -> FastAPI:
    """The ASGI application over an orchestrator, which it closes when it ends."""
    sessions = Sessions()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        names = () if orchestrator.is_read_only else SERVICES  # each of them writes
        services = Services(ServiceRuntime(orchestrator, settings.current(), app.state.liveness), names)
        services.start()
        yield
        await asyncio.to_thread(services.stop)
        sessions.close_idle(all=True)
        app.state.changes.close()
        orchestrator.close()

    app = FastAPI(
        title="Perdure",
        version=VERSION,
        openapi_url="/api/openapi.json",
        docs_url=None,  # its page loads scripts from elsewhere: see `described`
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.router.routes += _routes(tuple(_rooms.PACKAGES))
    add_description(app)
    app.state.orchestrator = orchestrator
    app.state.config = config
    app.state.liveness = Liveness(orchestrator, settings.current().lease_seconds)
    app.state.changes = Changes(orchestrator)
    app.state.tokens = orchestrator.tokens
    app.state.gate = Gate(orchestrator.tokens)
    app.state.logins = Rates(config.failure_rate)
    app.state.streams = Streams(lambda ids: orchestrator.tokens.live(ids, system_clock()))
    app.state.silent = {}  # connections that have sent no whole head, those that wait for longest first
    app.state.counting = Counting(orchestrator)
    app.state.metrics = Metrics(orchestrator, app.state.counting)
    app.state.storages = ServedStorages(orchestrator, config.storages)
    app.state.sessions = sessions
    app.state.starter = Starter(config.runs_flows, config.database)
    app.add_middleware(
        Guard,
        config=config,
        gate=app.state.gate,
        streams=app.state.streams,
        observe=app.state.metrics.observe,
    )
    explain_errors(app)
    app.router.default = Page()
    return app


def routers() -> list[APIRouter]:
    """The routes of the server itself, and of all rooms."""
    found: list[APIRouter] = [routes.router for routes in _OWN]
    for name in _rooms.PACKAGES:
        own, port = _rooms.part(name, "routes"), _rooms.port_of(name)
        if own is not None:
            found += own.ROUTERS
        elif port is not None and Kept in port.__mro__:
            found.append(kept_router(name, port))
    return found


@functools.cache
def _routes(_: tuple[str, ...]) -> list[BaseRoute]:
    """The routes of all applications of a process."""
    return [route for router in routers() for route in router.routes]
