"""Writing results: the value's document first, so that a reference never points at something unwritten."""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from perdure._model.errors import BlockError, ResultCorrupt, ResultError, ResultMissing, ResultUnreadable, StorageError
from perdure._model.records import BlockRecord, ResultRecord
from perdure._platform.lazy_import import LazyModule
from perdure._platform.named import NamedTuple
from perdure._results.document import PersistedResultBlob, digest_of, encode, read_document
from perdure._results.inline import Inline, held_by
from perdure._results.keys import new_key
from perdure._results.payload_reader import StoredPayload
from perdure._results.payload_writer import HeldPayload, Layout, PayloadWriter, dumped, payload_key, payload_owner
from perdure._results.type_names import type_name
from perdure._results.types import BaseResult, LiteralResult, PersistedResult, UnpersistedResult, literal_from_json
from perdure._settings import settings

if TYPE_CHECKING:
    from perdure._previews import preview as previews
else:  # few programs need it; the others start faster
    previews = LazyModule("perdure._previews.preview")

if TYPE_CHECKING:  # these import pydantic, which a process that persists nothing does not need
    from perdure._serializers.base import Serializer
    from perdure._storages.storage import Storage


class Storages:
    """The storages that this process has met, by the ids under which the orchestrator knows them."""

    def __init__(
        self,
        report: Callable[[BlockRecord], None],
        read: Callable[[str], BlockRecord | None],
        is_known: Callable[[str], bool] | None = None,
    ) -> None:
        self._report = report
        self._read = read
        self._is_known = is_known or (lambda block_id: read(block_id) is not None)
        self._by_id: dict[str, Storage] = {}
        self._ids: dict[int, tuple[Storage, str]] = {}  # by object identity; the storage is kept, so ids stay its own
        self._lock = threading.Lock()

    def id_of(self, storage: "Storage") -> str:
        """The id of a storage's block; its record is reported the first time."""
        known = self._ids.get(id(storage))
        if known is not None:
            return known[1]
        with self._lock:
            settled = storage.settled()
            record = settled.record()
            if record.id not in self._by_id:
                if not self._is_known(record.id):
                    # Without a name: the name of a saved block may have moved on to another one since it was loaded.
                    self._report(record._replace(name=None))
                _approve(settled)
            self._by_id.setdefault(record.id, settled)
            if len(self._ids) > 1_000:  # storages made in a loop must not pile up
                self._ids.clear()
            self._ids[id(storage)] = storage, record.id
        return record.id

    def get(self, id: str) -> "Storage":
        """The storage with an id.

        Raises:
            ResultMissing: the orchestrator knows no such storage.
            ResultUnreadable: this process cannot build it.
        """
        storage = self._by_id.get(id)
        if storage is None:
            record = self._read(id)
            if record is None:
                raise ResultMissing(
                    f"The result is in a storage with the id {id}, which is not in this database. Use the "
                    "PERDURE_HOME with which it was written."
                )
            from perdure._blocks.block import from_record
            from perdure._results import database_storage  # noqa: F401 - its type of block is known then
            from perdure._storages import local  # noqa: F401 - the same
            from perdure._storages.allowed_storages import indirect_refusal
            from perdure._storages.storage import Storage

            try:
                block = from_record(record)
            except BlockError as error:
                raise ResultUnreadable(f"The result's storage cannot be used here. {error}") from None
            if not isinstance(block, Storage):
                raise ResultUnreadable(
                    f"The result's storage {id} is a {record.type!r} here, which is no storage."
                    " Import the module that defines it."
                )
            why = indirect_refusal(block)
            if why is not None:
                raise ResultUnreadable(why)
            storage = self._by_id.setdefault(id, block)
        return storage


def _approve(storage: "Storage") -> None:
    """Later processes of this home may follow records to a storage that its user's code has used."""
    from perdure._blocks.approved import approve
    from perdure._storages.allowed_storages import is_local

    if not is_local(storage):
        with suppress(OSError):  # a home that cannot be written to: then settings have to allow it
            approve(storage)


Secure = Callable[["Storage", tuple[str, ...]], None]  # makes what was written under the keys survive a loss of power


def leave(_: "Storage", __: tuple[str, ...]) -> None:
    """Leave it to the operating system when what was written reaches the disk."""


FindStorage = Callable[[str], "Storage"]  # by the id of its block
KeyOfDigest = Callable[[str], str]  # from the digest of a value's bytes, hexadecimal, to its storage key


