"""Artifacts."""

from typing import Annotated

from fastapi import Depends

from perdure._http.authorisation import needs
from perdure._http.dependencies import Known
from perdure._http.errors import ANSWERS
from perdure._http.models import ArtifactModel
from perdure._http.pages import Page, PathId
from perdure._http.query_parameters import listed, wanted
from perdure._http.routers import ApiRouter
from perdure._model.errors import NotFound
from perdure._rooms.artifacts.records import ArtifactFilter
from perdure._rooms.tokens.records import Scope

router = ApiRouter(prefix="/artifacts", tags=["artifacts"], responses=ANSWERS)


@router.get("")
def artifacts(known: Known, wanted: Annotated[ArtifactFilter, Depends(wanted(ArtifactFilter))]) -> Page[ArtifactModel]:
    """Artifacts, newest first."""
    return listed(known.artifacts, wanted, ArtifactModel.of)


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
