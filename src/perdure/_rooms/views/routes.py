"""Views of the page that a team shares."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from perdure._http.authorisation import caller_of, needs
from perdure._http.dependencies import Known
from perdure._http.errors import ANSWERS
from perdure._http.models import moment
from perdure._http.pages import Page, PathId, Plain
from perdure._http.query_parameters import listed, wanted
from perdure._http.routers import ApiRouter
from perdure._model.errors import NotFound
from perdure._platform.clock import system_clock
from perdure._platform.ids import new_id
from perdure._rooms.tokens.records import Scope
from perdure._rooms.views.port import Views
from perdure._rooms.views.records import SavedView, ViewFilter
from perdure._store.embedded import EmbeddedOrchestrator

router = ApiRouter(prefix="/views", tags=["views"], responses=ANSWERS)


class ViewGiven(BaseModel):
    """A view to save."""

    name: Annotated[Plain, Field(min_length=1, max_length=60, pattern=r"\S")]
    page: Annotated[Plain, Field(max_length=200, pattern=r"^/[a-z0-9/_-]*$", description="Its path: /flow-runs.")]
    search: Annotated[
        Plain, Field(max_length=4_000, pattern=r"^(\?|$)", description="Its filters: ?state=FAILED, or nothing.")
    ] = ""


class ViewModel(ViewGiven):
    """A saved view."""

    id: str
    owner: Annotated[str | None, Field(description="The name of the token with which it was saved.")]
    created: datetime
    updated: datetime

    @classmethod
    def of(cls, view: SavedView) -> "ViewModel":
        """The model of a record."""
        return cls(**view._asdict() | {"created": moment(view.created), "updated": moment(view.updated)})


@router.get("")
def list_views(known: Known, wanted: Annotated[ViewFilter, Depends(wanted(ViewFilter))]) -> Page[ViewModel]:
    """Saved views, those that were saved last first."""
    return listed(known.room(Views).all, wanted, ViewModel.of)


@router.post("", status_code=HTTPStatus.CREATED)
@needs(Scope.WRITE)
def save_view(given: ViewGiven, request: Request, known: Known) -> ViewModel:
    """Save a view, for all who may read."""
    token, now = caller_of(request).token, system_clock()
    owner = None if token is None else token.name
    return _put(SavedView(new_id(), given.name, given.page, given.search, owner, now, now), known)


@router.put("/{id}")
@needs(Scope.WRITE)
def change_view(id: PathId, given: ViewGiven, known: Known) -> ViewModel:
    """Change a view, or its name."""
    kept = _found(id, known)
    changed = kept._replace(name=given.name, page=given.page, search=given.search, updated=system_clock())
    return _put(changed, known)


@router.delete("/{id}", status_code=HTTPStatus.NO_CONTENT)
@needs(Scope.WRITE)
def delete_view(id: PathId, known: Known) -> None:
    """Delete a view."""
    _found(id, known)
    known.room(Views).delete(id)


def _put(view: SavedView, known: EmbeddedOrchestrator) -> ViewModel:
    others = known.room(Views).all(ViewFilter(page=view.page))
    if any(each.name == view.name and each.id != view.id for each in others):
        raise HTTPException(
            HTTPStatus.CONFLICT,
            f"There is a view {view.name!r} of {view.page} already. Give it another name, or delete that one.",
        )
    known.room(Views).put(view)
    return ViewModel.of(view)


def _found(id: str, known: EmbeddedOrchestrator) -> SavedView:
    view = known.room(Views).one(id)
    if view is None:
        raise NotFound(f"There is no view {id!r}.")
    return view


ROUTERS = (router,)
