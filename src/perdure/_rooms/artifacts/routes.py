"""Artifacts."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from perdure._http.access import needs
from perdure._http.dependencies import Known
from perdure._http.errors import ANSWERS
from perdure._http.models import ArtifactModel
from perdure._http.pages import Id, Listing, Page, PathId, Plain, page
from perdure._model.errors import NotFound
from perdure._model.records import ArtifactKind
from perdure._rooms.artifacts.records import ArtifactFilter
from perdure._rooms.tokens.records import Scope
from perdure._store.reads import paged

router = APIRouter(prefix="/artifacts", tags=["artifacts"], responses=ANSWERS)


class ArtifactsWanted(Listing):
    """Which artifacts."""

    cursor: Annotated[Id | None, Field(description="`next` of the page before this one.")] = None
    key: Annotated[Plain | None, Field(description="All versions of this key.")] = None
    kind: Annotated[tuple[ArtifactKind, ...], Field(max_length=10)] = ()
    flow_run_id: Annotated[tuple[Id, ...], Field(max_length=100)] = ()
    task_run_id: Annotated[tuple[Id, ...], Field(max_length=100)] = ()
    latest: Annotated[bool, Field(description="Of each key only the newest version.")] = False

    def filter(self) -> ArtifactFilter:
        """As the orchestrator stores it, with one more than the limit."""
        return ArtifactFilter(
            key=self.key,
            kinds=self.kind,
            flow_run_ids=self.flow_run_id,
            task_run_ids=self.task_run_id,
            latest=self.latest,
            older_than=self.cursor,
            limit=self.limit + 1,
        )


@router.get("")
def artifacts(known: Known, wanted: Annotated[ArtifactsWanted, Query()]) -> Page[ArtifactModel]:
    """Artifacts, newest first."""
    return page(paged(known.artifacts(wanted.filter()), wanted.limit, lambda each: each.id), ArtifactModel.of)


@router.get("/{id}")
def artifact(id: PathId, known: Known) -> ArtifactModel:
    """One artifact."""
    found = [each for each in known.artifacts(ArtifactFilter(ids=(id,), limit=1)) if each.id == id]
    if not found:
        raise _missing(id)
    return ArtifactModel.of(found[0])


@router.delete("/{id}", status_code=204)
@needs(Scope.WRITE)
def delete_artifact(id: PathId, known: Known) -> None:
    """Delete an artifact."""
    if not known.delete_artifact(id):
        raise _missing(id)


def _missing(id: str) -> NotFound:
    return NotFound(f"No artifact has the id {id!r}.")


ROUTERS = (router,)
