"""Tables: the columns, the first rows, and how much memory they take."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from perdure._platform.named import NamedTuple
from perdure._platform.redaction import REDACTED
from perdure._previews.text import beginning, head, is_naming, names_a_secret, number
from perdure._previews.tree import Tree, encode
from perdure._previews.types import attribute, is_any, is_of, loaded, name_of

if TYPE_CHECKING:
    import pandas
    import pyarrow

ROWS, COLUMNS = 10, 20  # that are shown at most
_ROOM = 3_800  # characters of JSON
_SIZES = ((10, 20, 40), (10, 20, 12), (10, 12, 10), (6, 10, 10), (3, 6, 10), (0, 4, 10))  # rows, columns, characters
_CELL = 40  # characters
_LARGE = 65_536  # bytes of a column's first cells that are still made into Python's own values


class Head(NamedTuple):
    """A column's name, type, and first cells, of which there are `ROWS` at most."""

    name: object
    dtype: str
    cells: Sequence[object]


def tabular(value: object, kind: type) -> dict[str, object] | None:
    """What may be shown of a table or column of pandas, polars or pyarrow; None for all others."""
    if is_any(kind, "pandas", "DataFrame", "Series"):
        return _pandas(value, kind)
    if is_of(kind, "polars") and is_any(kind, "polars", "DataFrame", "Series"):
        return _polars(value, kind)
    if is_of(kind, "pyarrow") and is_any(kind, "pyarrow", "Table", "RecordBatch", "Array", "ChunkedArray"):
        return _pyarrow(value, kind)
    return None


def table(
    type: str,
    rows: int,
    width: int,
    heads: Sequence[Head],
    memory: int,
    index: Sequence[object] | None = None,
) -> dict[str, object]:
    """A table's preview, with as much of its first cells as there is room for; `memory` is in bytes.

    Beyond the first `COLUMNS`, `heads` has those columns that name what lies in the others.
    """
    rest = {"kind": "table", "type": type, "rows": rows, "width": width, "memory": memory}
    columns = heads[:COLUMNS]
    names = [cell(each.name, _CELL) for each in columns]
    namings = [each for each in heads if is_naming(each.name)] or list(heads[: width == 2])  # of two, the first
    secret_rows = _secret_rows(namings, index)
    texts = [
        _texts(each, name, set() if any(each is one for one in namings) else secret_rows)
        for each, name in zip(columns, names, strict=True)
    ]
    labels = None if index is None else [cell(each, _CELL) for each in index]
    shown: dict[str, object] = {}
    for height, most, length in _SIZES:
        shown = rest | {
            "columns": [
                {"name": name, "dtype": head(each.dtype, _CELL)}
                for name, each in zip(names[:most], columns[:most], strict=True)
            ],
            "head": [[_cut(text, length) for text in row] for row in zip(*texts[:most], strict=True)][:height],
        }
        if labels is not None:
            shown["index"] = [_cut(text, length) for text in labels[:height]]
        if len(encode(shown)) <= _ROOM:
            break
    return shown


def _secret_rows(namings: Sequence[Head], index: Sequence[object] | None) -> set[int]:
    """The rows whose label, or whose cell in a column of names, is the name of a secret."""
    labels = () if index is None else [each if type(each) is str else cell(each, _CELL) for each in index]
    columns = [labels, *(each.cells for each in namings)]
    return {row for names in columns for row, name in enumerate(names) if names_a_secret(name)}


def _texts(column: Head, name: str, secret_rows: set[int]) -> list[str]:
    if names_a_secret(column.name if type(column.name) is str else name):
        return [REDACTED] * len(column.cells)
    return [REDACTED if row in secret_rows else cell(item, _CELL) for row, item in enumerate(column.cells)]


def shown_columns(names: Sequence[object]) -> list[int]:
    """The columns to have the heads of: the first ones, and those of the others that name what lies beside them."""
    return [at for at, name in enumerate(names[:_SEARCHED]) if at < COLUMNS or is_naming(name)][: 2 * COLUMNS]


_SEARCHED = 1_000  # columns


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length or text == REDACTED else f"{text[: length - 1]}…"


def cell(value: Any, length: int) -> str:
    """A value as one short line."""
    kind = type(value)
    if kind is float:
        return f"{value:.7g}"
    if kind is str:
        shown = beginning(value, length).replace("\n", "\\n").replace("\t", "\\t")
        return shown if len(value) <= length else _cut(f"{shown}…", length)
    if value is None or kind is bool:
        return str(value)
    if kind is int:
        return str(number(value))
    found = Tree(length * 3, 4).of(value)
    text = found if type(found) is str else encode(found)
    return _cut(text, length)


# pandas


def _pandas(value: "pandas.DataFrame | pandas.Series | pandas.Index", kind: type) -> dict[str, object]:
    """A frame, or a series as a table of one column. What a subclass adds is not asked."""
    base = loaded("pandas", "DataFrame" if is_any(kind, "pandas", "DataFrame") else "Series")
    manager = attribute(value, "_mgr")
    memory = sum(block.values.nbytes for block in manager.blocks)
    first = (value if kind is base else base._from_mgr(manager, manager.axes)).iloc[:ROWS]
    if base is loaded("pandas", "Series"):
        columns, width = [(attribute(value, "_name"), first)], 1
    else:
        width = len(manager.axes[0])
        columns = (first if width <= COLUMNS else first.iloc[:, shown_columns(list(first.columns[:_SEARCHED]))]).items()
    heads = [Head("" if name is None else name, str(column.dtype), _cells(column)) for name, column in columns]
    return table(name_of(kind), len(manager.axes[-1]), width, heads, memory, _index(first.index))


def _cells(column: "pandas.Series") -> Sequence[object]:
    """The cells of a column's head. Of an array type from elsewhere, none: its code may do anything."""
    dtype = type(column.dtype)
    if is_of(dtype, "pandas") or is_of(dtype, "numpy"):
        return cast("Sequence[object]", column.tolist())
    return ["…"] * len(column)


def _index(index: "pandas.Index") -> Sequence[object] | None:
    """The labels of a frame's head, if they say more than the rows' numbers."""
    if is_any(type(index), "pandas", "RangeIndex") or not is_of(type(index), "pandas"):
        return None
    if any(names_a_secret(name) for name in index.names):
        return [REDACTED] * len(index)
    return list(index)


# polars and pyarrow


def _polars(value: Any, kind: type) -> dict[str, object]:
    if is_any(kind, "polars", "Series"):
        value = value.to_frame()
    rows, width = value.shape
    first = value[:, shown_columns(value.columns)].head(ROWS)
    columns = [
        Head(each.name, str(each.dtype), each.to_list() if each.estimated_size() <= _LARGE else ["…"] * len(each))
        for each in first.get_columns()
    ]
    return table(name_of(kind), rows, width, columns, value.estimated_size())


def _pyarrow(value: "pyarrow.Table", kind: type) -> dict[str, object]:
    if not is_any(kind, "pyarrow", "Table", "RecordBatch"):
        return table(name_of(kind), len(value), 1, [_arrow_column("", value)], value.nbytes)
    names = value.column_names
    columns = [_arrow_column(names[at], value.column(at)) for at in shown_columns(names)]
    return table(name_of(kind), value.num_rows, len(names), columns, value.nbytes)


def _arrow_column(name: str, column: "pyarrow.ChunkedArray") -> Head:
    first = column.slice(0, ROWS)
    plain = first.nbytes <= _LARGE and not is_any(type(column.type), "pyarrow", "BaseExtensionType")
    return Head(name, str(column.type), first.to_pylist() if plain else ["…"] * len(first))
