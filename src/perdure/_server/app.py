"""The application: one orchestrator, its routes, and what holds for all of them."""

import asyncio
import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Depends, FastAPI

from perdure._engine.recovery.liveness import Liveness
from perdure._http.access import Gate, authorise
from perdure._http.changes import Changes
from perdure._http.config import ServerConfig
from perdure._http.counting import Counting
from perdure._http.errors import ErrorAnswer, explain_errors
from perdure._http.launcher import Starter
from perdure._http.sessions import Sessions
from perdure._http.storages import ServedStorages
from perdure._http.streams import Streams
from perdure._platform.clock import system_clock
from perdure._platform.version import VERSION
from perdure._rooms.artifacts import routes as artifacts
from perdure._rooms.blocks import routes as blocks
from perdure._rooms.cache import routes as cache
from perdure._rooms.deployments import backfill_routes as backfills
from perdure._rooms.deployments import routes as deployments
from perdure._rooms.events import hook_routes as hooks
from perdure._rooms.events import routes as events
from perdure._rooms.limits import routes as limits
from perdure._rooms.logs import routes as logs
from perdure._rooms.results import check_routes as result_checks
from perdure._rooms.results import routes as results
from perdure._rooms.runs import flow_routes as flows
from perdure._rooms.runs import flow_run_routes as flow_runs
from perdure._rooms.runs import start_routes as flow_run_starts
from perdure._rooms.runs import task_run_routes as task_runs
from perdure._rooms.tokens import routes as tokens
from perdure._rooms.variables import routes as variables
from perdure._server.api_page import add_description
from perdure._server.guard import Guard
from perdure._server.metrics import Metrics
from perdure._server.page import Page
from perdure._server.request_limits import Rates
from perdure._server.routes import health, metrics, overview, session, status
from perdure._server.routes import orchestrator as of_orchestrator
from perdure._server.routes import settings as settings_routes
from perdure._server.services import Services
from perdure._server.services.runtime import ServiceRuntime
from perdure._settings import settings
from perdure._store.embedded import EmbeddedOrchestrator

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
        services = Services(ServiceRuntime(orchestrator, settings.current(), app.state.liveness))
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
