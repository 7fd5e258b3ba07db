"""Many rows in one INSERT. Each column is sent as one array of JSON, which both sides take apart without a loop.

Of rows that are sent one by one, binding and executing costs either side more than what is done with them. So the few
rows of a run that begins or ends, which are of several tables, are one statement, too.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence

from perdure._platform.named import NamedTuple
from perdure._store.sql.database import Row
from perdure._store.sql.statements import Statements

FEWEST = 4  # rows that are worth it
_INSERT = re.compile(r"INSERT INTO (\w+) \(([^()]*)\) VALUES \((.*?)\)( ON CONFLICT(?: \(([^()]*)\))? DO .*)?")


_MOST_STATES = 4  # in a statement with the other rows of their run


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


def in_one(sql: Statements, steps: Sequence[tuple[str, Sequence[Row]]]) -> tuple[str, Row] | None:
    """The rows of one flow run, a table each, as one statement with its parameters; None for others.

    The parts of such a statement see nothing of each other, and run in any order: none may read what another one
    writes, or write the same row.
    """
    if len(steps) < 2:
        return None
    tables = 0
    for statement, rows in steps:
        if statement == sql.add_state:
            if len(rows) > _MOST_STATES:
                return None
        elif len(rows) == 1 and statement in (sql.create_flow_run, sql.advance_flow_run, sql.put_start):
            pass
        elif len(rows) == 1 and statement in (sql.put_plain_result, sql.put_result):
            tables += 1
        else:
            return None
    if tables > 1:
        return None
    parts = [statement for statement, rows in steps for _ in rows]
    text = ", ".join(f"part{place} AS ({part})" for place, part in enumerate(parts))
    return f"WITH {text} SELECT 1", tuple(value for _, rows in steps for row in rows for value in row)
