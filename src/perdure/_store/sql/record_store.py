"""The store of a room that keeps records and does nothing else with them: see `_model.ports.Kept`."""

from collections.abc import Sequence

from perdure._model.tables import Table
from perdure._platform.named import NamedTuple
from perdure._store.sql.access import Access


class KeptStore:
    """The records of one table, by its one key."""

    def __init__(self, access: Access, table: Table) -> None:
        self._access = access
        self._table = table
        self._key = table.key[0]

    def put(self, record: NamedTuple) -> None:
        """Keep a record; it replaces the one with its key."""
        self._access.writer.execute_apart(self._access.sql.upsert(self._table), tuple(record))

    def one(self, key: str) -> tuple[object, ...] | None:
        """The record with a key."""
        sql = self._access.sql
        return self._access.one(self._table.record, sql.select(self._table, f"{self._key} = {sql.mark}"), key)

    def all(self, filter: NamedTuple) -> Sequence[tuple[object, ...]]:
        """The records that the filter lets through, those with the highest keys first."""
        return self._access.filtered(self._table, filter, f"{self._key} DESC")

    def delete(self, key: str) -> bool:
        """Forget a record; False if there is none with this key."""
        statement = f"DELETE FROM {self._table.name} WHERE {self._key} = {self._access.sql.mark}"
        return self._access.writer.execute_apart(statement, (key,)) == 1
