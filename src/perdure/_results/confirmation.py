"""Whether what lies under a key is the result that a record says: records that others write may name any file."""

import json
from typing import TYPE_CHECKING

from perdure._model.errors import ObjectMissing

if TYPE_CHECKING:  # it imports pydantic, which a process that persists nothing does not need
    from perdure._storages.storage import Storage

MOST_READ = 16 * 1024 * 1024  # bytes; no document of Perdure's is larger
_VERSIONS = ("perdure_version", "prefect_version")


def foreign(storage: "Storage", key: str, digest: str | None) -> str | None:
    """Why what lies under a key is not the document of a result with this digest; None if it is, or nothing is there.

    Raises:
        StorageError: the storage refuses.
    """
    entry = storage.entry(key)
    if entry is None:
        return None
    fields = None
    if entry.size is None or entry.size <= MOST_READ:
        try:
            fields = json.loads(storage.read(key))
        except ObjectMissing:
            return None
        except (ValueError, RecursionError):
            pass
    if not is_document(fields):
        return "it is no result document"
    assert isinstance(fields, dict)
    held = fields.get("digest")
    return "it is another result" if None not in (held, digest) and held != digest else None


def is_document(fields: object) -> bool:
    """Whether JSON is a result document, by its fields."""
    if not isinstance(fields, dict) or not {"serializer", "data"} <= fields.keys():
        return False
    return any(version in fields for version in _VERSIONS)
