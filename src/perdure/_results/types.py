"""What a state carries: the three kinds of result."""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, cast

from perdure._model.awaited import perhaps_awaited
from perdure._model.colour import FetchPolicy, caller_is_async
from perdure._model.errors import ResultCorrupt, ResultError, ResultMissing, ResultNotKept
from perdure._model.exceptions import portable
from perdure._platform.lazy_import import LazyModule
from perdure._platform.threads import in_thread
from perdure._results.document import PersistedResultBlob, read_document
from perdure._results.keys import is_own_key
from perdure._results.quick_read import read_quickly
from perdure._results.shared_keys import Read, check_replaced
from perdure._results.sync_or_async import FetchableResult
from perdure._results.type_names import type_name

if TYPE_CHECKING:
    import uuid
else:  # few programs have values of it
    uuid = LazyModule("uuid")

R = TypeVar("R")
MISSING: Any = object()  # in the place of a value that is not in memory


class BaseResult(FetchableResult[R]):
    """A handle on a run's value: `get()` and `await aget()` give it."""

    __slots__ = ()
    type = "base"

    def get_own(self) -> R:
        """The value that this very run came to, even if another one's has replaced it since."""
        return self.load()  # type: ignore[no-any-return]

    @property
    def in_memory(self) -> R | None:
        """The value, if it is in memory."""
        return None

    def has_cached_object(self) -> bool:
        """Whether the value is in memory, and `get` need not fetch it."""
        return False

    @classmethod
    def parse_raw(cls, text: str | bytes) -> "BaseResult[Any]":
        """`result_from_json`: the handle, of whatever kind, that `json` described. Raises what that raises."""
        return result_from_json(text)

    def describe(self) -> dict[str, Any]:
        """The record of the result, without its value; JSON values only."""
        return {"type": self.type}

    def json(self) -> str:
        """The handle as JSON; `result_from_json` makes it a handle again, in any process."""
        return json.dumps(self.describe())

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.describe().items() if name != "type")
        return f"{type(self).__name__}({fields})"


class UnpersistedResult(BaseResult[R]):
    """A value that is kept in memory only, or was not kept at all."""

    __slots__ = ("_value", "python_type")
    type = "unpersisted"

    @property
    def artifact_description(self) -> str:
        return f"Unpersisted result of type `{self.python_type.rpartition('.')[2]}`"

    def __init__(self, value: R = MISSING, python_type: str | None = None) -> None:
        self._value = value
        self.python_type = python_type or type_name(value)

    def load(self) -> R:
        """The value.

        Raises:
            ResultNotKept: it was not kept.
        """
        if self._value is MISSING:
            raise ResultNotKept(
                f"The {self.python_type} that the run returned was not kept: its result is neither persisted nor"
                " cached in memory. Set persist_result=True or cache_result_in_memory=True on it."
            )
        return self._value

    @property
    def in_memory(self) -> R | None:
        return None if self._value is MISSING else self._value

    def has_cached_object(self) -> bool:
        return self._value is not MISSING

    @classmethod
    def create(cls, obj: R, cache_object: bool = True) -> Any:
        """The result of a value that is not persisted; in async code, a coroutine of it."""
        return perhaps_awaited(lambda: cls(obj) if cache_object else cls(python_type=type_name(obj)))

    def describe(self) -> dict[str, object]:
        return {"type": self.type, "python_type": self.python_type}

    def __reduce__(self) -> tuple[object, ...]:
        if self._value is MISSING:
            return _not_kept, (self.python_type,)
        return type(self), (portable(self._value), self.python_type)


def _not_kept(python_type: str) -> UnpersistedResult[object]:
    return UnpersistedResult(python_type=python_type)


class LiteralResult(BaseResult[R]):
    """A value so small that it is kept in the database: True, False, None, or a UUID."""

    __slots__ = ("value",)
    type = "literal"

    def __init__(self, value: R) -> None:
        self.value = value

    def load(self) -> R:
        return self.value

    def has_cached_object(self) -> bool:
        return True

    @classmethod
    def create(cls, obj: R) -> Any:
        """The result of True, False, None or a UUID; in async code, a coroutine of it.

        Raises:
            TypeError: it is none of these.
        """
        if literal_of(obj) is None:
            raise TypeError(f"{obj!r} is no literal: these are True, False, None and UUIDs.")
        return perhaps_awaited(cls, obj)

    @property
    def python_type(self) -> str:
        """The name of the value's type, with its module."""
        return type_name(self.value)

    def describe(self) -> dict[str, Any]:
        value = {"uuid": str(self.value)} if isinstance(self.value, uuid.UUID) else self.value
        return {"type": self.type, "value": value}


