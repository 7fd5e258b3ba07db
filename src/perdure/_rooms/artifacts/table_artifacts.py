"""Artifacts that are tables: their rows as JSON, as many of them as are kept with a run."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from typing import Any

from perdure._model.errors import ArtifactError
from perdure._platform.surrogates import spelled
from perdure._rooms.artifacts.creation import MOST, ArtifactId, keep
from perdure._run.log_reporting import run_log

_CHUNK = 500  # rows that are made into JSON at a time


def create_table_artifact(table: object, key: str | None = None, description: str | None = None) -> ArtifactId:
    """Keep a table with the current run; its id.

    `table` is a list of dicts or of lists, a dict of columns, or a data frame of pandas, polars or pyarrow. Cells that
    JSON has no form for are kept as text. Of a table that takes more than a MiB as JSON, the first rows are kept, and
    how many there were; the run's log says so.

    Raises:
        ArtifactError: it is no table, or the key is malformed.
    """
    data = table_data(table)
    if "total" in data:
        run_log("artifacts").warning(
            "The table %s is larger than a MiB, so the first %s of its %s rows are kept. Return it, and persist it as a"
            " result, to have it whole.",
            "of an artifact" if key is None else repr(key),
            f"{len(data['rows']):,}",
            f"{data['total']:,}",
        )
    return keep("table", data, key, description)


def table_data(table: object) -> dict[str, Any]:
    """The columns' names and the rows of a table; of one that is too large the first ones, and how many there were.

    Raises:
        ArtifactError: it is no table.
    """
    columns, rows, count = _parts_of(table)
    room = MOST - len(json.dumps(columns).encode(errors="replace")) - 100
    kept, is_whole = _kept(rows, room)
    return {"columns": columns, "rows": kept} | ({} if is_whole else {"total": count})


Row = Sequence[object]
Parts = tuple[list[str], Iterator[Row], int]  # the names of the columns, the rows, and how many they are


def _parts_of(table: Any) -> Parts:
    package = type(table).__module__.partition(".")[0]
    if package == "pandas" and hasattr(table, "columns"):
        rows = table.itertuples(index=False, name=None)
        return [str(name) for name in table.columns], rows, len(table)
    if package == "polars" and hasattr(table, "iter_rows"):
        return list(table.columns), table.iter_rows(), len(table)
    if package == "pyarrow" and hasattr(table, "to_pydict"):
        starts = range(0, table.num_rows, _CHUNK)
        columns = (table.slice(start, _CHUNK).to_pydict().values() for start in starts)
        rows = chain.from_iterable(zip(*each, strict=True) for each in columns)
        return [str(name) for name in table.column_names], rows, table.num_rows
    if isinstance(table, Mapping):
        return _of_columns(table)
    if isinstance(table, Iterable) and not isinstance(table, str | bytes):
        return _of_rows(list(table))
    raise _no_table(table)


def _of_columns(table: Mapping[Any, Any]) -> Parts:
    columns = list(table.values())
    if not all(isinstance(each, Sequence) and not isinstance(each, str | bytes) for each in columns):
        raise _no_table(table)
    if len({len(each) for each in columns}) > 1:
        raise ArtifactError("The columns of the table have different lengths. Give each as many cells as the others.")
    return [str(name) for name in table], zip(*columns, strict=True), len(columns[0]) if columns else 0


def _of_rows(rows: list[Any]) -> Parts:
    if all(isinstance(row, Mapping) for row in rows):
        names = list(dict.fromkeys(name for row in rows for name in row))
        return [str(name) for name in names], ([row.get(name) for name in names] for row in rows), len(rows)
    if not all(isinstance(row, Sequence) and not isinstance(row, str | bytes) for row in rows):
        raise _no_table(rows)
    width = max(map(len, rows), default=0)
    wide = ([*row, *[None] * (width - len(row))] for row in rows)
    return [str(place) for place in range(width)], wide, len(rows)


def _kept(rows: Iterator[Row], room: int) -> tuple[list[Row], bool]:
    """The first rows, as JSON has them, that take no more bytes than there is room; and whether they are all."""
    kept: list[Row] = []
    while chunk := list(islice(rows, _CHUNK)):
        for row in _as_json_has_them(chunk):
            room -= len(json.dumps(row, ensure_ascii=False).encode(errors="replace")) + 2  # what separates them
            if room < 0:
                return kept, False
            kept.append(row)
    return kept, True


def _as_json_has_them(rows: Sequence[Row]) -> list[Row]:
    from pydantic_core import PydanticSerializationError, to_json  # tables are few, and most flows have none

    made: list[Row]
    to_text = partial(to_json, fallback=_plain, bytes_mode="base64", inf_nan_mode="strings")
    try:
        made = json.loads(to_text(rows))
    except PydanticSerializationError:  # perhaps of a name of a file that is not UTF-8
        made = json.loads(to_text(_spelled(rows)))
    return made


def _spelled(cells: object) -> object:
    if isinstance(cells, str):
        return spelled(cells)
    if isinstance(cells, dict):
        return {_spelled(name): _spelled(cell) for name, cell in cells.items()}
    return [_spelled(each) for each in cells] if isinstance(cells, list | tuple) else cells


def _plain(cell: object) -> object:
    """A cell of NumPy's as Python's own; all others as text."""
    return cell.item() if hasattr(cell, "item") and getattr(cell, "shape", None) == () else str(cell)


def _no_table(table: object) -> ArtifactError:
    return ArtifactError(
        f"A {type(table).__name__} is no table. Give a list of dicts or of lists, a dict of columns, or a data frame."
    )
