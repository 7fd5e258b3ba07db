"""Removing results: first the database says that they go, then they go, then it says that they are gone."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from perdure._model.errors import ResultCorrupt, ResultError, ResultInUse, ResultUntrusted
from perdure._model.records import RemovalRecord, ResultRecord
from perdure._model.state_types import ABANDONED, FINAL, StateType
from perdure._platform.clock import system_clock
from perdure._platform.named import NamedTuple
from perdure._results.confirmation import foreign
from perdure._results.document import read_document
from perdure._results.keys import is_own_key
from perdure._results.lookup import Known, find_run, known_runs, persisted_record
from perdure._results.payload_writer import payload_owner
from perdure._results.types import PersistedResult
from perdure._rooms.results.records import ResultFilter
from perdure._rooms.runs.records import FlowRun, RunFilter

if TYPE_CHECKING:  # few programs need them; the others start faster
    from uuid import UUID

    from perdure._storages.storage import Storage

Place = tuple[str | None, str | None]  # a storage's id, and a key in it
_AT_ONCE = 500  # results that are removed in one go: each asks once which documents are others' too


class Removal(NamedTuple):
    """What became of a result that was removed."""

    record: ResultRecord
    freed: int  # bytes; 0 if the document stays
    shared_with: tuple[str, ...]  # runs that refer to the same document, so that it stays


def remove_result(run_id: "str | UUID", force: bool = False) -> Removal:
    """Remove a run's persisted result: its document and payload, unless other runs' results are the same document.

    `force` removes what is still needed, too. After an error, calling it again finishes what was begun.

    Raises:
        RunMissing, ResultNotKept: there is no such run, or its result lies in no storage.
        ResultMissing: it has been removed already.
        ResultInUse: something still needs it; says what.
        StorageError: the storage refuses.
    """
    record = persisted_record(run_id)
    needs = () if force else needs_of(record)
    if needs:
        raise ResultInUse(
            f"The result of the run {record.run_id} is still needed: {'; '.join(needs)}. To remove it all the same,"
            " use --force, or force=True in Python."
        )
    (removal,) = remove_records([record])
    return removal


def remove_records(records: Iterable[ResultRecord]) -> Iterator[Removal]:
    """Remove what these records are of, whatever needs it, some hundred at a time; each is given once it is gone.

    Raises:
        ResultError, StorageError: a storage cannot be had, or refuses; what was given before is gone.
    """
    known = known_runs()
    waiting = iter(records)
    gone: set[Place] = set()  # a document that several results are counts once
    while page := list(islice(waiting, _AT_ONCE)):
        storages = {id: PersistedResult.find_storage(id) for id in {record.storage_id or "" for record in page}}
        now = system_clock()
        known.commit([RemovalRecord(record.run_id, record.doomed or now, None) for record in page])
        others = sharing(known, page)
        for record in page:
            if _place(record) not in others:
                delete_objects(storages[record.storage_id or ""], record.storage_key or "")
            known.report((RemovalRecord(record.run_id, record.doomed or now, system_clock()),))
        known.commit(())
        for record in page:
            place = _place(record)
            stays = place in others or place in gone
            gone.add(place)
            yield Removal(record, 0 if stays else record.size or 0, tuple(others.get(place, ())))


def needs_of(record: ResultRecord) -> tuple[str, ...]:
    """What still needs a result, each in a few words: a live cache key, a run that is unfinished or can be resumed."""
    known = known_runs()
    needs = []
    now = system_clock()
    cached = None if record.cache_key is None else known.find_cached(record.cache_key, now)
    if cached is not None and _place(cached) == _place(record):
        needs.append(f"the cache key {record.cache_key!r} refers to it")
    root = _root(known, record.run_id)
    if root is not None and root.state_name == ABANDONED:
        return tuple(needs)
    if root is not None and root.state_type is StateType.CRASHED:
        needs.append(f"the flow run {root.name!r} has crashed and can be resumed")
    elif root is not None and root.state_type not in FINAL:
        needs.append(f"the flow run {root.name!r} has not ended")
    return tuple(needs)


def sharing(known: Known, records: Sequence[ResultRecord]) -> dict[Place, list[str]]:
    """By place, the other runs whose results are the very documents that these records are of, and stay."""
    storage_ids = {record.storage_id or "" for record in records}
    keys = {record.storage_key or "" for record in records}
    filter = ResultFilter(storage_ids=tuple(storage_ids), storage_keys=tuple(keys), doomed=False)
    own = {record.run_id for record in records}
    found: dict[Place, list[str]] = {}
    for each in known.results(filter):
        if each.run_id not in own:
            found.setdefault(_place(each), []).append(each.run_id)
    return found


def delete_objects(storage: "Storage", key: str) -> None:
    """Delete a document and its payload; the payload first, since only the document names it.

    Raises:
        ResultCorrupt: the key is not one that Perdure made, and no result document is there.
        StorageError: the storage refuses.
    """
    if not is_own_key(key) and (why := foreign(storage, key, None)) is not None:
        raise ResultCorrupt(f"{storage.describe(key)} is not deleted: {why}. If it is yours to delete, do it by hand.")
    for each in (*payloads_of(storage, key), key):
        storage.delete(each)


def payloads_of(storage: "Storage", key: str) -> list[str]:
    """The keys of what goes with the document under a key: its payload, or all that may be one.

    Raises:
        StorageError: the storage refuses.
    """
    try:
        layout = read_document(storage, key).payload
    except (ResultCorrupt, ResultUntrusted):  # what it says is not to be followed: a name tells as much
        return [each for each in storage.list(f"{key}.") if payload_owner(each) == key]
    except ResultError:
        return []
    return [] if layout is None or payload_owner(layout.key) != key else [layout.key]


def _place(record: ResultRecord) -> Place:
    return record.storage_id, record.storage_key


def _root(known: Known, run_id: str) -> FlowRun | None:
    """The flow run that a run is in, at whatever depth; None for a task run outside any flow."""
    run = find_run(known, run_id)
    above: str | None = run.id if isinstance(run, FlowRun) else run.flow_run_id
    root = None
    met: set[str] = set()
    while above is not None and above not in met:  # what others write may be its own parent
        met.add(above)
        found = next(iter(known.flow_runs(RunFilter(ids=(above,)))), None)
        if found is None:
            break
        root, above = found, found.parent_flow_run_id
    return root
