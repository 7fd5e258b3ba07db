"""The source of a flow run's function as the run began, and that of the newest run of the same flow."""

import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Annotated

from pydantic import BaseModel, Field

from perdure._engine.recovery.start_record import source_digest_of
from perdure._http.dependencies import Known
from perdure._http.errors import answers
from perdure._http.models import FlowRunModel
from perdure._http.pages import PathId
from perdure._http.routers import ApiRouter
from perdure._rooms.runs.flow_run_routes import found
from perdure._rooms.runs.records import FlowRun, RunFilter
from perdure._store.embedded import EmbeddedOrchestrator

router = ApiRouter(prefix="/flow-runs", tags=["flow runs"], responses=answers())
_LOOKED_AT = 20  # of a flow's newest runs: subflow runs have no source of their own


class FlowSource(BaseModel):
    """The source of a flow's function, without secrets, as it was when a run began, or was resumed last."""

    run: FlowRunModel
    text: str
    line: Annotated[int, Field(description="The number of its first line in the file.")]
    is_cut: Annotated[bool, Field(description="Whether it is longer than the 64 KiB that are kept.")]
    digest: str
    target: Annotated[str | None, Field(description="FILE.py:FLOW or MODULE:FLOW.")]
    directory: str | None
    code_from: Annotated[str | None, Field(description="Of a deployment: where its code was fetched from, as JSON.")]


class FlowSources(BaseModel):
    """The source with which a run began, and the one with which the newest run of its flow that has one began."""

    own: Annotated[FlowSource | None, Field(description="Null where none was recorded: of subflow runs, for one.")]
    newest: FlowSource | None


@router.get("/{id}/source", responses=answers(HTTPStatus.NOT_FOUND))
def get_flow_run_source(id: PathId, known: Known) -> FlowSources:
    """The source of a flow run's function as the run began, and that of the newest run of the same flow."""
    run = found(id, known)
    newest = known.flow_runs(RunFilter(of=run.flow_name, limit=_LOOKED_AT))
    return FlowSources(own=_first([run], known), newest=_first(newest, known))


def _first(runs: Iterable[FlowRun], known: EmbeddedOrchestrator) -> FlowSource | None:
    return next((source for run in runs if (source := _source_of(run, known)) is not None), None)


def _source_of(run: FlowRun, known: EmbeddedOrchestrator) -> FlowSource | None:
    start = known.start(run.id) if run.parent_flow_run_id is None else None
    digest = source_digest_of(start)
    kept = None if digest is None else known.source(digest)
    if start is None or digest is None or kept is None:
        return None
    parts, entry = json.loads(kept), json.loads(start.entry_point or "{}")
    if not isinstance(parts.get("text"), str):  # of a task: whoever wrote the run may have said any digest
        return None
    return FlowSource(
        run=FlowRunModel.of(run),
        text=parts["text"],
        line=parts.get("line", 1),
        is_cut=bool(parts.get("is_cut")),
        digest=digest,
        target=entry.get("target"),
        directory=entry.get("directory"),
        code_from=entry.get("source"),
    )
