"""The filter of saved blocks."""

from typing import Annotated

from perdure._model.filters import Rows
from perdure._platform.named import NamedTuple


class BlockFilter(NamedTuple):
    """Which blocks. A field that is None or false does not filter."""

    type: Annotated[str | None, Rows("type = {}")] = None
    name: Annotated[str | None, Rows("name = {}")] = None
    has_name: Annotated[bool, Rows("name IS NOT NULL")] = False
    limit: int | None = None
