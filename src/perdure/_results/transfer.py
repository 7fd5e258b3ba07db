"""Copying results to other storages: byte for byte, piece by piece, checked on the way."""

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from perdure._model.errors import ObjectMissing, ResultError, ResultInUse, ResultMissing, ResultUntrusted, StorageError
from perdure._model.records import ResultRecord
from perdure._platform.named import NamedTuple
from perdure._results import signing
from perdure._results.document import PersistedResultBlob, sealed
from perdure._results.keys import is_own_key
from perdure._results.lookup import known_runs, persisted_record
from perdure._results.payload_reader import StoredPayload
from perdure._results.payload_writer import Layout, payload_ending, payload_key
from perdure._results.removal import delete_objects, sharing
from perdure._results.shared_keys import check_own
from perdure._results.storage_by_name import storage_at
from perdure._results.store import Storages, result_from_record
from perdure._results.types import PersistedResult

if TYPE_CHECKING:  # it imports pydantic, which a process that persists nothing does not need
    from perdure._storages.storage import Storage


class Transfer(NamedTuple):
    """A result's old and new place, for people, and what was written."""

    result: PersistedResult[Any]  # in its new place
    origin: str
    target: str
    size: int  # bytes
    is_moved: bool  # nothing is left in the old place
    shared_with: tuple[str, ...]  # runs that still refer to the old place


class Original(NamedTuple):
    """A result where it is, and what was read of it."""

    record: ResultRecord
    storage: "Storage"
    key: str
    document: bytes
    blob: PersistedResultBlob

    def where(self) -> str:
        return self.storage.describe(self.key)


def copy_result(run_id: str | UUID, to: "Storage | str | Path", key: str | None = None, move: bool = False) -> Transfer:
    """Copy a run's persisted result to another storage, under its present key or another; the run then refers there.

    `to` is a storage, a saved one's slug, a directory or an address. All bytes are checked while they are copied, and
    at most a few chunks (8 MiB) of them are in memory. Under the same key the copy is the same, byte for byte, its
    signature included. With `move`, the old place is cleared once the new one is committed, unless other runs'
    results are the same document.

    Raises:
        RunMissing, ResultNotKept: there is no such run, or its result lies in no storage.
        ResultError: the result is not there, not whole, or not trusted: nothing is kept of the copy then.
        ResultInUse: something else is kept under the key in the new place.
        StorageError: a storage refuses.
    """
    original = original_of(persisted_record(run_id))
    target = storage_at(to) if isinstance(to, str | Path) else to
    place = original.key if key is None else key
    known = known_runs()
    storage_id = Storages(lambda record: known.report((record,)), known.block).id_of(target)
    target = target.settled()
    if (storage_id, place) == (original.record.storage_id, original.key):
        raise ResultInUse(f"The result is at {original.where()} already. Give another storage, or another key.")
    document, layout = _readdressed(original, place)
    _write(original, target, place, document, layout)
    size = len(document) + (0 if layout is None else layout.size)
    moved = original.record._replace(storage_id=storage_id, storage_key=place, size=size, value=None)
    known.commit((moved,))
    others = [id for ids in sharing(known, [original.record]).values() for id in ids] if move else []
    if move and not others:
        delete_objects(original.storage, original.key)
    result = result_from_record(moved)
    assert isinstance(result, PersistedResult)
    return Transfer(result, original.where(), target.describe(place), size, move and not others, tuple(others))


def original_of(record: ResultRecord, may_be_unsigned: bool = False) -> Original:
    """What lies where a record says. Where it `may_be_unsigned`, all of it is compared with its digests instead.

    Raises:
        ResultError: it is not there, not whole, not trusted, or another run's.
        StorageError: the storage refuses.
    """
    storage, key = PersistedResult.find_storage(record.storage_id or ""), record.storage_key or ""
    try:
        document = storage.read(key)
    except ObjectMissing:
        raise ResultMissing(
            f"There is no result document at {storage.describe(key)}. Run the task again, or restore the file."
        ) from None
    is_unsigned = may_be_unsigned and signing.key_id_of(document) is None
    blob = PersistedResultBlob.from_bytes(document, lambda: storage.describe(key), None if is_unsigned else key)
    if is_unsigned:
        blob.verify(lambda: storage.describe(key), storage)
    if record.digest not in (None, blob.digest) and is_own_key(key):
        result = result_from_record(record)
        assert isinstance(result, PersistedResult)
        result.read()  # says what is wrong
    check_own(record, blob, lambda: storage.describe(key))
    return Original(record, storage, key, document, blob)


def _readdressed(original: Original, key: str) -> tuple[bytes, Layout | None]:
    """The document for a key, and its payload's layout: as they are, unless the key is another one."""
    layout, document = original.blob.payload, original.document
    if key == original.key:
        return document, layout
    fields = json.loads(document)
    if fields.pop("signature", None) is not None and signing.ring() is None:
        raise ResultUntrusted(
            f"{original.where()} is signed, which holds for its key {original.key!r} only. Keep the key; or set "
            "PERDURE_RESULTS_SIGNING_KEYS, and the copy is signed again."
        )
    if layout is not None:
        layout = replace(layout, key=payload_key(key, payload_ending(layout.key)), fingerprint=None)
        fields["payload"] = layout.describe()
    elif signing.ring() is None:
        return document, None
    fields.pop("checksum", None)
    return sealed(json.dumps(fields).encode()[:-1], key), layout


def _write(original: Original, target: "Storage", key: str, document: bytes, layout: Layout | None) -> None:
    """Write payload and document, and have them reach the disk; after an error, nothing new is left."""
    is_there = _is_there(target, key, document)
    keys = (key,) if layout is None else (layout.key, key)
    written = layout is not None and _copy_payload(original, target, layout)
    try:
        if not is_there:
            target.write(key, document)
        target.sync(keys)
    except BaseException:
        if layout is not None and written and not is_there:
            with suppress(StorageError):
                target.delete(layout.key)
        raise


def _is_there(target: "Storage", key: str, document: bytes) -> bool:
    """Whether the target holds the document already, from an earlier copy."""
    try:
        found = target.read(key)
    except ObjectMissing:
        return False
    if found != document:
        raise ResultInUse(
            f"{target.describe(key)} holds something else, which a copy would replace. Choose another key with --key,"
            " or key= in Python."
        )
    return True


def _copy_payload(original: Original, target: "Storage", layout: Layout) -> bool:
    """Copy it chunk by chunk, unless an earlier copy is there and whole; whether anything was written."""
    if target.exists(layout.key):
        with suppress(ResultError):
            StoredPayload(target, layout, lambda: target.describe(layout.key), distrusted=True).verify()
            return False
        target.delete(layout.key)
    assert original.blob.payload is not None
    source = StoredPayload(original.storage, original.blob.payload, original.where, distrusted=True)
    with target.open_writer(layout.key) as writer:
        for start in range(0, layout.size, layout.chunk):
            writer.write(source.read(start, layout.chunk))
    return True
