"""Frames and series of pandas as Arrow tables: what pyarrow loses of them is noted beside, or refused."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, date
from typing import Any

import pandas as pd
import pyarrow as pa

from perdure._model.errors import SerializationError
from perdure._serializers import pandas_forms as forms
from perdure._serializers.json_decode import decode
from perdure._serializers.json_encode import encode, is_plain

# What pandas infers of objects that come back as they are, and the type that each of these has then; and of those
# that may come back.
_KEPT = {"string": str, "bytes": bytes, "boolean": bool, "empty": None}
_COMPARED = {"date", "time", "decimal", "mixed"}
_ROWS = 65_536  # that are compared at a time
_OBJECTS = "Give it a type, such as by convert_dtypes()"


def take(value: pd.DataFrame | pd.Series) -> pa.Table:
    """A frame or series as a table."""
    names = value.index.names
    if any(name is not None and type(name) is not str for name in names):  # these are noted; pyarrow warns of them
        value = value.copy(deep=False)
        value.index = value.index.set_names([None if name is None else str(name) for name in names])
    return pa.Table.from_pandas(value if hasattr(value, "columns") else value.to_frame())


def notes(value: pd.DataFrame | pd.Series, table: pa.Table) -> dict[str, object]:
    """What is to be noted beside the table: `give` needs it."""
    freq = _freq(value.index)
    noted = {
        "unnamed": getattr(value, "name", "") is None,
        "name": None if hasattr(value, "columns") else _names([value.name]),
        "freq": freq.freqstr if freq is not None else None,
        "unique_labels": not value.flags.allows_duplicate_labels,
        "index_names": _index_names(value.index),
        "columns": _columns(value.columns) if hasattr(value, "columns") else None,
        "utc": _utc(value, table),
        "objects": _objects(value, table),
        "strings": _strings(value, table),
    }
    return {name: note for name, note in noted.items() if note}


def _index_names(index: pd.Index) -> object:
    # That of a range without rows would not come back, and whether the range does is found out so.
    return _names(index.names, kept=() if type(index).__name__ == "RangeIndex" else (str,))


def _names(names: Iterable[object], kept: tuple[type, ...] = (str,)) -> object:
    """Names as JSON, unless pyarrow keeps all of them."""
    if all(name is None or type(name) in kept for name in names):
        return None
    with suppress(SerializationError):
        return encode(list(names))
    return None


def _columns(columns: pd.Index) -> dict[str, object]:
    kind, freq = type(columns).__name__, _freq(columns)
    noted = {
        "range": [columns.start, columns.stop, columns.step] if kind == "RangeIndex" else None,
        "object": kind == "Index" and columns.dtype == object and set(map(type, columns)) <= {str},
        "freq": freq.freqstr if freq is not None else None,
        "names": _index_names(columns),
    }
    return {name: note for name, note in noted.items() if note}


def _utc(value: object, table: pa.Table) -> list[str]:
    """The columns of times in the UTC of `datetime`, which would come back in that of `zoneinfo`."""
    places = enumerate(_parts(value))
    return [table.column_names[place] for place, (_, part) in places if getattr(part.dtype, "tz", None) is UTC]


def _objects(value: object, table: pa.Table) -> dict[str, str]:
    """What is missing in each column of Python objects: those are made of its text, bytes and so on again."""
    parts = [(place, what, part) for place, (what, part) in enumerate(_parts(value)) if part.dtype == object]
    return {table.column_names[place]: forms.missing_in(what, part) for place, what, part in parts}


def _strings(value: pd.DataFrame | pd.Series, table: pa.Table) -> dict[str, str]:
    """The storage of each level of the index that is of pandas' own type of text: it would come back as another."""
    levels = value.index.nlevels
    names = [*table.column_names[-levels:]]
    dtypes = (value.index.get_level_values(level).dtype for level in range(levels))
    found = {name: forms.storage_of_strings(dtype) for name, dtype in zip(names, dtypes, strict=False)}
    return {name: storage for name, storage in found.items() if storage is not None}


def give_series(table: pa.Table, origin: dict[str, object]) -> pd.Series:
    """The reverse of `take` for a series; `origin` are the notes."""
    series = give(table, origin).iloc[:, 0]
    if "name" in origin:
        return series.rename(decode(origin["name"])[0])
    return series.rename(None) if origin.get("unnamed") else series


