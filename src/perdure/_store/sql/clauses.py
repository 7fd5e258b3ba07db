"""Statements made from tables: what is to be said of a row's columns is said by its record."""

from collections.abc import Sequence

from perdure._model.fields import Field, fields_of
from perdure._model.tables import Table


class Clauses:
    """Makes statements with one mark for parameters: `?` for SQLite, `%s` for PostgreSQL.

    `absent` may stand for None in a row. Python's sqlite3 asks its adapters about every None, which takes
    longer than binding three texts; a number that no column ever holds is bound at once. `flag` marks what is true or
    false, which comes as 1 or 0. `share` ends a query whose rows nobody may change before the transaction's end.
    """

    def __init__(self, mark: str = "?", absent: float | None = 0.5, flag: str = "?", share: str = "") -> None:
        self.mark = mark
        self.absent = absent
        self.share = share
        self.optional = mark if absent is None else f"NULLIF({mark}, {absent})"
        self._flag = flag

    def marks(self, table: Table, columns: Sequence[str]) -> str:
        """Marks for values of columns of a table."""
        return ", ".join([self._mark(table.columns[column]) for column in columns])

    def _mark(self, field: Field) -> str:
        if field.is_optional and field.kind is not float:  # which may hold the number that stands for None
            return self.optional
        return self._flag if field.kind is bool else self.mark

    def insert(self, table: Table, columns: Sequence[str] | None = None) -> str:
        """Add a row: all that its record has, or some columns."""
        names = list(fields_of(table.record)) if columns is None else columns
        return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({self.marks(table, names)})"

    def upsert(self, table: Table, columns: Sequence[str] | None = None) -> str:
        """Add a row, or have it replace the one with its key."""
        names = list(fields_of(table.record)) if columns is None else columns
        updates = ", ".join([f"{column} = excluded.{column}" for column in names if column not in table.key])
        return f"{self.insert(table, names)} ON CONFLICT ({', '.join(table.key)}) DO UPDATE SET {updates}"

    def select(self, table: Table, where: str = "") -> str:
        """Rows as their record has them."""
        return f"SELECT {', '.join(fields_of(table.record))} FROM {table.name}{where and f' WHERE {where}'}"