def write_result(
    value: object,
    key: str | KeyOfDigest | None,
    storage: "Storage",
    serializer: "Serializer",
    storage_id: str,
    keep: bool,
    secure: Secure = leave,
    inline: Inline | None = None,
) -> PersistedResult[object]:
    """Serialize a value and write its document under a key, or under a new one; what is returned refers to it.

    A large value's payload is written before its document. Where the key is made from the digest, what is there
    already is not written again. `secure` gets all that was written. A document that is small enough to be `inline` is
    not written, and is in the result instead.

    Raises:
        SerializationError: the value cannot be converted to bytes.
        StorageError: the storage refused; nothing is left of the new result then.
    """
    writing = _Writing(storage, serializer, type_name(value), description_of(serializer), secure)
    document = None
    if callable(key):
        place, size, digest = writing.once(value, key)
    else:
        place = new_key() if key is None else key
        with PayloadWriter(storage, lambda: payload_key(place, serializer.ending)) as payload:
            data = dumped(serializer, value, payload, place)
            layout = payload.finish() if data is None else None
        if inline is not None and data is not None:
            document = inline.document(writing.description, data, writing.type)
        if inline is not None and document is not None:
            place, size, digest = inline.key, len(document), digest_of(data or b"")
            storage, storage_id = inline.storage, inline.storage_id
        else:
            size, digest = writing.document(
                place, data or b"", layout, is_new=key is None, is_written=layout is not None
            )
    result: PersistedResult[Any] = PersistedResult(
        storage_id=storage_id,
        storage_key=place,
        serializer=writing.description,
        python_type=writing.type,
        size=size,
        digest=digest,
        storage=storage,
        keep=keep,
        preview=_preview_of(value, serializer),
        document=document,
    )
    result.remember(value)
    return result


PersistedResult.write = staticmethod(write_result)


def replace_document(
    storage: "Storage",
    key: str,
    written: tuple[bytes, Layout | None],
    serializer: "Serializer",
    description: str,
    type: str | None,
) -> tuple[int, str]:
    """Put a value that was written anew, as data or a payload, in place of its document; its whole size and digest.

    All of it has reached the disk when this returns. After an error, what was there is there.
    """
    data, layout = written
    writing = _Writing(storage, serializer, type or "", description, lambda at, keys: at.sync(keys))
    return writing.document(key, data, layout, is_new=False, is_written=layout is not None)


class _Writing(NamedTuple):
    """What all steps of writing one result need."""

    storage: "Storage"
    serializer: "Serializer"
    type: str
    description: str  # the serializer's, as JSON
    secure: Secure

    def document(
        self, key: str, data: bytes, layout: Layout | None, *, is_new: bool, is_written: bool
    ) -> tuple[int, str]:
        """Write the document; its size with its payload's, in bytes, and the digest.

        After an error, the document is not there if its key `is_new`, nor the payload if it `is_written` just now.
        """
        digest = digest_of(data) if layout is None else layout.digest()
        document = encode(self.description, data, digest, self.type, layout, key)
        try:
            if layout is not None and is_written:
                self.secure(self.storage, (layout.key,))
            if is_new:
                self.storage.create(key, document)
            else:
                self._put_in_place(key, document, layout)
            self.secure(self.storage, (key,))
        except BaseException:
            with suppress(Exception):  # the storage's error is the one to be seen, whatever else it does not do now
                if is_new:
                    self.storage.delete(key)
                # Of a document that was replaced before the error, the payload is in use.
                if layout is not None and is_written and _layout_at(self.storage, key) != layout:
                    self.storage.delete(layout.key)
            raise
        return len(document) + (0 if layout is None else layout.size), digest

    def _put_in_place(self, key: str, document: bytes, layout: Layout | None) -> None:
        """Write a document in place of another one, and delete that one's payload."""
        before = _layout_at(self.storage, key)
        if self.secure is not leave and self.storage.exists(key):
            if layout is not None:
                self.storage.sync((layout.key,))
            self.storage.replace(key, document)  # or a loss of power could take both
        else:
            self.storage.write(key, document)
        if before is None or payload_owner(before.key) != key:
            return
        if layout is None or before.digest() != layout.digest():  # else others may just be writing it again, too
            with suppress(StorageError):  # `prune` finds what is left behind
                self.storage.sync((key,))  # until then, a loss of power could bring back the document that needs it
                self.storage.delete(before.key)

    def once(self, value: object, key_of: KeyOfDigest) -> tuple[str, int, str]:
        """Write the value unless it is there; its key, size and digest."""
        held = HeldPayload()
        data = dumped(self.serializer, value, held, key_of("0" * 64))  # whose ending it has, whatever the digest
        digest = digest_of(data) if data is not None else held.layout.digest()
        key = key_of(digest.partition(":")[2])
        there = _document_at(self.storage, key)
        if there is not None and there.digest == digest and json.dumps(there.serializer) == self.description:
            layout = there.payload
            if layout is None or StoredPayload(self.storage, layout, lambda: key).is_whole():
                # Written once more, it is young again: who removes old results leaves it for who is using it now.
                return key, *self.document(key, there.data, layout, is_new=False, is_written=False)
        layout = held.write_to(self.storage, payload_key(key, self.serializer.ending)) if data is None else None
        return key, *self.document(key, data or b"", layout, is_new=False, is_written=True)


