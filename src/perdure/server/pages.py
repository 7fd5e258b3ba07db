"""Lists, a page at a time: the same parameters and the same shape everywhere."""

from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

T = TypeVar("T")
MOST = 1_000  # items on a page

PageSize = Annotated[int, Query(ge=1, le=MOST, description="How many items at most.")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next` of the page before this one.")]


class Page(BaseModel, Generic[T]):
    """Some items, and the cursor of the page after them; null on the last one."""

    items: list[T]
    next: str | None


def page(items: Sequence[T], limit: int, cursors: Sequence[str]) -> Page[T]:
    """A page of items, of which one more than `limit` was asked for; each has the cursor that goes on after it."""
    if len(items) <= limit:
        return Page(items=list(items), next=None)
    return Page(items=list(items[:limit]), next=cursors[limit - 1])
