"""What there is to columns and indexes of pandas beside their cells, and how it is restored after Arrow."""

from datetime import UTC
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from perdure._model.errors import SerializationError

# pandas has several ways to say that something is missing, Arrow one.
_MISSING = {"None": None, "nan": float("nan"), "NA": pd.NA, "NaT": pd.NaT}
_NAMES = {type(each): name for name, each in _MISSING.items()}
MISSING_TYPES = frozenset(_NAMES)


def missing_in(what: str, values: pd.Series | pd.Index) -> str:
    """The name of what a column of objects has where something is missing; "None" if nothing is.

    Raises:
        SerializationError: there are two of these, which would come back as one.
    """
    found = sorted(_NAMES[kind] for kind in set(map(type, values)) & MISSING_TYPES)
    if len(found) > 1:
        raise SerializationError(
            f"{what} has {found[0]} besides {found[1]}, and both would come back as the same. Replace one of them, or"
            " use the serializer 'pickle'."
        )
    return found[0] if found else "None"


def restore_parts(
    value: pd.DataFrame, table: pa.Table, objects: dict[str, str], utc: set[str], strings: dict[str, str]
) -> None:
    """Make columns and the index of a frame, as pyarrow gives it, what they were.

    That is objects, times in `datetime`'s UTC, and, in the index, pandas' strings with their kind of storage.
    """
    if not objects and not utc and not strings:
        return
    described = table.schema.pandas_metadata or {}
    index = [each for each in described.get("index_columns", ()) if isinstance(each, str)]
    columns = [name for name in table.column_names if name not in index]
    for place, name in enumerate(columns):
        if name in objects:
            value.isetitem(place, pd.Series(_as_objects(value.iloc[:, place], objects[name]), value.index, object))
        elif name in utc:
            value.isetitem(place, value.iloc[:, place].dt.tz_convert(UTC))
    for level, name in enumerate(index):
        if name in objects or name in utc:
            value.index = _restored(value.index, level, objects.get(name))
        elif name in strings:
            value.index = _with_strings(value.index, level, pd.StringDtype(strings[name]))


def storage_of_strings(dtype: pd.api.extensions.ExtensionDtype) -> str | None:
    """Where values of a type lie that is pandas' own of text, with NA for what is missing; None of another type."""
    is_text = isinstance(dtype, pd.StringDtype) and dtype.na_value is pd.NA
    return str(dtype.storage) if is_text else None


def _with_strings(index: pd.Index, level: int, dtype: pd.StringDtype) -> object:
    if isinstance(index, pd.MultiIndex):
        return index.set_levels(index.levels[level].astype(dtype), level=level)
    return index.astype(dtype)


def _restored(index: pd.Index, level: int, missing: str | None) -> object:
    if not isinstance(index, pd.MultiIndex):
        if missing is None:
            return index.tz_convert(UTC)
        return pd.Index(_as_objects(index, missing), dtype=object, name=index.name)
    if missing is None:
        return index.set_levels(index.levels[level].tz_convert(UTC), level=level)
    return index.set_levels(index.levels[level].astype(object), level=level)


def _as_objects(values: pd.Series | pd.Index, missing: str) -> object:
    objects = np.array(values.astype(object), dtype=object)
    objects[np.asarray(values.isna())] = _MISSING[missing]
    return objects


def hidden_nans(values: pd.Series | pd.Index) -> int:
    """How many NaN a column has that are not marked as missing, in the types that have such marks."""
    mask, data = getattr(values.array, "_mask", None), getattr(values.array, "_data", None)
    if not isinstance(mask, np.ndarray) or not isinstance(data, np.ndarray) or data.dtype.kind != "f":
        return 0
    return int((np.isnan(data) & ~mask).sum())


def as_range(columns: pd.Index, labels: range) -> object:
    """The labels of columns as the range that they were, if all of it is there."""
    return pd.RangeIndex(labels.start, labels.stop, labels.step) if list(columns) == list(labels) else columns


def of_index(index: pd.Index) -> list[str]:
    """All that an index is, beside its labels, as texts to compare."""
    levels = [index.get_level_values(level).dtype for level in range(index.nlevels)]
    named = [f"named {name!r} ({type(name).__name__})" for name in index.names if name is not None]
    freq = getattr(index, "freq", None) if index.dtype.kind in "mM" else None
    # How long a range of rows is, the table says.
    return [type(index).__name__, *map(of_dtype, levels), *named, *([] if freq is None else [f"freq {freq}"])]


def of_dtype(dtype: object) -> str:
    """What is not compared when two types of pandas are, as a text."""
    if isinstance(dtype, pd.CategoricalDtype):
        return f"category({of_dtype(dtype.categories.dtype)}, ordered={dtype.ordered})"
    if isinstance(dtype, pd.DatetimeTZDtype):
        return f"{dtype!r} of {type(dtype.tz).__module__}.{type(dtype.tz).__name__}"
    return dtype.str if isinstance(dtype, np.dtype) else repr(dtype)


def has_nulls(column: pa.ChunkedArray) -> bool:
    """Whether anything is missing in a column, or in a part of its structures."""
    arrays: list[Any] = list(column.chunks)
    for array in arrays:  # and their parts, which are found on the way
        if array.null_count:
            return True
        if pa.types.is_struct(array.type):
            arrays.extend(array.flatten())
    return False
