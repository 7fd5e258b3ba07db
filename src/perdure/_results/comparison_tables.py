"""Comparing tables of pandas, polars and pyarrow, column by column."""

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal

from perdure._platform.finished_imports import imported
from perdure._platform.named import NamedTuple
from perdure._results.comparison_arrays import differing, largest_difference, value_text
from perdure._results.comparison_changes import MAX_SAMPLES, Change, Found, Sample

if TYPE_CHECKING:
    import numpy
    import pandas
    import polars
    import pyarrow
    from numpy.typing import NDArray


class Column(NamedTuple):
    """A column of a table of whichever library."""

    dtype: str
    rows: int
    values: Any  # of the library's own
    differs: Callable[[Any, Any], Any]  # two columns' values, of one length, to a mask


def columns_of(value: object) -> dict[str, Column] | None:
    """A table's columns by name; None if the value is no table. No library is imported for it."""
    for module, kinds, read in _READERS:
        library = imported(module)
        if library is not None and isinstance(value, tuple(getattr(library, kind) for kind in kinds)):
            return read(value)
    return None


def compare_tables(a: dict[str, Column], b: dict[str, Column], path: str, found: Found) -> None:
    """Two tables of one library."""
    rows = [next((column.rows for column in table.values()), 0) for table in (a, b)]
    if rows[0] != rows[1]:
        kind: Literal["added", "removed"] = "added" if rows[1] > rows[0] else "removed"
        found.add(Change(f"{path}.rows", kind, f"{rows[0]:,} rows", f"{rows[1]:,} rows", abs(rows[1] - rows[0])))
    for name, column in a.items():
        place = f"{path}[{name!r}]"
        if name not in b:
            found.add(Change(place, "removed", before=column.dtype))
        else:
            _compare_columns(column, b[name], place, found, min(rows))
    for name, column in b.items():
        if name not in a:
            found.add(Change(f"{path}[{name!r}]", "added", after=column.dtype))
    common = [name for name in a if name in b]
    if common != [name for name in b if name in a]:
        found.add(Change(f"{path}.columns", "changed", ", ".join(common)[:200], ", ".join(b)[:200]))


def _compare_columns(a: Column, b: Column, path: str, found: Found, rows: int) -> None:
    if a.dtype != b.dtype:
        found.add(Change(path, "retyped", a.dtype, b.dtype))
    import numpy

    one, other = a.values[:rows], b.values[:rows]
    try:
        mask = numpy.asarray(a.differs(one, other), bool)
    except Exception:  # what the library cannot compare, such as columns of different types
        mask = differing(_objects(one), _objects(other))
    places = numpy.flatnonzero(mask)
    if not len(places):
        return
    samples = [
        Sample(f"row {place:,}", value_text(_item(one, place)), value_text(_item(other, place)))
        for place in map(int, places[:MAX_SAMPLES])
    ]
    largest = _largest(one, other, mask)
    found.add(Change(path, "changed", count=len(places), total=rows, largest=largest, samples=tuple(samples)))


def _largest(one: object, other: object, mask: "NDArray[numpy.bool_]") -> float | None:
    import numpy

    try:
        return largest_difference(numpy.asarray(one)[mask], numpy.asarray(other)[mask])
    except (TypeError, ValueError):
        return None


def _objects(values: Any) -> Any:
    import numpy

    listed = list(values)
    array = numpy.empty(len(listed), object)
    array[:] = listed
    return array


def _item(values: Any, place: int) -> object:
    item = values.iloc[place] if hasattr(values, "iloc") else values[place]
    return item.as_py() if hasattr(item, "as_py") else item


def _named(pairs: "Iterable[tuple[object, Column]]") -> dict[str, Column]:
    """By name as text; names that come again are numbered."""
    named: dict[str, Column] = {}
    for name, column in pairs:
        text, number = str(name), 2
        while text in named:
            text, number = f"{name} #{number}", number + 1
        named[text] = column
    return named


def _of_pandas(value: "pandas.DataFrame | pandas.Series") -> dict[str, Column]:
    pandas = sys.modules["pandas"]
    rows = len(value)
    if isinstance(value, pandas.Series):
        pairs = [(value.name if value.name is not None else "values", value.reset_index(drop=True))]
    else:
        pairs = [(name, value.iloc[:, at].reset_index(drop=True)) for at, name in enumerate(value.columns)]
    index = value.index
    if isinstance(index, pandas.MultiIndex):
        levels = [index.get_level_values(level) for level in range(index.nlevels)]
        pairs = [
            (f"index {level.name or at}", level.to_series(index=range(rows))) for at, level in enumerate(levels)
        ] + pairs
    elif not isinstance(index, pandas.RangeIndex):
        pairs.insert(0, ("index", index.to_series(index=range(rows))))
    return _named((name, Column(str(each.dtype), rows, each, _pandas_differs)) for name, each in pairs)


def _pandas_differs(a: "pandas.Series", b: "pandas.Series") -> object:
    return a.ne(b).fillna(value=True) & ~(a.isna() & b.isna())


def _of_polars(value: Any) -> dict[str, Column]:
    pairs = [(each.name, each) for each in (value.get_columns() if hasattr(value, "get_columns") else [value])]
    return _named((name, Column(str(each.dtype), len(each), each, _polars_differs)) for name, each in pairs)


def _polars_differs(a: "polars.Series", b: "polars.Series") -> object:
    return a.ne_missing(b).to_numpy()


def _of_arrow(value: "pyarrow.Table") -> dict[str, Column]:
    pairs = zip(value.schema.names, value.columns, strict=True)
    return _named((name, Column(str(each.type), len(each), each, _arrow_differs)) for name, each in pairs)


def _arrow_differs(a: "pyarrow.ChunkedArray", b: "pyarrow.ChunkedArray") -> object:
    import pyarrow.compute

    compute: Any = pyarrow.compute
    mask = compute.fill_null(compute.not_equal(a, b), True)  # a null and a value
    mask = compute.and_(mask, compute.invert(compute.and_(a.is_null(nan_is_null=True), b.is_null(nan_is_null=True))))
    return mask.to_numpy(zero_copy_only=False) if hasattr(mask, "chunks") else mask.to_numpy(False)


_READERS: tuple[tuple[str, tuple[str, ...], Callable[[object], dict[str, Column]]], ...] = (
    ("pandas", ("DataFrame", "Series"), _of_pandas),
    ("polars", ("DataFrame", "Series"), _of_polars),
    ("pyarrow", ("Table", "RecordBatch"), _of_arrow),
)
