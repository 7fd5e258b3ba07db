"""Rows and the filter of results."""

from typing import Annotated

from perdure._model.fields import Id
from perdure._model.filters import CURSOR, Parameter, Rows
from perdure._model.records import ResultKind
from perdure._platform.clock import Micros
from perdure._platform.named import NamedTuple

_LARGEST = (1 << 63) - 1  # that a database has


class Doomed(NamedTuple):
    """How many documents in a storage are to be removed for one reason; one that several results share counts once."""

    storage_id: Id
    reason: str  # "age", "runs", "size" or "items"; "asked" where no limit says so any more, or ever did
    is_due: bool  # whether they may be removed now: their grace period is over
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

    run_ids: Annotated[tuple[str, ...], Rows("run_id IN ({})")] = ()
    flow_run_ids: Annotated[
        tuple[Id, ...], Parameter("flow_run", "Of this flow run and of its task runs.", most=1)
    ] = ()
    kinds: Annotated[tuple[ResultKind, ...], Parameter("kind", most=3)] = ()
    flow: Annotated[str | None, Parameter("flow", "Of the runs of this flow and of their task runs.")] = None
    task: Annotated[str | None, Parameter("task", "The task's exact name.")] = None
    type: Annotated[
        str | None, Parameter("type", 'The Python type; "pandas.*" for those that begin so, "*.DataFrame" that end so.')
    ] = None
    storage_ids: Annotated[tuple[Id, ...], Parameter("storage", "The id of the storage's block.", most=1)] = ()
    storage_keys: tuple[str, ...] = ()  # exact
    after: Annotated[Micros | None, Parameter("created_after", "At or after it.")] = None
    before: Annotated[Micros | None, Parameter("created_before")] = None
    min_size: Annotated[int | None, Parameter("min_size", "Bytes.", between=(0, _LARGEST))] = None
    max_size: Annotated[int | None, Parameter("max_size", "Bytes.", between=(0, _LARGEST))] = None
    is_exception: Annotated[bool | None, Parameter("exception")] = None
    doomed: bool | None = None  # whether it is to be removed, or has been
    removed: Annotated[bool | None, Parameter("removed", "Whether its document is gone.")] = None
    items: bool | None = None  # whether it is an item of a generator
    older_than: Annotated[Id | None, CURSOR] = None  # of runs with ids before this one
    limit: int | None = None
    of_task: Annotated[
        bool | None,
        Rows("of_task", otherwise="NOT of_task"),
        Parameter("of_task", "Whether they are of task runs, or else of flow runs."),
    ] = None
