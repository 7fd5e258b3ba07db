"""Many rows in one INSERT. Each column is sent as one array of JSON, which both sides take apart without a loop.

Of rows that are sent one by one, binding and executing costs either side more than what is done with them.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence

from perdure._platform.named import NamedTuple
from perdure._store.sql.database import Row

FEWEST = 4  # rows that are worth it
_INSERT = re.compile(r"INSERT INTO (\w+) \(([^()]*)\) VALUES \((.*?)\)( ON CONFLICT(?: \(([^()]*)\))? DO .*)?")


class Bulk(NamedTuple):
    """An INSERT of one row, as one of many."""

    statement: str
    key: tuple[int, ...]  # where in a row is what no two rows may have in common

    def columns(self, rows: Sequence[Row]) -> list[str]:
        """The parameters of the statement. Of rows with the same key the last one counts, as one by one."""
        if self.key:
            rows = list({tuple(row[place] for place in self.key): row for row in rows}.values())
        return [json.dumps(column, ensure_ascii=False) for column in zip(*rows, strict=True)]


def bulk_of(statement: str, types: Callable[[str], Mapping[str, str]]) -> Bulk | None:
    """The same for many rows; None for what is not an INSERT of values. `types` are those of a table's columns."""
    found = _INSERT.fullmatch(statement)
    if found is None or "SELECT" in found[3]:
        return None
    table, names, values, conflict, key = found.groups()
    columns = names.split(", ")
    known = types(table)
    given: list[str] = []
    selected: list[str] = []
    for column, value in zip(columns, values.split(", "), strict=True):
        if "%s" in value:
            given.append(column)
            value = f"CAST(given.{column} AS {known[column]})"
        selected.append(value)
    taken_apart = ", ".join(["json_array_elements_text(%s)"] * len(given))
    return Bulk(
        f"INSERT INTO {table} ({names}) SELECT {', '.join(selected)}"
        f" FROM ROWS FROM ({taken_apart}) AS given ({', '.join(given)}){conflict or ''}",
        tuple(given.index(column) for column in key.split(", ")) if key else (),
    )
