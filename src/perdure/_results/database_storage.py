"""`DatabaseStorage`: the documents that rows of results have themselves (`_results.inline`), as a storage."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol
from uuid import UUID

from perdure._model.errors import ObjectMissing, StorageError
from perdure._model.records import Record, ResultRecord
from perdure._platform import providers
from perdure._rooms.results.records import ResultFilter
from perdure._storages.storage import Entry, Storage, Writer, check_key

_PAGE = 2_000  # rows that are asked for at once


class _Known(Protocol):
    """What has the rows: every orchestrator."""

    def results(self, filter: ResultFilter) -> Sequence[ResultRecord]: ...

    def commit(self, records: Sequence[Record]) -> None: ...


class DatabaseStorage(Storage):
    """The rows of results in this process's database, by the ids of their runs. Only small documents are there.

    Results go there by the setting PERDURE_RESULTS_INLINE_BYTES, and not by `result_storage`.
    """

    block_type = "database"

    def read(self, key: str) -> bytes:
        record = self._row(key)
        if record is not None:
            self._check_sent(key)
        if record is None or record.value is None:
            raise ObjectMissing(f"Nothing is stored in {self.describe(key)}. It was removed, or never written.")
        return record.value.encode()

    def write(self, key: str, data: bytes) -> None:
        self._check_sent(key)
        record = self._row(key)
        if record is None or record.value is None:
            raise StorageError(
                f"Cannot write to {self.describe(key)}: only results that are there already can be written anew. Give"
                " another storage, such as a directory."
            )
        self._known.commit([record._replace(value=data.decode())])

    def open_writer(self, key: str) -> AbstractContextManager[Writer]:
        raise StorageError(
            f"Cannot write a large value to {self.describe(key)}. Copy the result to another storage first:"
            " `perdure result copy`."
        )

    def exists(self, key: str) -> bool:
        record = self._row(key)
        if record is not None:
            self._check_sent(key)
        return record is not None and record.value is not None

    def delete(self, key: str) -> None:
        check_key(key)  # it goes when the row says that it is removed, or with the row

    def list(self, prefix: str = "") -> Iterator[str]:
        return (entry.key for entry in self.entries(prefix))

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        page_of = ResultFilter(kinds=("persisted",), storage_ids=(self.content_id(),), removed=False, limit=_PAGE)
        last: str | None = None
        self._check_sent()
        while True:
            page = self._known.results(page_of._replace(older_than=last))
            for record in page:
                if record.value is not None and (record.storage_key or "").startswith(prefix):
                    yield Entry(record.storage_key or "", len(record.value.encode()), record.created)
            if len(page) < _PAGE:
                return
            last = page[-1].run_id

    def entry(self, key: str) -> Entry | None:
        record = self._row(key)
        if record is not None:
            self._check_sent(key)
        return None if record is None or record.value is None else Entry(key, len(record.value), record.created)

    def describe(self, key: str) -> str:
        return f"the database, with the run {_run_of(key) or key}"

    @property
    def _known(self) -> _Known:
        known: _Known | None = providers.orchestrator()
        if known is None:
            raise StorageError("No database is open. Run `import perdure` first.")
        return known

    def _check_sent(self, key: str | None = None) -> None:
        """Raise StorageError if the rows are a server's, which sends them without their documents."""
        if getattr(self._known, "is_shared", True):
            which = "Results" if key is None else f"The result of the run {_run_of(key) or key}"
            raise StorageError(
                f"{which} can only be had on the server's machine: small results are in its own database"
                " (PERDURE_RESULTS_INLINE_BYTES), and are not sent. There, without PERDURE_API_URL and with its"
                " PERDURE_HOME, load it, or copy it to a storage that you reach: `perdure result copy`."
            )

    def _row(self, key: str) -> ResultRecord | None:
        """The row that has its document under the key."""
        check_key(key)
        run_id = _run_of(key)
        found = self._known.results(ResultFilter(run_ids=(run_id,))) if run_id is not None else ()
        return next((each for each in found if each.storage_key == key and each.removed is None), None)


def _run_of(key: str) -> str | None:
    try:
        return str(UUID(key))
    except ValueError:
        return None
