"""Which keys a result document needs, and whether this process has them."""

from typing import TYPE_CHECKING

from perdure._platform.named import NamedTuple
from perdure._results import signing
from perdure._results.document import PersistedResultBlob

if TYPE_CHECKING:  # it imports pydantic, which a process that persists nothing does not need
    from perdure._storages.storage import Storage


class Protection(NamedTuple):
    """The keys of a document, by their ids; None where it is not signed, or not encrypted."""

    signing_key: str | None
    has_signing_key: bool
    encryption_key: str | None = None
    has_encryption_key: bool = False


def signature_of(document: bytes) -> Protection:
    """What a document says of its signature, whether that holds or not."""
    id, ring = signing.key_id_of(document), signing.ring()
    return Protection(id, id is not None and ring is not None and ring.has(id))


def protection_of(document: bytes, blob: PersistedResultBlob, key: str, storage: "Storage") -> Protection:
    """All the keys that a document needs.

    Raises:
        ResultError, StorageError: it is encrypted, and the beginning of that cannot be read.
    """
    signature = signature_of(document)
    if blob.serializer.get("type") != "encrypted":
        return signature
    from perdure._serializers.encrypted import EncryptedSerializer

    with blob.open(lambda: storage.describe(key), storage) as content:
        serializer = EncryptedSerializer()
        id = serializer.key_of(content)
    return signature._replace(encryption_key=id, has_encryption_key=serializer.has_key(id))
