"""How two results differ: by their digests, before anything large is fetched, and then by their values."""

import json
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from perdure._model.errors import ResultNotKept, ResultUnreadable
from perdure._model.records import ResultRecord
from perdure._results.comparison import compare
from perdure._results.comparison_changes import Change
from perdure._results.document import PersistedResultBlob
from perdure._results.lookup import find_run, get_result, known_runs
from perdure._results.payload_writer import Layout
from perdure._results.shared_keys import check_own
from perdure._results.store import FindStorage, result_from_record
from perdure._results.types import PersistedResult
from perdure._rooms.results.records import ResultFilter


@dataclass(frozen=True, slots=True)
class Chunks:
    """Which chunks of two payloads of one layout have other digests."""

    differing: tuple[int, ...]  # their numbers, from 0
    total: int
    size: int  # bytes of those that differ


@dataclass(frozen=True, slots=True)
class Difference:
    """The differences of two results; as a truth value, whether there are any."""

    is_same: bool
    by: Literal["digest", "value"]  # what shows it
    changes: tuple[Change, ...] = ()
    more: int = 0  # changes that were only counted
    chunks: Chunks | None = None  # known for payloads of one layout

    def __bool__(self) -> bool:
        return not self.is_same


def diff(before: str | UUID, after: str | UUID, by_digest: bool = False) -> Difference:
    """Compare the results of two runs, values or exceptions alike.

    Equal digests say at once that they are the same. Else both values are loaded and compared, as their serializers
    say: compare only what was written by code that you trust. With `by_digest` nothing is loaded.

    Raises:
        RunMissing: there is no such run.
        UnfinishedRun, ResultNotKept: a run has no result, or none that was kept.
        ResultError: a result cannot be had.
    """
    records = [_record(each) for each in (before, after)]
    blobs = [_document(record) for record in records]
    one, other = blobs
    chunks = None
    if one is not None and other is not None:
        if _decides(one, other):
            return Difference(is_same=True, by="digest")
        chunks = _chunks(one.payload, other.payload)
    if by_digest:
        if one is None or other is None:
            raise ResultNotKept(
                "A result that is in no storage has no digest. Compare the values: leave out --quick, or by_digest."
            )
        return Difference(is_same=False, by="digest", chunks=chunks)
    found = compare(*(get_result(record.run_id, raise_on_failure=False) for record in records))
    return Difference(not found.changes, "value", tuple(found.changes), found.more, chunks)


_MOST_JSON = 2 * 1024**2  # bytes that are compared by their values without being asked to
_MOST_ARRAY = 64 * 1024**2
_ARRAYS = ("numpy", "arrow", "parquet")  # formats without code in them


@dataclass(frozen=True, slots=True)
class PlainDifference:
    """The differences of two results, as far as they can be determined without running their code."""

    is_same: bool | None  # None: only loading them would tell
    by: Literal["digest", "value", "preview"] | None  # what shows it, or shows at least some of it
    changes: tuple[Change, ...] = ()
    more: int = 0
    chunks: Chunks | None = None


def diff_plainly(before: ResultRecord, after: ResultRecord, storages: FindStorage | None = None) -> PlainDifference:
    """Compare two results without unpickling: by digests; as plain JSON, arrays or tables; else by their previews.

    JSON that stands for other types is compared as it is written. What is large is not loaded. Storages are found by
    `storages`, where that is given.

    Raises:
        ResultError, StorageError: a document that is there cannot be read, or is not what was written.
    """
    one, other = _document(before, storages), _document(after, storages)
    chunks = None
    if one is not None and other is not None:
        if _decides(one, other):
            return PlainDifference(True, "digest")
        chunks = _chunks(one.payload, other.payload)
    values = [_plain(before, one, storages), _plain(after, other, storages)]
    if all(values):
        found = compare(*(value for each in values for value in each))
        return PlainDifference(not found.changes, "value", tuple(found.changes), found.more, chunks)
    shown = [None if each.preview is None else json.loads(each.preview) for each in (before, after)]
    if None in shown:
        return PlainDifference(None, None, chunks=chunks)
    found = compare(*shown)
    return PlainDifference(None, "preview", tuple(found.changes), found.more, chunks)


def _plain(record: ResultRecord, document: PersistedResultBlob | None, storages: FindStorage | None) -> tuple[Any, ...]:
    """The value, if no code of its own is needed to have it; else nothing."""
    try:
        if record.kind == "literal":
            return (json.loads(record.value or "null"),)
        if document is None:
            return ()
        kind, size = document.serializer.get("type"), document.size or len(document.data)
        if kind == "json" and document.payload is None and size <= _MOST_JSON:
            return (json.loads(document.data),)
        if kind in _ARRAYS and size <= _MOST_ARRAY:
            result = result_from_record(record, storages=storages)
            assert isinstance(result, PersistedResult)
            return (document.load(lambda: result.location, result.storage),)
    except (ValueError, RecursionError, ResultUnreadable):  # written by other means, or a package is lacking here
        return ()
    return ()


def _record(run_id: str | UUID) -> ResultRecord:
    known = known_runs()
    run = find_run(known, str(run_id))
    record = next(iter(known.results(ResultFilter(run_ids=(run.id,)))), None)
    if record is None:
        raise ResultNotKept(f"The run {run.name!r} is {run.state_name} and has no result. Wait until it has ended.")
    return record


def _document(record: ResultRecord, storages: FindStorage | None = None) -> PersistedResultBlob | None:
    if record.kind != "persisted" or record.removed is not None:
        return None
    result = result_from_record(record, storages=storages)
    assert isinstance(result, PersistedResult)
    blob = result.read()
    check_own(record, blob, lambda: result.location)
    return blob


def _decides(a: PersistedResultBlob, b: PersistedResultBlob) -> bool:
    """Whether the documents are enough to know that the values are the same."""
    return a.digest is not None and a.digest == b.digest and a.serializer == b.serializer


def _chunks(a: Layout | None, b: Layout | None) -> Chunks | None:
    if a is None or b is None or (a.size, a.chunk, a.parts) != (b.size, b.chunk, b.parts):
        return None
    pairs = enumerate(zip(a.digests, b.digests, strict=True))
    differing = tuple(index for index, (one, other) in pairs if one != other)
    size = sum(min(a.chunk, a.size - index * a.chunk) for index in differing)
    return Chunks(differing, len(a.digests), size)


def difference_as_json(difference: Difference) -> dict[str, object]:
    """A difference as plain JSON values."""
    from dataclasses import asdict

    return asdict(difference)
