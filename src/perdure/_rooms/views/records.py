"""What is kept of a saved view."""

from typing import Annotated

from perdure._model.fields import Id
from perdure._model.filters import CURSOR, Parameter, Rows
from perdure._platform.clock import Micros
from perdure._platform.named import NamedTuple


class SavedView(NamedTuple):
    """A list of the page, as it is filtered and sorted, under a name. All who may read see it."""

    id: Id
    name: str
    page: str  # its path: /flow-runs
    search: str  # what stands behind the path, with its "?"; empty if nothing is filtered
    owner: str | None  # the name of the token with which it was saved
    created: Micros
    updated: Micros


class ViewFilter(NamedTuple):
    """Which views, newest first."""

    page: Annotated[str | None, Rows("page = {}"), Parameter("page", "The path of its page, such as /flow-runs.")] = (
        None
    )
    older_than: Annotated[Id | None, Rows("id < {}"), CURSOR] = None
    limit: int | None = None
