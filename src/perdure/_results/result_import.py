"""Taking documents that the database does not know into it, where they lie: those of Prefect 2, or of another home."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from perdure._model.errors import ObjectMissing, OrchestratorError, ResultCorrupt, StorageKeyError
from perdure._model.records import FlowRunRecord, Record, ResultRecord, StateRecord, TaskRunRecord
from perdure._model.state_types import StateType
from perdure._platform.clock import Micros, system_clock
from perdure._platform.ids import new_id
from perdure._platform.named import NamedTuple
from perdure._results.document import PersistedResultBlob, digest_of
from perdure._results.lookup import Known, known_runs
from perdure._results.payload_writer import payload_owner
from perdure._results.storage_by_name import storage_at
from perdure._results.store import Storages
from perdure._rooms.results.records import ResultFilter
from perdure._store.sql.temporary_keys import TemporaryKeys

if TYPE_CHECKING:  # it imports pydantic, which a process that persists nothing does not need
    from perdure._storages.storage import Entry, Storage

_BATCH = 1_000  # documents that are committed together
_PAGE = 2_000  # records asked for at once
_READERS = 8  # threads: reading an object store is waiting, and eight documents at once fit into memory
_EXAMPLES = 10
_LARGE = 1024 * 1024  # bytes: a larger file is looked at before it is read
_BEGINNING = b'{"serializer"'  # of every document that Prefect 2 or Perdure wrote
_TASK_KEY = "perdure.results.importing.imported"  # in every database that results were imported into
_MOST_MS = (1 << 48) - 1  # what an id has room for

_NAMED = re.compile(rb'\s*\{\s*"__(?:class|exc_type)__"\s*:\s*"([\w.]+)"')
_NUMBERS = tuple(bytes([each]) for each in b"-0123456789IN")  # Infinity and NaN, too
_JSON_TYPES = {b"{": "dict", b"[": "list", b'"': "str", b"t": "bool", b"f": "bool", b"n": "NoneType"}


class ImportSummary(NamedTuple):
    """What an import found in a storage."""

    place: str  # the storage, for people
    flow_run_id: str | None  # the run that has the results; None if there is nothing new, or for a dry run
    imported: int  # results; in a dry run, those that would be
    size: int  # bytes of their documents and payloads
    known: int  # documents that the database had already
    others: int  # files that are no result documents
    examples: tuple[str, ...]  # the keys of the first of these


class _Found(NamedTuple):
    """What a document says of its result."""

    type: str
    serializer: str
    size: int
    digest: str


def import_results(
    storage: "Storage | Path | str", *, flow: str = "prefect-import", dry_run: bool = False
) -> ImportSummary:
    """Take all result documents in a storage into the database, as the results of one run of a flow named `flow`.

    `storage` is a storage, a directory, an address such as `s3://bucket/prefix`, or the slug of a saved storage.
    Nothing is copied, rewritten or unpickled. Each document becomes a task run, named by its key, that completed
    when the document was written. Documents that the database knows already are passed over, so that importing
    again adds only what is new. With `dry_run`, nothing is kept.

    Raises:
        BlockError: there is no such storage.
        StorageError: the storage refuses; what was imported until then is kept.
    """
    place = storage_at(storage) if isinstance(storage, str | Path) else storage
    known = known_runs()
    report, commit = (_keep_nothing, _keep_nothing) if dry_run else (known.report, known.commit)
    storage_id = Storages(lambda record: report((record,)), known.block).id_of(place)
    run = _Import(place, storage_id, flow, commit)
    with closing(_Keys(known, storage_id)) as keys:
        run.take(keys.unknown(place.entries()))
    run_id = run.id if run.imported and not dry_run else None
    return ImportSummary(run.name, run_id, run.imported, run.size, keys.known, run.others, tuple(run.examples))


def _keep_nothing(records: Iterable[Record]) -> None: ...


class _Keys:
    """The keys of a storage that the database has results of."""

    def __init__(self, known: Known, storage_id: str) -> None:
        self.known = 0
        self._keys = TemporaryKeys()
        try:
            self._fill(known, storage_id)
        except BaseException:
            self.close()
            raise

    def _fill(self, known: Known, storage_id: str) -> None:
        page = ResultFilter(kinds=("persisted",), storage_ids=(storage_id,), removed=False, limit=_PAGE)
        while records := known.results(page):
            self._keys.add((each.storage_key or "", None) for each in records)
            page = page._replace(older_than=records[-1].run_id)

    def unknown(self, entries: "Iterable[Entry]") -> "Iterator[Entry]":
        """The entries that may be documents, and that the database has no result of."""
        for entry in entries:
            if self._keys.find(entry.key) is not None:
                self.known += 1
            elif payload_owner(entry.key) is None:
                yield entry

    def close(self) -> None:
        self._keys.close()


class _Import:
    """The flow run that an import becomes, and what it has found so far."""

    def __init__(self, storage: "Storage", storage_id: str, flow: str, commit: Callable[[list[Record]], None]) -> None:
        self._storage = storage
        self._storage_id = storage_id
        self._flow = flow
        self._commit = commit
        self.id = new_id()
        self.name = storage.describe("key").removesuffix("key").rstrip("/")
        self.imported = self.size = self.others = 0
        self.examples: list[str] = []
        self._has_begun = False  # a flow run is there: only an import that finds something has one

    def take(self, entries: "Iterator[Entry]") -> None:
        """Read the documents and commit what is found, in batches."""
        try:
            self._take(entries)
        except BaseException as error:
            with suppress(OrchestratorError):
                self._end(StateType.FAILED, f"The import was ended by an exception {type(error).__name__}: {error}")
            raise
        self._end(StateType.COMPLETED, f"Imported {self.imported:,} results from {self.name}.")

    def _take(self, entries: "Iterator[Entry]") -> None:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(_READERS, "perdure-import") as readers:
            while batch := list(islice(entries, _BATCH)):
                found = zip(batch, readers.map(self._read, batch), strict=True)
                records = [record for entry, each in found for record in self._records(entry, each)]
                if records:
                    self._commit(records if self._has_begun else [*self._beginning(), *records])
                    self._has_begun = True

    def _end(self, type: StateType, message: str) -> None:
        if self._has_begun:
            self._commit([StateRecord(self.id, False, type, type.capitalize(), message, system_clock())])

    def _read(self, entry: "Entry") -> _Found | None:
        """What a document says; None for a file that is none."""
        storage, key = self._storage, entry.key
        try:
            is_large = entry.size is not None and entry.size > _LARGE
            if is_large and storage.read_range(key, 0, len(_BEGINNING)) != _BEGINNING:
                return None
            document = storage.read(key)
            blob = PersistedResultBlob.from_bytes(document, lambda: key)
        except (ResultCorrupt, ObjectMissing, StorageKeyError):
            return None
        size = len(document) + (0 if blob.payload is None else blob.payload.size)
        return _Found(_type_of(blob), json.dumps(blob.serializer), size, blob.digest or digest_of(blob.data))

    def _records(self, entry: "Entry", found: _Found | None) -> list[Record]:
        if found is None:
            self.others += 1
            if len(self.examples) < _EXAMPLES:
                self.examples.append(entry.key.encode(errors="backslashreplace").decode())
            return []
        self.imported += 1
        self.size += found.size
        written = system_clock() if entry.modified is None else entry.modified
        id = _id_of(self._storage_id, entry.key, written)
        return [
            TaskRunRecord(id, entry.key, "imported", _TASK_KEY, self.id, None, "[]", written),
            StateRecord(id, True, StateType.COMPLETED, "Completed", None, written),
            ResultRecord(
                *(id, True, "persisted", found.type, False, written),
                storage_id=self._storage_id,
                storage_key=entry.key,
                serializer=found.serializer,
                size=found.size,
                digest=found.digest,
            ),
        ]

    def _beginning(self) -> list[Record]:
        now = system_clock()
        parameters = json.dumps({"storage": self.name})
        return [
            FlowRunRecord(self.id, f"import-{self.id[:18]}", self._flow, None, None, None, "[]", parameters, now),
            StateRecord(self.id, False, StateType.RUNNING, "Running", None, now),
        ]


def _id_of(storage_id: str, key: str, written: Micros) -> str:
    """The run id of a document: it sorts by the document's age, and two imports at once give the same."""
    digest = int.from_bytes(hashlib.sha256(f"{storage_id}/{key}".encode()).digest()[:16], "big")
    ms = min(max(written // 1_000, 0), _MOST_MS)
    return str(UUID(int=(ms << 80) | (7 << 76) | (0b10 << 62) | (digest & ((0xFFF << 64) | ((1 << 62) - 1)))))


def _type_of(blob: PersistedResultBlob) -> str:
    """The value's type, as far as it shows without loading the value."""
    if blob.type is not None:
        return blob.type
    data = blob.data
    if blob.serializer.get("type") != "json":
        return "unknown"
    if named := _NAMED.match(data):
        return named[1].decode()
    if data.startswith(_NUMBERS):
        return "builtins.int" if data.lstrip(b"-").isdigit() else "builtins.float"
    plain = _JSON_TYPES.get(data[:1])
    return "unknown" if plain is None else f"builtins.{plain}"
