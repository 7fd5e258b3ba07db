"""The JSON document that a persisted result is written as."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perdure.core.errors import (
    ObjectMissing,
    ResultCorrupt,
    ResultError,
    ResultMissing,
    ResultUnreadable,
    UnknownSerializer,
)
from perdure.core.version import VERSION

if TYPE_CHECKING:  # it imports pydantic, which a process that persists nothing does not need
    from perdure.filesystems import Storage

Where = Callable[[], str]  # a document's place, for people


def _nowhere() -> str:
    return "The result"


_quote = json.encoder.encode_basestring_ascii


@dataclass(frozen=True, slots=True)
class PersistedResultBlob:
    """A result document: the serialized data, and all that is needed to read it again."""

    serializer: dict[str, Any]  # the serializer's full description
    data: bytes
    type: str | None = None  # the value's Python type
    size: int | None = None  # bytes of `data`
    digest: str | None = None  # of `data`: "sha256:<hexadecimal>"
    version: str = VERSION  # of what wrote it

    def to_bytes(self) -> bytes:
        """The document as UTF-8 JSON."""
        return encode(json.dumps(self.serializer), self.data, self.digest or digest_of(self.data), self.type)

    @classmethod
    def from_bytes(cls, document: bytes, where: Where = _nowhere) -> "PersistedResultBlob":
        """Read a document, ours or Prefect 2's; `where` gives its place, for errors.

        Raises:
            ResultCorrupt: it is not such a document, or its data is not what was written.
        """
        try:
            fields = json.loads(document.decode())
            data = _data_of(fields)
            blob = cls(
                serializer=dict(fields["serializer"]),
                data=data,
                type=fields.get("type"),
                size=fields.get("size"),
                digest=fields.get("digest"),
                version=str(fields.get("perdure_version") or fields.get("prefect_version") or "unknown"),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ResultCorrupt(
                f"{where()} is not a whole result document ({type(error).__name__}: {error})."
                " Run the task again, or restore the file."
            ) from None
        if blob.digest is not None and blob.digest != digest_of(data):
            raise ResultCorrupt(
                f"The data in {where()} has the digest {digest_of(data)}, not {blob.digest} as was written."
                " Run the task again, or restore the file."
            )
        return blob

    def load(self, where: Where = _nowhere) -> Any:
        """The value.

        Raises:
            ResultCorrupt: the data is not what the serializer wrote.
            ResultUnreadable: this process lacks what the data needs.
        """
        from perdure.serializers import Serializer

        try:
            return Serializer.from_description(self.serializer).loads(self.data)
        except ResultError as error:
            corrupt = isinstance(error, ResultCorrupt)
            mend = " Run the task again, or restore the file." if corrupt else ""
            cause = None if corrupt else error.__cause__  # it may come from the value's own code
            raise type(error)(f"{where()} cannot be loaded. {error}{mend}{self._writer()}") from cause
        except UnknownSerializer as error:
            raise ResultUnreadable(f"{where()} cannot be loaded. {error}{self._writer()}") from None
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
    """
    try:
        document = storage.read(key)
    except ObjectMissing:
        raise ResultMissing(
            f"There is no result document at {storage.describe(key)}. It was deleted, or the storage has moved:"
            " run the task again, or restore the file."
        ) from None
    return PersistedResultBlob.from_bytes(document, lambda: storage.describe(key))


def encode(serializer: str, data: bytes, digest: str, type: str | None) -> bytes:
    """The document's bytes; `serializer` is the description as JSON."""
    try:
        text, encoding = data.decode(), ""
    except UnicodeDecodeError:  # a custom serializer's bytes
        text, encoding = base64.b64encode(data).decode(), '"data_encoding": "base64", '
    return (
        f'{{"serializer": {serializer}, "data": {_quote(text)}, {encoding}"type": {_quote(type) if type else "null"},'
        f' "size": {len(data)}, "digest": "{digest}", "perdure_version": "{VERSION}"}}'
    ).encode()


def _data_of(fields: dict[str, Any]) -> bytes:
    data: str = fields["data"]
    return base64.b64decode(data, validate=True) if fields.get("data_encoding") == "base64" else data.encode()


def digest_of(data: bytes) -> str:
    """The digest that the document and the database keep of serialized data."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