def give(table: pa.Table, origin: dict[str, Any]) -> pd.DataFrame:
    """The reverse of `take` for a frame; `origin` are the notes."""
    value = table.to_pandas()
    forms.restore_parts(value, table, origin.get("objects", {}), set(origin.get("utc", ())), origin.get("strings", {}))
    if "freq" in origin:
        value.index = _with_freq(value.index, origin["freq"], origin.get("step", 1))
    if "index_names" in origin:
        value.index.names = decode(origin["index_names"])
    columns = origin.get("columns", {})
    if "range" in columns:
        value.columns = forms.as_range(value.columns, range(*columns["range"]))
    if columns.get("object"):
        value.columns = value.columns.astype(object)
    if "freq" in columns:
        value.columns = _with_freq(value.columns, columns["freq"], 1)
    if "names" in columns:
        value.columns.names = decode(columns["names"])
    return value.set_flags(allows_duplicate_labels=False) if origin.get("unique_labels") else value


def _with_freq(index: pd.Index, freq: str, step: int) -> object:
    from pandas.tseries.frequencies import to_offset  # type: ignore[import-untyped, unused-ignore]

    with suppress(ValueError):  # another version of pandas may name it otherwise, and a part may have none
        return type(index)(index, freq=to_offset(freq) * step)
    return index


def check(value: pd.DataFrame | pd.Series, empty: pd.DataFrame | pd.Series, table: pa.Table) -> None:
    """Refuse what would come back otherwise; `empty` is what comes back of the table's first no rows."""
    for place, ((what, here), (_, there)) in enumerate(zip(_parts(value), _parts(empty), strict=True)):
        if here.dtype == object:
            _check_objects(what, here, table.column(place))
        elif here.dtype != there.dtype or forms.of_dtype(here.dtype) != forms.of_dtype(there.dtype):
            _refuse(f"{what} is of {here.dtype!r}, which would come back as {there.dtype!r}", "Convert it")
        elif forms.hidden_nans(here):
            _refuse(f"{what} has NaN besides missing values, which would come back as missing", "Fill one of them")
    if _freq(value.index) != _freq(empty.index):
        _refuse(f"The frequency {_freq(value.index)!r} of the index would not come back", "Set index.freq to None")
    _check_labels("The index", value.index, empty.index, "Convert it, or its names to text")
    if hasattr(value, "columns"):
        _check_labels("The index of the columns", value.columns, empty.columns, "Make it plain text")
    if not is_plain(value.attrs) or value.attrs != empty.attrs:
        _refuse(f"The attrs {value.attrs!r} would come back as {empty.attrs!r}", "Use plain JSON values in attrs")


def _check_labels(what: str, here: object, there: object, remedy: str) -> None:
    if forms.of_index(here) != forms.of_index(there):
        _refuse(f"{what} {forms.of_index(here)} would come back as {forms.of_index(there)}", remedy)


def _parts(value: pd.DataFrame | pd.Series) -> Iterator[tuple[str, pd.Series | pd.Index]]:
    """The columns, and then the levels of the index, in the order of the table."""
    if hasattr(value, "columns"):
        for label, column in value.items():
            yield f"The column {label!r}", column
    else:
        yield "The Series", value
    for level in range(value.index.nlevels):
        name = value.index.names[level]
        yield "The index" if name is None else f"The index {name!r}", value.index.get_level_values(level)


def _freq(index: pd.Index) -> pd.offsets.BaseOffset | None:
    # Of times; the frequency of periods is their type.
    return getattr(index, "freq", None) if index.dtype.kind in "mM" else None


def _check_objects(what: str, values: pd.Series | pd.Index, column: pa.ChunkedArray) -> None:
    from pandas.api.types import infer_dtype  # type: ignore[import-untyped, unused-ignore]

    kind = infer_dtype(values, skipna=True)
    if kind in _KEPT:
        others = set(map(type, values)) - forms.MISSING_TYPES - {_KEPT[kind]}
        if others:
            name = min(each.__qualname__ for each in others)
            _refuse(f"{what} has objects of {name}, which would come back as {column.type}", _OBJECTS)
        return
    if kind not in _COMPARED:
        _refuse(f"{what} is of Python objects ({kind}), which would come back as {column.type}", _OBJECTS)
    cells = values.to_numpy()
    for start in range(0, len(cells), _ROWS):
        after = column.slice(start, _ROWS).to_pandas()
        for here, there in zip(cells[start : start + _ROWS], after, strict=True):
            if not _is_same(here, there):
                _refuse(f"{what} has the object {here!r:.80}, which would come back as {there!r:.80}", _OBJECTS)
    if kind == "mixed" and forms.has_nulls(column):  # how a part that is missing comes back depends on the others
        _refuse(f"{what} has objects with missing parts, which would come back as others", _OBJECTS)


def _is_same(here: object, there: object) -> bool:
    if there is None:
        return type(here) in forms.MISSING_TYPES
    if type(here) is not type(there):
        return False
    # 1.2 and 1.20 are equal, and not the same. Dates take a fifth of the time in this way.
    return bool(here == there) if type(here) is date else repr(here) == repr(there)


def _refuse(fault: str, remedy: str) -> None:
    raise SerializationError(f"{fault}. {remedy}, or use the serializer 'pickle'.")
