"""The application: one orchestrator, its routes, and what holds for all of them."""

import asyncio
import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Depends, FastAPI

from perdure import settings
from perdure.core.clock import system_clock
from perdure.core.version import VERSION
from perdure.engine.liveness import Liveness
from perdure.orchestrator.embedded import EmbeddedOrchestrator
from perdure.server.access import Gate, authorise
from perdure.server.changes import Changes
from perdure.server.config import ServerConfig
from perdure.server.counting import Counting
from perdure.server.described import add_description
from perdure.server.errors import ErrorAnswer, explain_errors
from perdure.server.guard import Guard
from perdure.server.limits import Rates
from perdure.server.metrics import Metrics
from perdure.server.page import Page
from perdure.server.routes import (
    artifacts,
    backfills,
    blocks,
    cache,
    deployments,
    events,
    flow_run_starts,
    flow_runs,
    flows,
    health,
    hooks,
    limits,
    logs,
    metrics,
    overview,
    result_checks,
    results,
    session,
    status,
    task_runs,
    tokens,
    variables,
)
from perdure.server.routes import (
    orchestrator as of_orchestrator,
)
from perdure.server.routes import (
    settings as settings_routes,
)
from perdure.server.services import Services
from perdure.server.services.world import ServiceWorld
from perdure.server.sessions import Sessions
from perdure.server.starting import Starter
from perdure.server.storages import ServedStorages
from perdure.server.streams import Streams

ROUTES = (
    *(health, status, metrics, session, tokens, overview, flows, flow_runs, flow_run_starts, task_runs, results),
    *(
        result_checks,
        logs,
        cache,
        blocks,
        settings_routes,
        artifacts,
        variables,
        events,
        hooks,
        limits,
        deployments,
        backfills,
        of_orchestrator,
    ),
)
_REFUSALS: dict[int | str, dict[str, Any]] = {  # by the guard, of any request
    int(status): {"model": ErrorAnswer}
    for status in (
        *(HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        *(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, HTTPStatus.MISDIRECTED_REQUEST, HTTPStatus.TOO_MANY_REQUESTS),
        HTTPStatus.SERVICE_UNAVAILABLE,
    )
}


def create_app(orchestrator: EmbeddedOrchestrator, config: ServerConfig) -> FastAPI:
    """The ASGI application over an orchestrator, which it closes when it ends."""
    sessions = Sessions()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        services = Services(ServiceWorld(orchestrator, settings.current(), app.state.liveness))
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
    app.router.routes += _api().routes
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


@functools.cache
def _api() -> FastAPI:
    """The routes of all applications of a process, for FastAPI takes 0.13 s to make what it needs of each."""
    app = FastAPI(
        openapi_url=None,
        generate_unique_id_function=lambda route: route.name,  # clients are made from these: they stay as they are
        dependencies=[Depends(authorise)],
        responses=_REFUSALS,
    )
    api = APIRouter(prefix="/api")
    for routes in ROUTES:
        api.include_router(routes.router)
    app.include_router(api)
    visit = {"type": "http", "method": "GET", "path": "/", "root_path": "", "headers": []}
    for route in app.routes:
        route.matches(visit)  # else the first visitor waits for it
    return app