class PersistedResult(BaseResult[R]):
    """A reference to a document in a storage."""

    __slots__ = (
        "_cache",
        "_keep",
        "_preview",
        "_storage",
        "digest",
        "document",
        "expires",
        "python_type",
        "run_id",
        "serializer",
        "size",
        "storage_id",
        "storage_key",
    )
    type = "reference"

    # How a storage is had by the id of its block, and how a value is written: who is above sets them.
    find_storage: Callable[[str], Any]
    write: Callable[..., "PersistedResult[Any]"]

    @classmethod
    def create(
        cls,
        obj: R,
        storage_block: object,
        storage_block_id: "str | uuid.UUID",
        storage_key_fn: Callable[[], str],
        serializer: object,
        cache_object: bool = True,
    ) -> Any:
        """Write a value's document, and give the result; in async code, a coroutine of it.

        `storage_block` is the storage, and `storage_block_id` the id by which others find it.

        Raises:
            SerializationError: the value cannot be converted to bytes.
            StorageError: the storage refused.
        """

        def create() -> PersistedResult[R]:
            id, key = str(storage_block_id), storage_key_fn()
            return PersistedResult.write(obj, key, storage_block, serializer, id, cache_object)

        return perhaps_awaited(create)

    def __init__(
        self,
        *,
        storage_id: str,
        storage_key: str,
        serializer: str,
        python_type: str | None = None,
        size: int | None = None,
        digest: str | None = None,
        expires: int | None = None,
        storage: object = None,
        keep: bool = True,
        preview: str | None = None,
        document: bytes | None = None,
        run_id: str | None = None,
    ) -> None:
        self.run_id = run_id  # whose result it is, as far as that is known
        self.storage_id = storage_id
        self.storage_key = storage_key
        self.serializer = serializer  # the description, as JSON
        self.python_type = python_type
        self.size = size  # bytes that it takes in the storage
        self.digest = digest  # of the serialized data
        self.expires = expires  # microseconds since 1970
        self.document = document  # where the database has it itself, as it had it when it was asked
        self._storage = storage
        self._keep = keep
        self._preview = preview  # as JSON, until it is handed over to the orchestrator
        self._cache: Any = MISSING

    def get(self, *, columns: Sequence[str] | None = None, rows: slice | None = None) -> R:
        """The value, from storage the first time and from memory after that.

        If another run has used a key of the user's since, it is that one's, and a warning in the log names both runs.
        Of a table or array that was written as "arrow", "parquet" or "numpy", `columns` and `rows` choose a part;
        only that part is read, and it is not kept in memory. Whether it is awaited is as for other results.

        Raises:
            ResultMissing: the storage has no such document, or not its payload.
            ResultCorrupt: the document or its payload is not what was written.
            ResultUnreadable: it cannot be decoded here, or has no such part.
            ResultUntrusted: signing keys are set, and none of them signed it.
        """
        if caller_is_async() and FetchPolicy.fetch_in_async():
            return self.aget(columns=columns, rows=rows)  # type: ignore[return-value] # as who set it expects
        return self.load(columns=columns, rows=rows)

    def load(self, *, columns: Sequence[str] | None = None, rows: slice | None = None) -> R:
        if columns is not None or rows is not None:
            return cast("R", self._loaded(lambda blob: blob.load_part(self._where, self.storage, columns, rows)))
        return self._value(strictly=False)

    async def aget(self, *, columns: Sequence[str] | None = None, rows: slice | None = None) -> R:
        """`get`, in another thread unless the value is in memory."""
        if columns is None and rows is None and self._cache is not MISSING:
            return cast("R", self._cache)
        return await in_thread(self.load, columns=columns, rows=rows)

    def get_own(self) -> R:
        """As `load`; raises ResultOverwritten if the document holds another run's value by now."""
        return self._value(strictly=True)

    def _value(self, strictly: bool) -> R:
        if (value := self._cache) is MISSING:
            quickly = read_quickly(self._bytes, self.serializer, self.digest)
            value = quickly[0] if quickly else self._loaded(lambda blob: blob.load(self._where, self.storage), strictly)
            if self._keep:
                self._cache = value
        return cast("R", value)

    def _bytes(self) -> bytes:
        document: bytes = self.storage.read(self.storage_key) if self.document is None else self.document
        return document

    def _check(self, blob: PersistedResultBlob, strictly: bool) -> None:
        if (digest := self.digest) is not None and blob.digest != digest:
            read = Read(self.run_id, self.storage_id, self.storage_key, digest, blob.digest, self.location)
            check_replaced(read, strictly)

    def open(self) -> BinaryIO:
        """What the serializer wrote, as a file to read and to seek in, without loading the value.

        For "numpy", "arrow", "parquet" and "json" that is a file of that format; for others, their own bytes.
        Raises what `get` raises, also while it is read.
        """
        return cast("BinaryIO", self._loaded(lambda blob: blob.open(self._where, self.storage)))

    def _loaded(self, load: Callable[[PersistedResultBlob], object], strictly: bool = False) -> Any:
        blob = self._read()
        self._check(blob, strictly)
        try:
            return load(blob)
        except ResultMissing:  # its key may just have been written to again, and then the old payload is gone
            again = self._read()
            self._check(again, strictly)
            if again.payload == blob.payload:
                raise
            return load(again)

    def _where(self) -> str:
        return self.location

    def read(self) -> PersistedResultBlob:
        """The document in the storage.

        A key that the user chose gives the newest document that was written under it. Under a key of its own, a
        document that is whole, but not this result's, is an error.

        Raises:
            ResultMissing: there is none.
            ResultCorrupt: it is not what was written.
            ResultUntrusted: signing keys are set, and none of them signed it.
        """
        blob = self._read()
        if is_own_key(self.storage_key):
            self._check(blob, strictly=False)
        return blob

    def _read(self) -> PersistedResultBlob:
        if self.document is None:
            return read_document(self.storage, self.storage_key)
        return PersistedResultBlob.from_bytes(self.document, self._where, self.storage_key)

    @property
    def storage_block_id(self) -> str:
        """The id of the storage that holds the document: `storage_id`."""
        return self.storage_id

    def has_cached_object(self) -> bool:
        return self._cache is not MISSING

    @property
    def serializer_type(self) -> str:
        """The type name of the serializer that wrote the document: "pickle", "compressed/json"."""
        serializer = json.loads(self.serializer)
        kind = str(serializer["type"])
        return f"{kind}/{serializer['serializer']['type']}" if kind == "compressed" else kind

    @property
    def storage(self) -> Any:
        """The storage that holds the document."""
        if self._storage is None:
            self._storage = PersistedResult.find_storage(self.storage_id)
        return self._storage

    @property
    def payload_location(self) -> str | None:
        """The place of the payload, which may be a file for other tools; None if the document holds the value itself.

        Raises:
            ResultMissing, ResultCorrupt, ResultUntrusted: as `read`.
        """
        layout = self.read().payload
        return None if layout is None else str(self.storage.describe(layout.key))

    @property
    def location(self) -> str:
        """Where the document is, for people: a path or an address."""
        try:
            return str(self.storage.describe(self.storage_key))
        except ResultError:
            return self.storage_key

    @property
    def in_memory(self) -> R | None:
        return None if self._cache is MISSING else cast("R", self._cache)

    def remember(self, value: R) -> None:
        """Keep the value in memory, unless `cache_result_in_memory` is False."""
        if self._keep:
            self._cache = value

    def take_preview(self) -> str | None:
        """What may be shown of the value, as JSON, if it has just been written; it is not kept any longer."""
        preview, self._preview = self._preview, None
        return preview

    def describe(self) -> dict[str, object]:
        return {
            "type": self.type,
            "storage_block_id": self.storage_id,
            "storage_key": self.storage_key,
            "serializer_type": self.serializer_type,
            "serializer": json.loads(self.serializer),
            "python_type": self.python_type,
            "size": self.size,
            "digest": self.digest,
            "expiration": self.expires,
        }

    def __getstate__(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__slots__ if name not in ("_storage", "_cache", "_preview")}

    def __setstate__(self, state: dict[str, object]) -> None:
        self._storage = self._preview = self.document = self.run_id = None
        for name, value in state.items():
            setattr(self, name, value)
        self._cache = MISSING


