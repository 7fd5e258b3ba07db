"""What the store of a room works with: the one writer of a process, its readers, and statements from tables."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from perdure._model.fields import from_row
from perdure._model.filters import Conditions, conditions
from perdure._model.tables import Table
from perdure._store.sql.database import Database, Row
from perdure._store.sql.writer import Writer

if TYPE_CHECKING:
    from sqlalchemy import Executable

R = TypeVar("R", bound=tuple[object, ...])
NO_CONDITIONS: Conditions = ([], [])


class Access:
    """Reads by `read`, which may be called from any thread, and writes by `writer`, apart from what was reported."""

    def __init__(self, database: Database, writer: Writer, read: Callable[[str, Row], list[Row]]) -> None:
        self.database = database
        self.writer = writer
        self.sql = database.statements
        self.read = read

    def made(self, record: type[R], rows: Sequence[Row]) -> list[R]:
        """Records of rows.

        Raises:
            DatabaseCorrupt: one holds what Perdure never wrote.
        """
        make = from_row(record)
        try:
            return [make(row) for row in rows]
        except ValueError as error:
            raise self.database.damaged(error) from None

    def all(self, record: type[R], statement: str, *parameters: object) -> list[R]:
        """The records that a statement finds."""
        return self.made(record, self.read(statement, parameters))

    def one(self, record: type[R], statement: str, *parameters: object) -> R | None:
        """The first record that a statement finds, if any."""
        return next(iter(self.all(record, statement, *parameters)), None)

    def filtered(
        self,
        table: Table,
        filter: Any,
        order: str,
        also: Mapping[str, object] = MappingProxyType({}),
        where: Conditions = NO_CONDITIONS,
    ) -> list[Any]:
        """As many records of a table as a filter wants of those that it lets through and that have some values.

        `where` is what the store of a room has to say of those of the filter's fields that declare no condition.
        """
        found, values = conditions(filter, self.sql.mark)
        found, values = [*found, *where[0]], [*values, *where[1]]
        for column, value in also.items():
            found.append(f"{column} = {self.sql.mark}")
            values.append(value)
        query = f"{self.sql.select(table, ' AND '.join(found))} ORDER BY {order}"
        if filter.limit is not None:
            query, values = f"{query} LIMIT {self.sql.mark}", [*values, filter.limit]
        return self.all(table.record, query, *values)

    def those(
        self, table: Table, column: str, values: Sequence[object], order: str, limit: int | None = None
    ) -> list[Any]:
        """The records of a table that have one of some values in a column, with everything reported until now."""
        if not values:
            return []
        self.writer.flush()
        mark = self.sql.mark
        among = f"{column} IN ({', '.join([mark] * len(values))})"
        query = f"{self.sql.select(table, among)} ORDER BY {order}"
        if limit is None:
            return self.all(table.record, query, *values)
        return self.all(table.record, f"{query} LIMIT {mark}", *values, limit)

    def select(self, query: "Executable") -> list[Row]:
        """The rows of a query, with everything reported until now."""
        self.writer.flush()
        return self.read(*self.database.compiled(query))

    def listed(self, record: type[R], query: "Executable") -> list[R]:
        """The records that a query finds, with everything reported until now."""
        return self.made(record, self.select(query))
