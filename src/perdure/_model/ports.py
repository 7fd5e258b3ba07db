"""What ports of rooms are made of: protocols whose methods orchestrators carry, embedded or over HTTP.

A method may be called by whoever may write, unless it is marked here. A port that keeps records and does nothing else
with them is a `Kept` of the record and its filter: `class Bookmarks(Kept[Bookmark, BookmarkFilter], Protocol)`.
"""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol, TypeVar, get_args, get_origin

from perdure._platform.named import NamedTuple

F = TypeVar("F", bound=Callable[..., object])
Record = TypeVar("Record")
Filter = TypeVar("Filter", contravariant=True)
Needs = Literal["read", "write", "admin"]


def reads(method: F) -> F:
    """A method that changes nothing: a token that may only read can call it."""
    method.needs = "read"  # type: ignore[attr-defined]
    return method


def administers(method: F) -> F:
    """A method that only administrators may call."""
    method.needs = "admin"  # type: ignore[attr-defined]
    return method


def needed_by(method: Callable[..., object]) -> Needs:
    """What a token must allow for a method."""
    return getattr(method, "needs", "write")


class Kept(Protocol[Record, Filter]):
    """Records, each under the key that its first field is."""

    def put(self, record: Record) -> None:
        """Keep a record; it replaces the one with its key."""

    @reads
    def one(self, key: str) -> Record | None:
        """The record with a key."""

    @reads
    def all(self, filter: Filter) -> Sequence[Record]:
        """The records that the filter lets through, those with the highest keys first: of ids, the newest."""

    def delete(self, key: str) -> bool:
        """Forget a record; False if there is none with this key."""


def kept_of(port: type) -> tuple[type[NamedTuple], type[NamedTuple]]:
    """The record and the filter of a port that is a `Kept`.

    Raises:
        LookupError: it is none.
    """
    (record, filter), *_ = [get_args(base) for base in getattr(port, "__orig_bases__", ()) if get_origin(base) is Kept]
    return record, filter
