"""The JSON document that a persisted result is written as."""

import base64
import hashlib
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO

from perdure._model.errors import (
    ObjectMissing,
    ResultCorrupt,
    ResultError,
    ResultMissing,
    ResultUnreadable,
    StorageError,
    UnknownSerializer,
)
from perdure._platform.named import NamedTuple
from perdure._platform.version import VERSION
from perdure._results import signing
from perdure._results.description import SerializerDescription, description_of
from perdure._results.payload_reader import StoredPayload
from perdure._results.payload_writer import Layout
from perdure._settings import settings

if TYPE_CHECKING:  # it imports pydantic, which a process that persists nothing does not need
    from perdure._serializers.base import Serializer
    from perdure._serializers.payload import Source
    from perdure._storages.storage import Storage

Where = Callable[[], str]  # a document's place, for people


def _nowhere() -> str:
    return "The result"


_CHECKSUM = b', "checksum": "crc32:'  # of the bytes before: the digest is of the data alone
_BEHIND_DATA = b'", "type": '  # where it is neither encoded nor beside the document
_quote = json.encoder.encode_basestring_ascii
_scan = json.JSONDecoder().raw_decode  # `json.loads` for text that nothing stands before or after: half its time


class PersistedResultBlob(NamedTuple):
    """A result document: the serialized data, or where its payload is, and all that is needed to read it again."""

    serializer: (
        Any  # a SerializerDescription, which `loads`, where it was read; to write one, a Serializer, or its fields
    )
    data: bytes  # empty if there is a payload
    type: str | None = None  # the value's Python type
    size: int | None = None  # bytes of `data`, or of the payload
    digest: str | None = None  # of `data`: "sha256:<hexadecimal>"; of a payload: "chunks:<hexadecimal>"
    version: str = VERSION  # of what wrote it
    payload: Layout | None = None
    is_signed: bool = False  # and the signature has been checked

    def to_bytes(self) -> bytes:
        """The document as UTF-8 JSON."""
        digest = self.digest or digest_of(self.data)
        return encode(json.dumps(description_of(self.serializer)), self.data, digest, self.type, self.payload)

    @classmethod
    def from_bytes(cls, document: bytes, where: Where = _nowhere, key: str | None = None) -> "PersistedResultBlob":
        """Read a document, ours or Prefect 2's; `where` gives its place, for errors, and `key` is what it lies under.

        With signing keys set, and a `key`, the signature is checked before anything else is looked at.

        Raises:
            ResultCorrupt: it is not such a document, or its data is not what was written.
            ResultUntrusted: signing keys are set, and the document is not signed with one of them.
        """
        ring = signing.ring()
        if ring is not None and key is not None:
            document = signing.checked(ring, document, key, where)
        try:
            fields = _checked(document)
            data, layout = _data_of(fields), _layout_of(fields)
            digest = digest_of(data) if layout is None else layout.digest()
            blob = cls(
                serializer=SerializerDescription(fields["serializer"]),
                data=data,
                type=fields.get("type"),
                size=fields.get("size"),
                digest=digest,
                version=str(fields.get("perdure_version") or fields.get("prefect_version") or "unknown"),
                payload=layout,
                is_signed=ring is not None and key is not None,
            )
        except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
            raise ResultCorrupt(
                f"{where()} is not a whole result document ({type(error).__name__}: {error})."
                " Run the task again, or restore the file."
            ) from None
        written = fields.get("digest")
        if written is not None and written != digest:
            raise ResultCorrupt(
                f"The data in {where()} has the digest {digest}, not {written} as was written."
                " Run the task again, or restore the file."
            )
        return blob

    @classmethod
    def parse_raw(cls, document: bytes | str) -> "PersistedResultBlob":
        """`from_bytes`, by the name that users of Prefect know: `blob.serializer.loads(blob.data)` gives the value.

        A large value lies beside its document, and `data` is empty then: `load` with its storage gives every value.
        """
        return cls.from_bytes(document.encode() if isinstance(document, str) else document)

    @classmethod
    def parse_obj(cls, document: Mapping[str, object]) -> "PersistedResultBlob":
        """A document that JSON has already been read from."""
        return cls.from_bytes(json.dumps(document).encode())

    def json(self) -> str:
        """The document as text."""
        return self.to_bytes().decode()

    def load(self, where: Where = _nowhere, storage: "Storage | None" = None) -> Any:
        """The value; `storage` holds the payload, if there is one.

        Raises:
            ResultMissing: the payload is not there.
            ResultCorrupt: the data is not what the serializer wrote.
            ResultUnreadable: this process lacks what the data needs.
        """
        if self.payload is None:
            data = self.data
            return self._loaded(lambda serializer: serializer.loads(data), where)
        source = self._stored(storage, where)
        return self._loaded(lambda serializer: serializer.load(source), where)

    def load_part(self, where: Where, storage: "Storage", columns: "Sequence[str] | None", rows: slice | None) -> Any:
        """Some columns or rows of the value. Raises what `load` raises."""
        source = self._opened(where, storage)
        return self._loaded(lambda serializer: serializer.load_part(source, columns, rows), where)

    def open(self, where: Where, storage: "Storage") -> BinaryIO:
        """What the serializer wrote, as a file to read and seek in."""
        if self.payload is not None:
            return self._stored(storage, where).open()
        return io.BytesIO(self._loaded(lambda serializer: serializer.content(self.data), where))

    def pieces(self, where: Where, storage: "Storage") -> Iterator[bytes]:
        """What lies in the storage, piece by piece, each compared with its digest before it is given out.

        Raises:
            ResultMissing, ResultCorrupt: as `verify`, where the first piece is found to be missing or altered.
        """
        if self.payload is None:
            yield self.data
            return
        stored = StoredPayload(storage, self.payload, where, distrusted=True)
        for start in range(0, self.payload.size, self.payload.chunk):
            yield stored.read(start, self.payload.chunk)

    def verify(self, where: Where, storage: "Storage") -> None:
        """Read all of the payload, if there is one, and compare it with its digests.

        Raises:
            ResultMissing: the payload is not there.
            ResultCorrupt: it is not what was written.
        """
        if self.payload is not None:
            self._stored(storage, where).verify()

    def _opened(self, where: Where, storage: "Storage | None") -> "Source":
        from perdure._serializers.payload import BytesSource

        return BytesSource(self.data) if self.payload is None else self._stored(storage, where)

    def _stored(self, storage: "Storage | None", where: Where) -> StoredPayload:
        assert self.payload is not None
        if storage is None:
            raise ResultUnreadable(f"{where()} has a separate payload. Load it by its storage, with `get_result`.")
        distrusted = self.is_signed or settings.current().results_copy_payloads
        return StoredPayload(storage, self.payload, where, distrusted)

    def _loaded(self, load: "Callable[[Serializer], object]", where: Where) -> Any:
        from perdure._serializers.base import Serializer

        try:
            return load(Serializer.from_description(description_of(self.serializer)))
        except ResultError as error:
            corrupt = isinstance(error, ResultCorrupt)
            remedy = " Run the task again, or restore the file." if corrupt else ""
            cause = None if corrupt else error.__cause__  # it may come from the value's own code
            raise type(error)(f"{where()} cannot be loaded. {error}{remedy}{self._writer()}") from cause
        except UnknownSerializer as error:
            raise ResultUnreadable(f"{where()} cannot be loaded. {error}{self._writer()}") from None
        except (StorageError, MemoryError):
            raise
        except Exception as error:  # from a serializer of the user's own
            text = f"{where()} cannot be loaded: its serializer raised {type(error).__name__}: {error}."
            raise ResultUnreadable(f"{text} Mend the serializer, or run the task again.{self._writer()}") from error

    def _writer(self) -> str:
        return "" if self.version == VERSION else f" It was written by version {self.version}; this is {VERSION}."


