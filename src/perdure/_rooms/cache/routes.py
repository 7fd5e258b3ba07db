"""Cached results by key."""

from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from perdure._http.authorisation import needs
from perdure._http.dependencies import Asked, Known
from perdure._http.errors import answers
from perdure._http.models import moment, parsed, time_of
from perdure._http.pages import Listing, Moment, Page, Plain, micros, page
from perdure._http.routers import ApiRouter
from perdure._model.errors import PerdureError
from perdure._rooms.cache.records import CacheEntry, CacheFilter
from perdure._rooms.tokens.records import Scope

router = ApiRouter(prefix="/cache", tags=["cache"], responses=answers())


class CacheEntryModel(BaseModel):
    """A cache key, and the run whose result it refers to."""

    key: str
    run_id: str
    created: datetime
    expires: datetime | None
    components: object
    task_name: str | None
    type: str | None
    size: int | None
    doomed: datetime | None

    @classmethod
    def of(cls, entry: CacheEntry) -> "CacheEntryModel":
        """The model of an entry."""
        return cls(
            **entry._asdict()
            | {
                "created": moment(entry.created),
                "expires": time_of(entry.expires),
                "doomed": time_of(entry.doomed),
                "components": None if entry.components is None else parsed(entry.components),
            }
        )


class EntriesWanted(Listing):
    """Which entries."""

    key: Annotated[Plain | None, Field(description="A prefix of it, or the whole key.")] = None
    task: Annotated[Plain | None, Field(description="The exact name of the task whose result it is.")] = None
    cursor: Annotated[Plain | None, Field(description="`next` of the page before this one.")] = None


class Cleared(BaseModel):
    """The number of removed keys."""

    count: int


@router.get("")
def list_cache_entries(asked: Asked, wanted: Annotated[EntriesWanted, Query()]) -> Page[CacheEntryModel]:
    """Cache entries by key, the expired ones too."""
    found = asked.cache_entries(wanted.key or "", wanted.task, wanted.cursor or "", wanted.limit)
    return page(found, CacheEntryModel.of)


@router.delete("")
@needs(Scope.WRITE)
def clear_cache(
    known: Known,
    key: Annotated[list[Plain] | None, Query(max_length=1_000)] = None,
    task: Annotated[Plain | None, Query()] = None,
    before: Annotated[Moment | None, Query()] = None,
    everything: Annotated[bool, Query(description="Remove all keys, if no other filter is given.")] = False,
) -> Cleared:
    """Remove cache keys; the results stay."""
    wanted = CacheFilter(keys=tuple(key or ()), task=task, before=micros(before))
    if wanted == CacheFilter() and not everything:
        raise PerdureError("Choose which keys to remove: by key, task or before; or everything=true.")
    return Cleared(count=known.clear_cache(wanted))


ROUTERS = (router,)