def _document_at(storage: "Storage", key: str) -> PersistedResultBlob | None:
    """The document that is to be replaced; None if there is none, or none that can be read."""
    try:
        return read_document(storage, key)
    except ResultError:
        return None


def _layout_at(storage: "Storage", key: str) -> Layout | None:
    document = _document_at(storage, key)
    return None if document is None else document.payload


def _preview_of(value: object, serializer: "Serializer") -> str | None:
    if serializer.hides or not settings.current().results_previews:
        return None
    return previews.preview_of(value)


_descriptions: "dict[int, tuple[Serializer, str]]" = {}


def description_of(serializer: "Serializer") -> str:
    """A serializer's full description as JSON, made once for each instance."""
    known = _descriptions.get(id(serializer))
    if known is None or known[0] is not serializer:
        if len(_descriptions) > 1_000:  # serializers made in a loop must not pile up
            _descriptions.clear()
        known = _descriptions[id(serializer)] = serializer, json.dumps(serializer.describe())
    return known[1]


def result_record(
    run_id: str, of_task: bool, result: BaseResult[Any], created: int, is_exception: bool = False, **fields: Any
) -> ResultRecord:
    """What the orchestrator keeps of a run's result.

    `fields` are expires, cache_key, retention and preview; without one, the preview that was made when the result was
    written is handed over.
    """
    if isinstance(result, PersistedResult):
        fields.setdefault("preview", result.take_preview())
        record = ResultRecord(
            run_id,
            of_task,
            "persisted",
            result.python_type or "unknown",
            is_exception,
            created,
            None if result.document is None else result.document.decode(),
            result.storage_id,
            result.storage_key,
            result.serializer,
            result.size,
            result.digest,
            **fields,
        )
        return record if result.document is None else held_by(record, run_id)
    if isinstance(result, LiteralResult):
        value = json.dumps(result.describe()["value"])
        return ResultRecord(run_id, of_task, "literal", result.python_type, is_exception, created, value, **fields)
    assert isinstance(result, UnpersistedResult)
    return ResultRecord(run_id, of_task, "unpersisted", result.python_type, is_exception, created, **fields)


_STEP = ResultRecord._fields.index("step")
_BEFORE_STEP = (None,) * (_STEP - ResultRecord._fields.index("value"))
_AFTER_STEP = (None,) * (len(ResultRecord._fields) - _STEP - 1)


def record_of_unpersisted(
    run_id: str, of_task: bool, python_type: str, is_exception: bool, created: int, step: str | None
) -> ResultRecord:
    """The record of a value that is kept in memory only: of most task runs, so without the detour of names."""
    fields = (run_id, of_task, "unpersisted", python_type, is_exception, created, *_BEFORE_STEP, step, *_AFTER_STEP)
    return tuple.__new__(ResultRecord, fields)


def result_from_record(
    record: ResultRecord, *, keep: bool = True, storages: FindStorage | None = None
) -> BaseResult[object]:
    """The handle on a result that the orchestrator knows; its storage is found by `storages`, where that is given.

    Raises:
        ResultError: the storage that was looked for cannot be had.
    """
    if record.kind == "literal":
        return literal_from_json(record.value or "null")
    if record.kind == "unpersisted":
        return UnpersistedResult(python_type=record.type)
    if record.kind != "persisted" or record.storage_id is None or record.storage_key is None:
        raise ResultCorrupt(
            f"The database has a result of the kind {record.kind!r} for run {record.run_id}, which is none or lacks its"
            " storage. Run it again, or restore the database from a backup."
        )
    return PersistedResult(
        storage_id=record.storage_id,
        storage_key=record.storage_key,
        serializer=record.serializer or "{}",
        python_type=record.type,
        size=record.size,
        digest=record.digest,
        expires=record.expires,
        keep=keep,
        storage=None if storages is None else storages(record.storage_id),
        document=None if record.value is None else record.value.encode(),
        run_id=record.run_id,
    )
