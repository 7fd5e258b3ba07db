"""Rows and the filter of cache entries."""

from perdure._model.fields import Id, JsonObject
from perdure._platform.clock import Micros
from perdure._platform.named import NamedTuple


class CacheEntry(NamedTuple):
    """What a cache key stands for."""

    key: str
    run_id: Id  # the run that made the result
    created: Micros
    expires: Micros | None
    components: JsonObject | None  # as in `CacheRecord`
    task_name: str | None
    type: str | None  # of the result, as are the next two
    size: int | None
    doomed: Micros | None


class CacheFilter(NamedTuple):
    """Which cache entries, newest first. A field that is None or empty does not filter."""

    keys: tuple[str, ...] = ()  # exact
    beginning: str | None = None  # of the key
    task: str | None = None  # the exact name of the task whose result it is
    before: Micros | None = None  # created before
    limit: int | None = None
