"""Resuming, continuing and rerunning flow runs."""

import json
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import Body, Request
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from perdure._engine.control import requests as asking
from perdure._engine.recovery.durable_timers import SUSPENDED
from perdure._engine.recovery.start_record import reuse_of
from perdure._http.authorisation import caller_of, needs
from perdure._http.dependencies import Control, Known
from perdure._http.errors import answers
from perdure._http.launcher import NotStarted, Starter
from perdure._http.models import ContinuedRun, FlowRunModel, parsed, time_of
from perdure._http.pages import Id, PathId
from perdure._http.routers import ApiRouter
from perdure._model.state_types import StateType
from perdure._rooms.deployments.port import QueueFilter
from perdure._rooms.runs.flow_run_routes import found
from perdure._rooms.runs.records import FlowRun, RunFilter
from perdure._rooms.tokens.records import Scope
from perdure._run.process_identity import machine_of
from perdure._store.embedded import EmbeddedOrchestrator

router = ApiRouter(prefix="/flow-runs", tags=["flow runs"], responses=answers())
_ONE = answers(HTTPStatus.NOT_FOUND)
_STARTED = answers(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)


class Resume(BaseModel):
    """How to resume."""

    model_config = ConfigDict(extra="forbid")

    retry_failed: Annotated[bool, Field(description="Also run failed steps again.")] = False


class Rerun(BaseModel):
    """How to run a flow again."""

    model_config = ConfigDict(extra="forbid")

    from_step: Annotated[
        Id | None, Field(description="A run that the flow run called: what had been finished before it is reused.")
    ] = None
    parameters: Annotated[
        dict[str, JsonValue], Field(description="They take the place of the earlier run's; all others are the same.")
    ] = {}


class Start(BaseModel):
    """How a flow run was started, and what it waits for."""

    target: Annotated[str | None, Field(description="FILE.py:FLOW or MODULE:FLOW; null if no other process finds it.")]
    directory: str | None
    asks: Annotated[object, Field(description="Of a run that waits for input: the input's JSON schema.")]
    rerun_of: Annotated[str | None, Field(description="The id of the flow run that it runs again.")]
    waits_until: Annotated[datetime | None, Field(description="When a pause times out.")]
    is_answered: Annotated[
        bool, Field(description="Whether it is suspended, and its input is stored: resuming it is all that is missing.")
    ]
    host: Annotated[str | None, Field(description="The machine of the process that runs it, or ran it last.")]
    pid: Annotated[int | None, Field(description="The number of that process.")]


@router.get("/{id}/start", responses=_ONE)
def get_flow_run_start(id: PathId, known: Known) -> Start:
    """How a flow run was started, and what it waits for."""
    run = found(id, known)
    start = known.start(id)
    entry = {} if start is None or start.entry_point is None else json.loads(start.entry_point)
    reuse = None if start is None else reuse_of(start)
    process = None if start is None else known.process(start.process_id)
    pauses = [wait for wait in known.waits(id) if wait.asks is not None]
    pause = next((wait for wait in pauses if wait.answer is None), None)
    return Start(
        target=entry.get("target"),
        directory=entry.get("directory"),
        asks=None if pause is None or pause.asks is None else parsed(pause.asks),
        rerun_of=None if reuse is None else reuse.flow_run_id,
        waits_until=None if pause is None else time_of(pause.until),
        is_answered=run.state_name == SUSPENDED and pause is None and bool(pauses),
        host=None if process is None else machine_of(process),
        pid=None if process is None else process.pid,
    )


class Continue(BaseModel):
    """The input that a paused flow run waits for."""

    model_config = ConfigDict(extra="forbid")

    input: object = None


@router.post("/{id}/continue", responses=_STARTED)
@needs(Scope.WRITE)
def continue_flow_run(
    id: PathId, known: Known, control: Control, request: Request, how: Continue | None = None
) -> ContinuedRun:
    """Continue a paused flow run.

    A suspended one has no process. A worker resumes it if it is of a deployment; else a new process of the server, if
    the server may start flows and the caller is an administrator. Otherwise the input is stored, and `command` resumes
    the run.
    """
    run = asking.continue_run(id, None if how is None else how.input, control)
    if run.state_name != SUSPENDED or known.deployments.queued(QueueFilter(flow_run_ids=(id,))):
        return ContinuedRun.of_run(found(id, known), is_resumed=True)
    try:
        _check_administrator(request, id)
        _resume(id, known, request)
    except NotStarted as error:
        return ContinuedRun.of_run(found(id, known), is_resumed=False, command=error.command, reason=str(error))
    return ContinuedRun.of_run(found(id, known), is_resumed=True)


@router.post("/{id}/resume", status_code=HTTPStatus.ACCEPTED, responses=_STARTED)
@needs(Scope.ADMIN)
def resume_flow_run(
    id: PathId, known: Known, request: Request, how: Annotated[Resume | None, Body()] = None
) -> FlowRunModel:
    """Resume a flow run in a process on the server's machine: finished steps do not run again."""
    _resume(id, known, request, *(["--retry-failed"] if how is not None and how.retry_failed else []))
    return FlowRunModel.of(found(id, known))


@router.post("/{id}/rerun", status_code=HTTPStatus.ACCEPTED, responses=_STARTED)
@needs(Scope.ADMIN)
def rerun_flow_run(
    id: PathId, known: Known, request: Request, how: Annotated[Rerun | None, Body()] = None
) -> FlowRunModel:
    """Start a new run of a flow with the arguments of a run, or others, in a process on the server's machine.

    The response is the new run, or the old one if the new run was not reported within a few seconds.
    """
    run = found(id, known)
    before = _newest(run, known)
    how = how or Rerun()
    options = () if how.from_step is None else ("--from", how.from_step)
    _starter(request).start(
        *("flow-run", "rerun", id, *options),
        document=json.dumps(how.parameters, ensure_ascii=False) if how.parameters else None,
        has_begun=lambda: _newest(run, known).id != before.id,
    )
    newest = _newest(run, known)
    return FlowRunModel.of(run if newest.id == before.id else newest)


def _resume(id: str, known: EmbeddedOrchestrator, request: Request, *options: str) -> None:
    before = _fingerprint(found(id, known))
    _starter(request).start(
        "flow-run", "resume", id, *options, has_begun=lambda: _fingerprint(found(id, known)) != before
    )


def _check_administrator(request: Request, id: str) -> None:
    """Only administrators start programs: everyone who may write records can choose the program of a run."""
    if not caller_of(request).scope.allows(Scope.ADMIN):
        raise NotStarted(
            "The input is stored. Only administrators may have this server start programs.",
            ("perdure", "flow-run", "resume", id),
        )


def _fingerprint(run: FlowRun) -> tuple[StateType | None, str | None, int | None]:
    return run.state_type, run.state_name, run.state_time


def _newest(run: FlowRun, known: EmbeddedOrchestrator) -> FlowRun:
    """The newest run of the same flow."""
    return known.flow_runs(RunFilter(of=run.flow_name, limit=1))[0]


def _starter(request: Request) -> Starter:
    starter: Starter = request.app.state.starter
    return starter
