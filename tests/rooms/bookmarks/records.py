from typing import Annotated, Literal, NamedTuple

from perdure._model.fields import Id, JsonObject, Small, Tags
from perdure._model.filters import CURSOR, Parameter, Rows
from perdure._platform.clock import Micros


class Bookmark(NamedTuple):
    """A web page that somebody wants to find again."""

    id: Id
    title: str
    kind: Literal["page", "paper"]
    flow_name: str | None
    tags: Tags
    details: JsonObject | None
    is_read: bool
    weight: float | None
    visits: Small
    created: Micros
    read: Micros | None = None


class BookmarkFilter(NamedTuple):
    """Which bookmarks, newest first."""

    ids: Annotated[tuple[Id, ...], Rows("id IN ({})"), Parameter("id", most=10)] = ()
    kinds: Annotated[tuple[Literal["page", "paper"], ...], Rows("kind IN ({})"), Parameter("kind", most=1)] = ()
    flow_name: Annotated[str | None, Rows("flow_name = {}"), Parameter("flow", "The flow's exact name.")] = None
    is_read: Annotated[bool | None, Rows("is_read = {}"), Parameter("read")] = None
    since: Annotated[Micros | None, Rows("created >= {}"), Parameter("since", "Made at or after it.")] = None
    older_than: Annotated[Id | None, Rows("id < {}"), CURSOR] = None
    limit: int | None = None
