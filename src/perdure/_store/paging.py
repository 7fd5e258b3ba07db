"""Pages of lists: rows, and the cursor of those after them.

A cursor is the id of the last row, where rows are listed by their ids, as runs are (`Reads._runs`); what it selects
then, `_http.filters` says. Elsewhere the room's store says what it is.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from perdure._platform.named import NamedTuple

T = TypeVar("T")


class Found(NamedTuple, Generic[T]):
    """Rows, and the cursor of the next page; None if there are no more."""

    items: list[T]
    next: str | None


def paged(rows: Sequence[T], limit: int, cursor: Callable[[T], str]) -> Found[T]:
    """Rows of which one more than `limit` was asked for."""
    items = list(rows[:limit])
    return Found(items, cursor(items[-1]) if len(rows) > limit else None)
