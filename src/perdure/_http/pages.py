"""Lists, a page at a time: the same parameters and the same shape everywhere."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Generic, Literal, TypeVar

from fastapi import Depends, Path
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from starlette.convertors import PathConvertor, register_url_convertor

from perdure._http.dependencies import Known
from perdure._platform.clock import Micros
from perdure._platform.ids import is_dated, is_id
from perdure._rooms.runs.records import RunFilter
from perdure._store.paging import Found

S = TypeVar("S")
T = TypeVar("T", bound=BaseModel)
MOST = 1_000  # items on a page
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"


def _storable(text: str) -> str:
    if "\0" in text or (not text.isascii() and re.search("[\ud800-\udfff]", text)):
        raise ValueError("it holds a NUL or half of a surrogate pair, which no database keeps")
    return text


def _canonical(text: str) -> str:
    if not is_id(text):
        raise ValueError("it is no UUID in its canonical form")
    return text


class _Text(PathConvertor):
    """In a route, `{name:text}`: a name that others chose, with its slashes and line breaks."""

    regex = "(?s:.+)"


register_url_convertor("text", _Text())

Plain = Annotated[str, Field(min_length=1, max_length=1_000), AfterValidator(_storable)]
Id = Annotated[str, Field(pattern=_ID, examples=["0192f0c1-8d4e-7a31-8f0e-5d0c9a7b6e21"]), AfterValidator(_canonical)]


def _run_id(id: Annotated[Id, Path(description="A run's id.")], known: Known) -> str:
    """The id of a run: one that came from elsewhere may be asked for by the id that it had there."""
    if is_dated(id):
        return id
    only = RunFilter(ids=(id,), limit=1)
    runs = known.flow_runs(only) or known.task_runs(only)
    return runs[0].id if runs else id


PathId = Annotated[str, Depends(_run_id)]
PageSize = Annotated[int, Field(ge=1, le=MOST, description="How many items at most.")]
Moment = AwareDatetime  # with a time zone


class Listing(BaseModel):
    """What every list takes."""

    model_config = ConfigDict(extra="forbid")

    limit: PageSize = 50


class ById(Listing):
    """A list whose pages continue after an id."""

    cursor: Annotated[Id | None, Field(description="`next` of the page before this one.")] = None
    sort: Annotated[Literal["-created", "created"], Field(description="The newest first, or the oldest.")] = "-created"


class Page(BaseModel, Generic[T]):
    """Some items, and the cursor of the page after them; null on the last one.

    Where no index serves a filter, a page may have fewer items than were asked for, or none, and still a cursor.
    """

    items: list[T]
    next: str | None


def page(found: Found[S], model: Callable[[S], T]) -> Page[T]:
    """A page of what was found."""
    return Page(items=[model(item) for item in found.items], next=found.next)


def micros(time: datetime | None) -> Micros | None:
    """A time that was given, as the orchestrator has it."""
    return None if time is None else (time - _EPOCH) // timedelta(microseconds=1)
