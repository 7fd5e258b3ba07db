"""Frames and series of pandas as Arrow tables: what pyarrow loses of them is noted beside, or refused."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from typing import Any

import pyarrow as pa

from perdure.core.errors import SerializationError

# What pandas infers of objects that come back as they are, or, text, as text; and of those that may.
_KEPT = {"string", "bytes", "empty"}
_COMPARED = {"date", "time", "decimal", "mixed"}
_ROWS = 65_536  # that are compared at a time


def take(value: Any) -> pa.Table:
    """A frame or series as a table."""
    return pa.Table.from_pandas(value if hasattr(value, "columns") else value.to_frame())


def notes(value: Any) -> dict[str, Any]:
    """What is to be noted beside the table: `give` needs it."""
    freq = _freq(value.index)
    return {
        **({"unnamed": True} if getattr(value, "name", "") is None else {}),
        **({"freq": freq.freqstr} if freq is not None else {}),
        **({} if value.flags.allows_duplicate_labels else {"unique_labels": True}),
    }


def give_series(table: pa.Table, origin: dict[str, Any]) -> Any:
    """The reverse of `take` for a series; `origin` are the notes."""
    series = give(table, origin).iloc[:, 0]
    return series.rename(None) if origin.get("unnamed") else series


def give(table: pa.Table, origin: dict[str, Any]) -> Any:
    """The reverse of `take` for a frame; `origin` are the notes."""
    value = table.to_pandas()
    if "freq" in origin:
        from pandas.tseries.frequencies import to_offset  # type: ignore[import-untyped, unused-ignore]

        with suppress(ValueError):  # another version of pandas may name it otherwise
            freq = to_offset(origin["freq"]) * origin.get("step", 1)
            value.index = type(value.index)(value.index, freq=freq)
    return value.set_flags(allows_duplicate_labels=False) if origin.get("unique_labels") else value


def check(value: Any, empty: Any, table: pa.Table) -> None:
    """Refuse what would come back otherwise; `empty` is what comes back of the table's first no rows."""
    for place, ((what, here), (_, there)) in enumerate(zip(_parts(value), _parts(empty), strict=True)):
        if here.dtype == object:
            _check_objects(what, here, table.column(place))
        elif here.dtype != there.dtype:
            _refuse(f"{what} is of {here.dtype!r}, which would come back as {there.dtype!r}", "Convert it")
    if _freq(value.index) != _freq(empty.index):
        _refuse(f"The frequency {_freq(value.index)!r} of the index would not come back", "Set index.freq to None")
    if value.attrs != empty.attrs:
        _refuse(f"The attrs {value.attrs!r} would come back as {empty.attrs!r}", "Use plain JSON values in attrs")


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """The columns, and then the levels of the index, in the order of the table."""
    if hasattr(value, "columns"):
        for label, column in value.items():
            yield f"The column {label!r}", column
    else:
        yield "The Series", value
    for level in range(value.index.nlevels):
        name = value.index.names[level]
        yield "The index" if name is None else f"The index {name!r}", value.index.get_level_values(level)


def _freq(index: Any) -> Any:
    # Of times; the frequency of periods is their type.
    return getattr(index, "freq", None) if index.dtype.kind in "mM" else None


def _check_objects(what: str, values: Any, column: pa.ChunkedArray) -> None:
    from pandas.api.types import infer_dtype  # type: ignore[import-untyped, unused-ignore]

    kind = infer_dtype(values, skipna=True)
    if kind in _KEPT or (kind == "boolean" and column.null_count):  # without a missing one, they become plain bool
        return
    mend = "Give it a type, such as by convert_dtypes()"
    if kind not in _COMPARED:
        _refuse(f"{what} is of Python objects ({kind}), which would come back as {column.type}", mend)
    cells = values.to_numpy()
    for start in range(0, len(cells), _ROWS):
        after = column.slice(start, _ROWS).to_pandas()
        for here, there in zip(cells[start : start + _ROWS], after, strict=True):
            if not _is_same(here, there):
                _refuse(f"{what} has the object {here!r:.80}, which would come back as {there!r:.80}", mend)


def _is_same(here: Any, there: Any) -> bool:
    if there is None:  # pandas has several ways to say that something is missing
        return here is None or isinstance(here, float) or type(here).__name__ == "NAType"
    if type(here) is not type(there):
        return False
    # 1.2 and 1.20 are equal, and not the same. Dates take a fifth of the time in this way.
    return bool(here == there) if type(here) is date else repr(here) == repr(there)


def _refuse(fault: str, mend: str) -> None:
    raise SerializationError(f"{fault}. {mend}, or use the serializer 'pickle'.")
