"""Artifacts."""

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from perdure.core.clock import to_datetime
from perdure.core.records import ArtifactFilter, ArtifactKind, ArtifactRecord
from perdure.orchestrator.sql.tokens import Scope
from perdure.server.access import needs
from perdure.server.errors import ANSWERS, NotFound
from perdure.server.pages import Cursor, Page, PageSize, page
from perdure.server.wiring import Known

router = APIRouter(prefix="/artifacts", tags=["artifacts"], responses=ANSWERS)  # type: ignore[arg-type]


class ArtifactModel(BaseModel):
    """Something to look at that a run made. What `data` holds depends on the kind; nothing in it is HTML."""

    id: str
    key: str | None
    kind: ArtifactKind
    flow_run_id: str | None
    task_run_id: str | None
    created: datetime
    updated: datetime
    description: str | None
    data: dict[str, Any]

    @classmethod
    def of(cls, record: ArtifactRecord) -> "ArtifactModel":
        """The model of a record."""
        times = {"created": to_datetime(record.created), "updated": to_datetime(record.updated)}
        return cls(**record._asdict() | times | {"data": json.loads(record.data)})


@router.get("")
def artifacts(
    known: Known,
    key: Annotated[str | None, Query(max_length=200, description="All versions of this key.")] = None,
    kind: Annotated[list[ArtifactKind], Query()] = [],  # noqa: B006 - FastAPI copies it
    flow_run_id: Annotated[list[str], Query()] = [],  # noqa: B006
    task_run_id: Annotated[list[str], Query()] = [],  # noqa: B006
    latest: Annotated[bool, Query(description="Of each key only the newest version.")] = False,
    limit: PageSize = 50,
    cursor: Cursor = None,
) -> Page[ArtifactModel]:
    """Artifacts, newest first."""
    found = known.artifacts(
        ArtifactFilter(
            key=key,
            kinds=tuple(kind),
            flow_run_ids=tuple(flow_run_id),
            task_run_ids=tuple(task_run_id),
            latest=latest,
            older_than=cursor,
            limit=limit + 1,
        )
    )
    return page([ArtifactModel.of(each) for each in found], limit, [each.id for each in found])


@router.get("/{id}")
def artifact(id: str, known: Known) -> ArtifactModel:
    """One artifact."""
    found = [each for each in known.artifacts(ArtifactFilter(ids=(id,), limit=1)) if each.id == id]
    if not found:
        raise _missing(id)
    return ArtifactModel.of(found[0])


@router.delete("/{id}", status_code=204)
@needs(Scope.WRITE)
def delete_artifact(id: str, known: Known) -> None:
    """Forget an artifact."""
    if not known.delete_artifact(id):
        raise _missing(id)


def _missing(id: str) -> NotFound:
    return NotFound(f"No artifact has the id {id!r}.")
