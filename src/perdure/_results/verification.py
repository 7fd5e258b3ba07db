"""Whether results are there, whole, trusted, and can be read here. Nothing is ever deserialized for it."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from perdure._model.errors import (
    BlockError,
    PerdureError,
    ResultCorrupt,
    ResultError,
    ResultMissing,
    ResultOverwritten,
    ResultUnreadable,
    ResultUntrusted,
    StorageError,
    UnknownSerializer,
)
from perdure._model.records import ResultRecord
from perdure._platform.clock import Micros, system_clock
from perdure._platform.named import NamedTuple
from perdure._results.document import PersistedResultBlob
from perdure._results.lookup import kept_records, known_runs, persisted_record
from perdure._results.shared_keys import check_own
from perdure._results.store import FindStorage, result_from_record
from perdure._results.types import PersistedResult
from perdure._rooms.results.records import ResultFilter
from perdure._store.sql.temporary_keys import TemporaryKeys

if TYPE_CHECKING:  # it imports pydantic, which a process that persists nothing does not need
    from perdure._storages.storage import Storage

Finding = Literal["ok", "overwritten", "missing", "corrupt", "untrusted", "unreadable"]
_AT_ONCE = 4  # results that are read at the same time: each holds a few chunks of 8 MiB


class Verdict(NamedTuple):
    """What was found of a result, and if it is not ok, why and what to do."""

    record: ResultRecord
    finding: Finding
    reason: str | None = None


def verify(
    run_ids: Sequence[str | UUID] = (),
    quick: bool = False,
    wanted: ResultFilter | None = None,
    storages: FindStorage | None = None,
) -> Iterator[Verdict]:
    """Check the persisted results of these runs, or those that are `wanted`, or all, the newest first.

    Each verdict is given as it is found.

    All bytes are read and compared with their digests. `quick` only compares existence and size with one listing of
    each storage, and reads the documents of those that differ: a byte that was altered in place it does not see.
    Memory is bounded, however many there are. A result is `overwritten` where its key was used by a later run, as keys
    that the user chose may be; a `quick` look sees that by the size only. A full look finds storages by `storages`,
    where that is given.

    Raises:
        RunMissing, ResultNotKept, ResultMissing: there is no such run, or its result is in no storage any more.
    """
    records = map(persisted_record, run_ids) if run_ids else kept_records(known_runs(), wanted)
    return _quick(records) if quick else _full(records, storages)


def _full(records: Iterable[ResultRecord], storages: FindStorage | None) -> Iterator[Verdict]:
    from concurrent.futures import ThreadPoolExecutor

    waiting = iter(records)
    with ThreadPoolExecutor(_AT_ONCE, "perdure-verify") as pool:
        while page := list(islice(waiting, 256)):
            yield from pool.map(lambda record: _judged(record, storages=storages), page)


def _judged(record: ResultRecord, payload: bool = True, storages: FindStorage | None = None) -> Verdict:
    """Read the document, and the payload too unless it is said to leave that."""
    try:
        result = result_from_record(record, storages=storages)
        assert isinstance(result, PersistedResult)
        blob = result.read()
        check_own(record, blob, lambda: result.location)
        _check_serializer(blob, result)
        if payload:
            blob.verify(lambda: result.location, result.storage)
    except (ResultError, StorageError, BlockError) as error:
        return Verdict(record, _finding(error), str(error))
    return Verdict(record, "ok")


def _check_serializer(blob: PersistedResultBlob, result: PersistedResult[object]) -> None:
    from perdure._serializers.base import Serializer

    try:
        Serializer.from_description(blob.serializer)
    except (UnknownSerializer, ResultUnreadable) as error:
        raise ResultUnreadable(f"{result.location} is whole, but cannot be loaded here. {error}") from None


def _finding(error: PerdureError) -> Finding:
    if isinstance(error, ResultOverwritten):
        return "overwritten"
    if isinstance(error, ResultMissing):
        return "missing"
    if isinstance(error, ResultUntrusted):
        return "untrusted"
    return "corrupt" if isinstance(error, ResultCorrupt) else "unreadable"  # here, or now


def _quick(records: Iterable[ResultRecord]) -> Iterator[Verdict]:
    with closing(_Listings()) as listings:
        for record in records:
            yield listings.judged(record)


class _Listings:
    """What the storages hold, each listed once."""

    def __init__(self) -> None:
        self._keys = TemporaryKeys()
        self._storages: dict[str, tuple[int, Micros] | Verdict] = {}  # by id: its number, and when it was listed

    def close(self) -> None:
        self._keys.close()

    def judged(self, record: ResultRecord) -> Verdict:
        listed = self._listed(record)
        if isinstance(listed, Verdict):  # its storage cannot be had, so none of its results can
            return listed._replace(record=record)
        storage, began = listed
        key = record.storage_key or ""
        found = self._keys.find(key, storage)
        if found is None:
            return self._again(record, storage) if record.created >= began else _absent(record)
        size = found.size
        if size is None or record.size in (None, size) or self._has_payload(storage, key, record.size - size):
            return Verdict(record, "ok")
        return self._again(record, storage)

    def _listed(self, record: ResultRecord) -> tuple[int, Micros] | Verdict:
        id = record.storage_id or ""
        known = self._storages.get(id)
        if known is None:
            began = system_clock()
            try:
                known = self._list(PersistedResult.find_storage(id)), began
            except (ResultError, StorageError, BlockError) as error:
                known = Verdict(record, _finding(error), str(error))
            self._storages[id] = known
        return known

    def _list(self, storage: "Storage") -> int:
        number = len(self._storages)
        self._keys.add(((entry.key, entry.size) for entry in storage.entries()), number)
        return number

    def _has_payload(self, storage: int, key: str, size: int) -> bool:
        # Payloads are named after their document: KEY, a dot, and more; "/" is what follows the dot in order.
        return self._keys.has_between(f"{key}.", f"{key}/", size, storage)

    def _again(self, record: ResultRecord, storage: int) -> Verdict:
        """Of what is too young for the listing, or differs from it: read the document, and look for its payload."""
        verdict = _judged(record, payload=False)
        if verdict.finding != "ok":
            return verdict
        result = result_from_record(record)
        assert isinstance(result, PersistedResult)
        try:
            layout = result.read().payload
        except (ResultError, StorageError) as error:
            return Verdict(record, _finding(error), str(error))
        if layout is None:
            return verdict
        found = self._keys.find(layout.key, storage)
        if found is not None and found.size in (None, layout.size):
            return verdict
        return _judged(record)  # reads what is there of the payload, and says what is wrong with it


def _absent(record: ResultRecord) -> Verdict:
    result = result_from_record(record)
    assert isinstance(result, PersistedResult)
    return Verdict(
        record,
        "missing",
        f"There is no result document at {result.location}. It was deleted, or the storage has moved: run the task"
        " again, or restore the file.",
    )
