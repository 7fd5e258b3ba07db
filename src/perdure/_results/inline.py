"""Small results inside the database itself, in the row that leads to them.

The problem: to make a file takes longer than all else that a persisted call does, and each takes a block of 4 KiB. The
idea: where a document has no more bytes than a setting allows, it is written in the row of its result, and so in the
very transaction that commits the run. Its form is that of a file, signature included.

What holds:

- A row has its own document, under a key that is made from the run's id: no other row leads to it, and it goes with the
  row. A run that takes over another one's result has a copy.
- Whoever has the row need not ask again (`PersistedResult.document`). All else that is done with results, such as
  verifying, copying and rewriting, asks a storage for it (`_results.database_storage`), as it would ask any.
- Only a process's own SQLite database has such rows. Who may write to a server may not make pickles that others load,
  so none of its records has a document; and what a server answers has none, as it sends no files (`_store.wire`).
"""

from typing import TYPE_CHECKING

from perdure._model.records import ResultRecord
from perdure._platform.named import NamedTuple
from perdure._results import signing
from perdure._results.document import digest_of, encode, resealed

if TYPE_CHECKING:  # it imports pydantic, which a process that persists nothing does not need
    from perdure._storages.storage import Storage


class Inline(NamedTuple):
    """Where a small document goes instead of a storage: into the row of a run's result."""

    most: int  # bytes
    key: str  # by which the row is known
    storage: "Storage"  # by which others have what is there
    storage_id: str

    def document(self, serializer: str, data: bytes, type: str) -> bytes | None:
        """The document of a value's data, if it is small enough; `serializer` is the description as JSON."""
        if len(data) > self.most:
            return None
        document = encode(serializer, data, digest_of(data), type, None, self.key)
        return document if len(document) <= self.most else None


def key_of_run(run_id: str) -> str:
    """The key under which a run's row has its document."""
    return run_id.replace("-", "")


def held_by(record: ResultRecord, run_id: str) -> ResultRecord:
    """A record for another run; if it has its document itself, then so has that one."""
    if record.kind != "persisted" or record.value is None:
        return record._replace(run_id=run_id)
    key, document = key_of_run(run_id), record.value
    if record.storage_key != key and signing.ring() is not None:  # a signature holds for one key
        document = resealed(document.encode(), key).decode()
    return record._replace(run_id=run_id, storage_key=key, value=document)