_LITERALS: dict[object, LiteralResult[object]] = {value: LiteralResult(value) for value in (None, True, False)}
_IN_TEXT = {json.dumps(value): result for value, result in _LITERALS.items()}


def literal_of(value: object) -> LiteralResult[object] | None:
    """The literal result of a value that is one; None for all other values."""
    if value is None or value is True or value is False:
        return _LITERALS[value]
    is_uuid = type(value).__name__ == "UUID" and type(value) is uuid.UUID  # which is imported for those alone
    return LiteralResult(value) if is_uuid else None


def result_from_json(text: str | bytes) -> BaseResult[Any]:
    """The handle that `BaseResult.json` described.

    Raises:
        ValueError: the text is not such a description.
    """
    fields = json.loads(text)
    kind = fields.get("type")
    if kind == "literal":
        return literal_from_json(json.dumps(fields["value"]))
    if kind == "reference":
        return PersistedResult(
            storage_id=fields["storage_block_id"],
            storage_key=fields["storage_key"],
            serializer=json.dumps(fields.get("serializer") or {"type": fields["serializer_type"]}),
            python_type=fields.get("python_type"),
            size=fields.get("size"),
            digest=fields.get("digest"),
            expires=fields.get("expiration"),
        )
    if kind == "unpersisted":
        return UnpersistedResult(python_type=fields.get("python_type"))
    raise ValueError(f"{kind!r} is not a type of result; it is one of 'literal', 'reference' and 'unpersisted'.")


def literal_from_json(text: str) -> LiteralResult[object]:
    """The literal result of a value that the database keeps as JSON.

    Raises:
        ResultCorrupt: the text is not such a value.
    """
    try:
        # Nothing else is kept where nobody signs it.
        return _IN_TEXT.get(text) or LiteralResult(uuid.UUID(json.loads(text)["uuid"]))
    except (ValueError, LookupError, TypeError, AttributeError):
        raise ResultCorrupt(f"{text!r} is not a literal result's value. Run the task again.") from None
