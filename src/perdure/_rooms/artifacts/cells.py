"""Tables: rows of cells as JSON holds them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from perdure._model.errors import ArtifactError
from perdure._rooms.artifacts.creation import ArtifactId, keep

_ROWS = 1_000


def create_table_artifact(table: object, key: str | None = None, description: str | None = None) -> ArtifactId:
    """Keep a table of at most 1,000 rows with the current run; its id.

    `table` is a list of dicts or of lists, a dict of columns, or a data frame of pandas, polars or pyarrow. Cells that
    JSON has no form for are kept as text.

    Raises:
        ArtifactError: it is no table, has more rows, takes more than a MiB, or the key is malformed.
    """
    return keep("table", table_data(table), key, description)


def table_data(table: object) -> dict[str, object]:
    """The columns' names and the rows of a table of at most 1,000 rows.

    Raises:
        ArtifactError: it is no table, or has more rows.
    """
    columns, rows = _parts_of(table)
    if len(rows) > _ROWS:
        raise ArtifactError(
            f"The table has more than {_ROWS:,} rows, which is the most of a table artifact. Keep the first ones,"
            " such as table[:1000] or frame.head(1000), and return the whole as the run's result."
        )
    return {"columns": columns, "rows": _as_json(rows)}


def _parts_of(table: Any) -> tuple[list[str], list[list[object]]]:
    """The columns' names, and at most one row more than are kept."""
    package = type(table).__module__.partition(".")[0]
    if package == "pandas" and hasattr(table, "columns"):
        first = table.head(_ROWS + 1)
        return [str(name) for name in table.columns], [list(row) for row in first.itertuples(index=False, name=None)]
    if package == "polars" and hasattr(table, "rows"):
        return list(table.columns), [list(row) for row in table.head(_ROWS + 1).rows()]
    if package == "pyarrow" and hasattr(table, "to_pydict"):
        return _of_columns(table.slice(0, _ROWS + 1).to_pydict())
    if isinstance(table, Mapping):
        return _of_columns(table)
    if isinstance(table, Iterable) and not isinstance(table, str | bytes):
        return _of_rows(list(islice(table, _ROWS + 1)))
    raise _no_table(table)


def _of_columns(table: Mapping[Any, Any]) -> tuple[list[str], list[list[object]]]:
    columns = list(table.values())
    if not all(isinstance(each, Sequence) and not isinstance(each, str | bytes) for each in columns):
        raise _no_table(table)
    if len({len(each) for each in columns}) > 1:
        raise ArtifactError("The columns of the table have different lengths. Give each as many cells as the others.")
    return [str(name) for name in table], [list(row) for row in islice(zip(*columns, strict=True), _ROWS + 1)]


def _of_rows(rows: list[Any]) -> tuple[list[str], list[list[object]]]:
    if all(isinstance(row, Mapping) for row in rows):
        names = list(dict.fromkeys(name for row in rows for name in row))
        return [str(name) for name in names], [[row.get(name) for name in names] for row in rows]
    if not all(isinstance(row, Sequence) and not isinstance(row, str | bytes) for row in rows):
        raise _no_table(rows)
    width = max(map(len, rows), default=0)
    return [str(place) for place in range(width)], [[*row, *[None] * (width - len(row))] for row in rows]


def _as_json(rows: list[list[object]]) -> object:
    from pydantic_core import to_json  # tables are few, and most flows have none

    return json.loads(to_json(rows, fallback=_plain, bytes_mode="base64", inf_nan_mode="strings"))


def _plain(cell: object) -> object:
    """A cell of NumPy's as Python's own; all others as text."""
    return cell.item() if hasattr(cell, "item") and getattr(cell, "shape", None) == () else str(cell)


def _no_table(table: object) -> ArtifactError:
    return ArtifactError(
        f"A {type(table).__name__} is no table. Give a list of dicts or of lists, a dict of columns, or a data frame."
    )
