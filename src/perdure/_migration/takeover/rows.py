"""Rows of the source as they are, by the names of their columns."""

import json
from collections.abc import Iterator

from perdure._migration.takeover.context import Context
from perdure._migration.takeover.source import Row


def rows_of(context: Context, table: str) -> Iterator[dict[str, object]]:
    """All rows of a table, by their ids; none if there is no such table."""
    if table not in context.source.columns:
        return
    types = context.source.columns[table]
    columns = ", ".join(f'"{name}"' for name in types)
    for page in context.source.stream(f'SELECT {columns} FROM "{table}" ORDER BY id'):
        for row in page:
            yield {name: _decoded(types[name], value) for name, value in zip(types, row, strict=True)}


def _decoded(type: str, value: Row | object) -> object:
    if "json" not in type or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
