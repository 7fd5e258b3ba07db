"""Results whose document was replaced by another run's, since both were written under the same key."""

from perdure._model.errors import ResultOverwritten
from perdure._model.records import ResultRecord
from perdure._results.document import PersistedResultBlob
from perdure._results.lookup import find_run, known_runs
from perdure._results.store import result_from_record
from perdure._results.types import PersistedResult
from perdure._rooms.results.records import ResultFilter

_NEWEST = 10  # results under one key: what is there now is nearly always among them


def check_own(record: ResultRecord, blob: PersistedResultBlob) -> None:
    """Let a document pass that is the record's own, and not of another run that used the key since.

    Raises:
        ResultOverwritten: it is another run's; names that.
    """
    if record.digest in (None, blob.digest):
        return
    result = result_from_record(record)
    assert isinstance(result, PersistedResult)
    other = _maker(record, blob)
    raise ResultOverwritten(
        f"{result.location} was overwritten by {other}, which used the same key. To keep the results of both, use "
        "a result_storage_key that differs between them, and run it again."
    )


def _maker(record: ResultRecord, blob: PersistedResultBlob) -> str:
    """The newest run whose result the document is, for people."""
    known = known_runs()
    filter = ResultFilter(storage_ids=(record.storage_id or "",), storage_keys=(record.storage_key or "",))
    for limit in (_NEWEST, None):
        for other in known.results(filter._replace(limit=limit)):
            if other.digest == blob.digest:
                return f"run {find_run(known, other.item_of or other.run_id).name!r} ({other.run_id})"
    return "a run that this database does not know"
