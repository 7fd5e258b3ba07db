"""Writing results: the value's document first, so that a reference never points at something unwritten."""

import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from perdure.core.errors import BlockError, ResultCorrupt, ResultMissing, ResultUnreadable
from perdure.core.records import BlockRecord, ResultRecord
from perdure.results.document import digest_of, encode
from perdure.results.keys import new_key
from perdure.results.types import (
    BaseResult,
    LiteralResult,
    PersistedResult,
    UnpersistedResult,
    literal_from_json,
    type_name,
)

if TYPE_CHECKING:  # these import pydantic, which a process that persists nothing does not need
    from perdure.filesystems import Storage
    from perdure.serializers import Serializer


class Storages:
    """The storages that this process has met, by the ids under which the orchestrator knows them."""

    def __init__(self, report: Callable[[BlockRecord], None], read: Callable[[str], BlockRecord | None]) -> None:
        self._report = report
        self._read = read
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
            if record.id not in self._by_id and self._read(record.id) is None:
                # Without a name: the name of a saved block may have moved on to another one since it was loaded.
                self._report(record._replace(name=None))
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
                    f"The result lies in a storage with the id {id}, which this database does not know."
                    " Use the PERDURE_HOME with which it was written."
                )
            from perdure import blocks, filesystems

            try:
                block = blocks.from_record(record)
            except BlockError as error:
                raise ResultUnreadable(f"The result's storage cannot be used here. {error}") from None
            if not isinstance(block, filesystems.Storage):
                raise ResultUnreadable(
                    f"The result's storage {id} is a {record.type!r} here, which is no storage."
                    " Import the module that defines it."
                )
            storage = self._by_id.setdefault(id, block)
        return storage


def write_result(
    value: Any, key: str | None, storage: "Storage", serializer: "Serializer", storage_id: str, keep: bool
) -> PersistedResult[Any]:
    """Serialize a value and write its document under a key, or under a new one; what is returned refers to it.

    Raises:
        SerializationError: the value cannot be converted to bytes.
        StorageError: the storage refused.
    """
    data = serializer.dumps(value)
    digest = digest_of(data)
    python_type = type_name(value)
    description = description_of(serializer)
    document = encode(description, data, digest, python_type)
    if key is None:
        key = new_key()
        storage.create(key, document)
    else:
        storage.write(key, document)
    result: PersistedResult[Any] = PersistedResult(
        storage_id=storage_id,
        storage_key=key,
        serializer=description,
        python_type=python_type,
        size=len(document),
        digest=digest,
        storage=storage,
        keep=keep,
    )
    result.remember(value)
    return result


_descriptions: "dict[int, tuple[Serializer, str]]" = {}


def description_of(serializer: "Serializer") -> str:
    """A serializer's full description as JSON, made once for each instance."""
    known = _descriptions.get(id(serializer))
    if known is None or known[0] is not serializer:
        if len(_descriptions) > 1_000:  # serializers made in a loop must not pile up
            _descriptions.clear()
        known = _descriptions[id(serializer)] = serializer, json.dumps(serializer.describe())
    return known[1]


def result_record(run_id: str, of_task: bool, result: BaseResult[Any], created: int, **fields: Any) -> ResultRecord:
    """What the orchestrator keeps of a run's result. `fields` are is_exception, expires and cache_key."""
    failed = fields.pop("is_exception", False)
    if isinstance(result, PersistedResult):
        return ResultRecord(
            run_id,
            of_task,
            "persisted",
            result.python_type or "unknown",
            failed,
            created,
            storage_id=result.storage_id,
            storage_key=result.storage_key,
            serializer=result.serializer,
            size=result.size,
            digest=result.digest,
            **fields,
        )
    if isinstance(result, LiteralResult):
        value = json.dumps(result.describe()["value"])
        return ResultRecord(run_id, of_task, "literal", result.python_type, failed, created, value, **fields)
    assert isinstance(result, UnpersistedResult)
    return ResultRecord(run_id, of_task, "unpersisted", result.python_type, failed, created, **fields)


def result_from_record(record: ResultRecord, *, keep: bool = True) -> BaseResult[Any]:
    """The handle on a result that the orchestrator knows."""
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
    )
