"""Storage keys that several runs share: the document under one holds the result of the last of them.

A key that the user chose may be used by several runs. What the engine
takes as the value of a run, when it resumes or finds it cached, has the digest that was recorded with the run, or it is
not taken. Who asks for the value of an earlier run is given the last one, as people expect of a key such as "latest",
with a warning that names both runs: a value in the place of another is never given silently.

What may differ without a word is the document of the same run: it was rewritten, with another key or serializer, or the
run has run again since.
"""

from collections.abc import Callable

from perdure._model.errors import ResultCorrupt, ResultOverwritten
from perdure._model.records import ResultRecord
from perdure._platform import providers
from perdure._platform.named import NamedTuple
from perdure._results.document import PersistedResultBlob
from perdure._results.keys import is_own_key
from perdure._rooms.results.records import ResultFilter
from perdure._rooms.runs.records import RunFilter

_NEWEST = 10  # results under one key: what is there now is nearly always among them


class Read(NamedTuple):
    """What a result is known to be, and what was found in its place."""

    run_id: str | None  # whose result it is, if that is known
    storage_id: str
    key: str
    digest: str
    found: str | None  # the digest of the document that is there
    location: str  # of the document, for people


def check_replaced(read: Read, strictly: bool) -> None:
    """Let a document pass that has another digest than the result, if it is what became of the result itself.

    One of another run passes with a warning, or `strictly` not at all.

    Raises:
        ResultOverwritten: it is another run's result; names both runs.
        ResultCorrupt: the key is used for one result only, and the database knows of nothing that replaced it.
    """
    if _is_what_became_of_it(read):
        return
    if is_own_key(read.key) and _under_key(read, read.found) is None:
        raise ResultCorrupt(
            f"{read.location} holds another result: its digest is {read.found}, and that of this one is {read.digest}."
            " Run the task again, or restore the file."
        )
    if strictly:
        raise _overwritten(read)
    providers.logger("results").warning("The value is the last one under its key. %s", _overwritten(read))


def check_own(record: ResultRecord, blob: PersistedResultBlob, location: Callable[[], str]) -> None:
    """Let a document pass that is the record's own, and not of another run that used the key since.

    Raises:
        ResultOverwritten: it is another run's; names both, and the `location`.
    """
    if record.digest in (None, blob.digest):
        return
    storage_id, key, digest = record.storage_id or "", record.storage_key or "", record.digest or ""
    raise _overwritten(Read(record.item_of or record.run_id, storage_id, key, digest, blob.digest, location()))


def _overwritten(read: Read) -> ResultOverwritten:
    """The error that names the run whose result was overwritten, the one that did it, and what to do."""
    of = read.run_id
    if of is None:
        record = _under_key(read, read.digest)
        of = None if record is None else record.item_of or record.run_id
    other = _under_key(read, read.found)
    by = "a run that this database does not know" if other is None else _named(other.item_of or other.run_id)
    whose = "" if of is None else f" as {_named(of)}, whose result it held before"
    return ResultOverwritten(
        f"{read.location} was overwritten by {by}, which used the same key{whose}. To keep the results of both, use a"
        " result_storage_key that differs between them, such as '{flow_run.id}/{task_run.name}', and run them again."
    )


def _is_what_became_of_it(read: Read) -> bool:
    known = providers.orchestrator()
    if known is None:
        return False
    if read.run_id is not None:
        own = next(iter(known.results(ResultFilter(run_ids=(read.run_id,)))), None)
        # While a document is rewritten, its record has no digest.
        return own is not None and own.storage_key == read.key and own.digest in (read.found, None)
    return _under_key(read, read.digest) is None and _under_key(read, read.found) is not None


def _under_key(read: Read, digest: str | None) -> ResultRecord | None:
    """The newest result with a digest under the key."""
    known = providers.orchestrator()
    if known is None:
        return None
    under = ResultFilter(storage_ids=(read.storage_id,), storage_keys=(read.key,), removed=False)
    for limit in (_NEWEST, None):
        for record in known.results(under._replace(limit=limit)):
            if record.digest == digest:
                found: ResultRecord = record
                return found
    return None


def _named(run_id: str) -> str:
    known, wanted = providers.orchestrator(), RunFilter(ids=(run_id,))
    found = None if known is None else next(iter((*known.task_runs(wanted), *known.flow_runs(wanted))), None)
    return f"run {run_id}" if found is None else f"run {found.name!r} ({run_id})"
