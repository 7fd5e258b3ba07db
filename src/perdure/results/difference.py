"""How two results differ: by their digests, before anything large is fetched, and then by their values."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from perdure.core.errors import MissingResult
from perdure.core.records import ResultFilter, ResultRecord
from perdure.results.changes import Change
from perdure.results.comparison import compare
from perdure.results.document import PersistedResultBlob
from perdure.results.lookup import find_run, get_result, known_runs
from perdure.results.overwriting import check_own
from perdure.results.payload import Layout
from perdure.results.store import result_from_record
from perdure.results.types import PersistedResult


@dataclass(frozen=True, slots=True)
class Chunks:
    """Which chunks of two payloads of one layout have other digests."""

    differing: tuple[int, ...]  # their numbers, from 0
    total: int
    size: int  # bytes of those that differ


@dataclass(frozen=True, slots=True)
class Difference:
    """What tells two results apart; as a truth value, whether anything does."""

    is_same: bool
    by: Literal["digest", "value"]  # what told
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
        UnfinishedRun, MissingResult: a run has no result, or none that was kept.
        ResultError: a result cannot be had.
    """
    records = [_record(each) for each in (before, after)]
    blobs = [_document(record) for record in records]
    one, other = blobs
    chunks = None
    if one is not None and other is not None:
        if _tells(one, other):
            return Difference(is_same=True, by="digest")
        chunks = _chunks(one.payload, other.payload)
    if by_digest:
        if one is None or other is None:
            raise MissingResult(
                "A result that lies in no storage has no digest. Compare the values: leave --quick, or by_digest, out."
            )
        return Difference(is_same=False, by="digest", chunks=chunks)
    found = compare(*(get_result(record.run_id, raise_on_failure=False) for record in records))
    return Difference(not found.changes, "value", tuple(found.changes), found.more, chunks)


def _record(run_id: str | UUID) -> ResultRecord:
    known = known_runs()
    run = find_run(known, str(run_id))
    record = next(iter(known.results(ResultFilter(run_ids=(run.id,)))), None)
    if record is None:
        raise MissingResult(f"The run {run.name!r} is {run.state_name} and has no result. Wait until it has ended.")
    return record


def _document(record: ResultRecord) -> PersistedResultBlob | None:
    if record.kind != "persisted" or record.removed is not None:
        return None
    result = result_from_record(record)
    assert isinstance(result, PersistedResult)
    blob = result.read()
    check_own(record, blob)
    return blob


def _tells(a: PersistedResultBlob, b: PersistedResultBlob) -> bool:
    """Whether the documents are enough to know that the values are the same."""
    return a.digest is not None and a.digest == b.digest and a.serializer == b.serializer


def _chunks(a: Layout | None, b: Layout | None) -> Chunks | None:
    if a is None or b is None or (a.size, a.chunk, a.parts) != (b.size, b.chunk, b.parts):
        return None
    pairs = enumerate(zip(a.digests, b.digests, strict=True))
    differing = tuple(index for index, (one, other) in pairs if one != other)
    size = sum(min(a.chunk, a.size - index * a.chunk) for index in differing)
    return Chunks(differing, len(a.digests), size)


def difference_as_json(difference: Difference) -> dict[str, Any]:
    """A difference as plain JSON values."""
    from dataclasses import asdict

    return asdict(difference)