def read_document(storage: "Storage", key: str) -> PersistedResultBlob:
    """The document under a key.

    Raises:
        ResultMissing: there is none.
        ResultCorrupt: it is not what was written.
        ResultUntrusted: signing keys are set, and it is not signed with one of them.
    """
    try:
        document = storage.read(key)
    except ObjectMissing:
        raise ResultMissing(
            f"There is no result document at {storage.describe(key)}. It was deleted, or the storage has moved:"
            " run the task again, or restore the file."
        ) from None
    return PersistedResultBlob.from_bytes(document, lambda: storage.describe(key), key)


def data_within(document: bytes, serializer: str, digest: str) -> bytes | None:
    """The data of a document whose serializer, as JSON, and digest are known, taken out of its text without a parser.

    None if it is not one as `encode` writes most of them, or not whole: then `from_bytes` says what is the matter.
    """
    beginning = _beginning(serializer)
    body, _, checksum = document.rpartition(_CHECKSUM)
    if not document.startswith(beginning) or checksum != b'%08x"}' % zlib.crc32(body) or signing.ring() is not None:
        return None
    end = document.find(b'"', len(beginning))
    data = document[len(beginning) : end]
    if b"\\" in data or not document.startswith(_BEHIND_DATA, end) or digest_of(data) != digest:
        return None
    return data


