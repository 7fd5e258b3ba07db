"""Results whose document was replaced by another run's, since both were written under the same key."""

from perdure._model.records import ResultRecord
from perdure._results.document import PersistedResultBlob
from perdure._results.replaced import Read, overwritten
from perdure._results.store import result_from_record
from perdure._results.types import PersistedResult


def check_own(record: ResultRecord, blob: PersistedResultBlob) -> None:
    """Let a document pass that is the record's own, and not of another run that used the key since.

    Raises:
        ResultOverwritten: it is another run's; names both.
    """
    if record.digest in (None, blob.digest):
        return
    result = result_from_record(record)
    assert isinstance(result, PersistedResult)
    storage_id, key, digest = record.storage_id or "", record.storage_key or "", record.digest or ""
    raise overwritten(Read(record.item_of or record.run_id, storage_id, key, digest, blob.digest, result.location))
