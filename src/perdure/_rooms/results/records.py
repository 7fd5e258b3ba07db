"""What is asked and answered of results."""

from typing import NamedTuple

from perdure._model.fields import Id
from perdure._model.records import ResultKind
from perdure._platform.clock import Micros


class Doomed(NamedTuple):
    """How many documents in a storage are to be removed for one reason; one that several results share counts once."""

    storage_id: Id
    reason: str  # "age", "runs", "size" or "items"; "asked" where no limit says so any more, or ever did
    is_due: bool  # whether they may be removed now: they were doomed long enough ago
    documents: int
    size: int  # bytes, as far as they are known


class Removable(NamedTuple):
    """A document that may be removed: nothing that is kept leads to it."""

    run_id: Id
    storage_id: Id
    storage_key: str
    size: int | None
    digest: str | None
    doomed: Micros
    reason: str  # as in `Doomed`
    is_again: bool  # whether a newer result leads to the same document, so that it is not counted twice


class ResultFilter(NamedTuple):
    """Which results, newest first. A field that is None or empty does not filter."""

    run_ids: tuple[str, ...] = ()
    flow_run_ids: tuple[str, ...] = ()  # the results of these flow runs and of their task runs
    kinds: tuple[ResultKind, ...] = ()
    flow: str | None = None  # the flow's exact name: results of its runs and of their task runs
    task: str | None = None  # the task's exact name
    type: str | None = None  # the Python type: "pandas.*" for those that begin so, "*.DataFrame" for those that end so
    storage_ids: tuple[str, ...] = ()
    storage_keys: tuple[str, ...] = ()  # exact
    after: Micros | None = None  # created at or after
    before: Micros | None = None  # created before
    min_size: int | None = None  # bytes
    max_size: int | None = None  # bytes
    is_exception: bool | None = None
    doomed: bool | None = None  # whether it is to be removed, or has been
    removed: bool | None = None  # whether its document is gone
    items: bool | None = None  # whether it is an item of a generator
    older_than: str | None = None  # of runs with ids before this one: to continue from the last one of a page
    limit: int | None = None