@lru_cache(maxsize=100)
def _beginning(serializer: str) -> bytes:
    return f'{{"serializer": {serializer}, "data": "'.encode()


def encode(
    serializer: str, data: bytes, digest: str, type: str | None, payload: Layout | None = None, key: str | None = None
) -> bytes:
    """The document's bytes, signed if signing keys are set and its `key` is given.

    `serializer` is the description as JSON.
    """
    try:
        text, encoding = data.decode(), ""
    except UnicodeDecodeError:  # a custom serializer's bytes
        text, encoding = base64.b64encode(data).decode(), '"data_encoding": "base64", '
    size, beside = len(data), ""
    if payload is not None:
        size, beside = payload.size, f', "payload": {json.dumps(payload.describe())}'
    body = (
        f'{{"serializer": {serializer}, "data": {_quote(text)}, {encoding}"type": {_quote(type) if type else "null"},'
        f' "size": {size}, "digest": "{digest}", "perdure_version": "{VERSION}"{beside}'
    ).encode()
    return sealed(body, key)


def sealed(body: bytes, key: str | None) -> bytes:
    """A document from its fields, which are JSON without the last brace: with its checksum, and signed as `encode`."""
    document = b'%b%b%08x"}' % (body, _CHECKSUM, zlib.crc32(body))
    ring = signing.ring()
    return document if ring is None or key is None else signing.signed(ring, document, key)


def resealed(document: bytes, key: str) -> bytes:
    """A document with its checksum and signature made anew, and nothing else changed."""
    body, mark, _ = document.rpartition(_CHECKSUM)
    return sealed(body if mark else document.rstrip()[:-1], key)  # Prefect's have no checksum


def _checked(document: bytes) -> dict[str, Any]:
    """The fields of a document whose checksum is right. Prefect's have none.

    Raises:
        ValueError, TypeError: the document is not what was written.
    """
    text = document.decode()
    fields: dict[str, Any]
    fields, end = _scan(text) if text.startswith("{") else ({}, 0)
    if end != len(text):
        fields = json.loads(text)
    if "perdure_version" in fields or "digest" in fields:
        # No text of the document can hold the mark: its quotes would be escaped.
        body, _, rest = document.rpartition(_CHECKSUM)
        end = rest[10:].startswith(b' "signature": "') if rest[9:10] == b"," else rest[8:] == b'"}'
        if not end or rest[:8] != b"%08x" % zlib.crc32(body):
            raise ValueError("its checksum is wrong")
    return fields


def _data_of(fields: dict[str, Any]) -> bytes:
    data: str = fields["data"]
    return base64.b64decode(data, validate=True) if fields.get("data_encoding") == "base64" else data.encode()


def _layout_of(fields: dict[str, Any]) -> Layout | None:
    described = fields.get("payload")
    return None if described is None else Layout.from_description(described)


def digest_of(data: bytes) -> str:
    """The digest that the document and the database keep of serialized data."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
