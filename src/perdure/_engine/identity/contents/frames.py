"""What counts of pandas' values: contents, types, labels, names, frequencies, categories, zones, attributes, flags."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.extensions import ExtensionArray, ExtensionDtype

from perdure._engine.identity.contents.arrays import is_plain, is_plain_type
from perdure._engine.identity.contents.content import Content, Describe, attributes, objects, only
from perdure._engine.identity.names import name_of
from perdure._platform.named import NamedTuple

PartsOf = Callable[[ExtensionArray], dict[str, object]]  # what counts of an array of one class


class Plain(NamedTuple):
    """A table that is its header, its labels and its arrays, and nothing else."""

    header: str
    names: list[object]
    arrays: list[NDArray[np.generic]]


def describer_of(kind: type) -> Describe | None:
    """What says of values of one of pandas' types, or of a type derived from one, what counts of them."""
    for base, describe in _DESCRIBERS.items():
        if issubclass(kind, base):
            return describe
    return None


def plain(table: pd.DataFrame | pd.Series | pd.Index) -> Plain | None:
    """A table of numbers with the labels that pandas gives by itself; None if more than that counts of it."""
    kind = type(table)
    if kind is pd.Index or (kind is pd.RangeIndex and _numbers_rows(table)):
        names, arrays = list(table.names), [table.to_numpy()]
    elif kind in (pd.DataFrame, pd.Series) and _has_nothing_beside(table) and _counts_rows(table.index):
        columns = [table.iloc[:, place] for place in range(table.shape[1])] if kind is pd.DataFrame else [table]
        names = list(table.columns) if kind is pd.DataFrame else [table.name]
        if kind is pd.DataFrame and not _are_usual(table.columns, names):
            return None
        if not all(isinstance(each.dtype, np.dtype) for each in columns):
            return None
        arrays = [each.to_numpy() for each in (*columns, table.index)]
    else:
        return None
    if not all(is_plain(each) for each in arrays) or any(type(each) not in (str, int, type(None)) for each in names):
        return None
    types = table.dtypes if table.ndim == 2 else [table.dtype]
    return Plain(f"{kind.__name__}{table.shape}{[str(each) for each in types]}", names, arrays)


def _has_nothing_beside(table: pd.DataFrame | pd.Series) -> bool:
    if table.index.name is not None:
        return False
    return not table.attrs and table.flags.allows_duplicate_labels and not _beside(table)


def _counts_rows(index: pd.Index) -> bool:
    return type(index) is pd.RangeIndex and index.name is None and _numbers_rows(index)


def _numbers_rows(labels: pd.RangeIndex) -> bool:
    return (labels.start, labels.stop, labels.step) == (0, len(labels), 1)


def _are_usual(columns: pd.Index, names: list[object]) -> bool:
    """Whether the columns' labels are such as pandas itself makes of a list of texts, or of nothing."""
    if type(columns) is pd.RangeIndex:
        return _counts_rows(columns)
    return (
        type(columns) is pd.Index
        and columns.name is None
        and bool(names)
        and only(names, str)
        and columns.dtype == _usual_type_of_labels()
    )


def _usual_type_of_labels() -> object:
    return pd.Index(["a"]).dtype


def _beside(table: pd.DataFrame | pd.Series) -> Mapping[str, object]:
    """What was set on a table itself, by its class or by its user."""
    found = {name: item for name, item in vars(table).items() if not name.startswith("_")}
    return {**found, **{name: getattr(table, name, None) for name in type(table)._metadata if name != "_name"}}


def _frame(value: pd.DataFrame) -> Content:
    parts = {"columns": value.columns, "index": value.index}
    for place in range(value.shape[1]):
        parts[f".iloc[:, {place}]"] = value.iloc[:, place].array
    known = (
        type(value) is pd.DataFrame and _has_nothing_beside(value) and _are_usual(value.columns, list(value.columns))
    )
    return Content(f"frame {name_of(type(value))}", {**parts, **_description_of(value)}, known)


def _series(value: pd.Series) -> Content:
    parts = {"name": value.name, "index": value.index, "values": value.array, **_description_of(value)}
    return Content(f"series {name_of(type(value))}", parts, type(value) is pd.Series and _has_nothing_beside(value))


def _description_of(table: pd.DataFrame | pd.Series) -> dict[str, object]:
    return {
        "attrs": table.attrs,
        "duplicates": table.flags.allows_duplicate_labels,
        "attributes": attributes({name: item for name, item in _beside(table).items() if name != "name"}),
    }


def _index(value: pd.Index) -> Content:
    parts = {"name": value.name, "values": value.array, "frequency": getattr(value, "freq", None)}
    return Content(f"index {name_of(type(value))}", parts, type(value) is pd.Index and value.name is None)


def _range(value: pd.RangeIndex) -> Content:
    parts = {"name": value.name, "start": value.start, "stop": value.stop, "step": value.step}
    return Content("range of labels", parts, _counts_rows(value))


def _levels(value: pd.MultiIndex) -> Content:
    codes = tuple(np.asarray(each) for each in value.codes)
    parts = {"levels": tuple(value.levels), "codes": codes, "names": tuple(value.names)}
    return Content(f"levels {name_of(type(value))}", parts, keeps_former=False)


def _extension(value: ExtensionArray) -> Content | None:
    """An extension's array; None if it is another library's, whose own reduction counts."""
    kind: type[ExtensionArray] = type(value)
    for base, parts_of in _ARRAYS.items():
        if issubclass(kind, base):
            parts = {"type": value.dtype, **parts_of(value)}
            return Content(f"column {name_of(kind)}", parts, _was_right(value.dtype))
    return None


def _was_right(dtype: object) -> bool:
    """Whether columns of this type had digests of their own before."""
    if isinstance(dtype, pd.StringDtype):
        return dtype.na_value is np.nan
    numpy_type = getattr(dtype, "numpy_dtype", None)
    return numpy_type is not None and type(dtype).__name__ == "NumpyEADtype" and is_plain_type(numpy_type)


def _of_numpy(value: pd.arrays.NumpyExtensionArray) -> dict[str, object]:
    return {"values": value.to_numpy()}


def _of_times(value: pd.arrays.DatetimeArray | pd.arrays.TimedeltaArray | pd.arrays.PeriodArray) -> dict[str, object]:
    parts = {"values": np.asarray(value.asi8), "frequency": getattr(value, "freq", None)}
    return parts if isinstance(value, pd.arrays.PeriodArray) else {**parts, "unit": value.unit}


def _of_categories(value: pd.Categorical) -> dict[str, object]:
    return {"codes": np.asarray(value.codes)}


def _of_intervals(value: pd.arrays.IntervalArray) -> dict[str, object]:
    return {"left": value.left, "right": value.right}


def _of_masked(value: pd.arrays.IntegerArray | pd.arrays.FloatingArray | pd.arrays.BooleanArray) -> dict[str, object]:
    """What lies under the mask cannot be seen."""
    mask, data = value._mask, value._data
    return {"missing": mask, "values": np.where(mask, data.dtype.type(), data) if mask.any() else data}


def _of_sparse(value: pd.arrays.SparseArray) -> dict[str, object]:
    places = value.sp_index.to_int_index().indices
    return {"values": value.sp_values, "places": np.asarray(places), "length": len(value), "kind": value.kind}


def _of_arrow(value: pd.arrays.ArrowExtensionArray) -> dict[str, object]:
    return {"values": value._pa_array}


def _of_objects(value: pd.arrays.StringArray) -> dict[str, object]:
    return {"values": objects(list(value))}


def _arrow_arrays() -> dict[type, PartsOf]:
    """Arrays over Arrow's; pandas names only one of their classes in public."""
    kinds = (pd.arrays.ArrowStringArray, pd.arrays.ArrowExtensionArray)
    return dict.fromkeys(kinds, _of_arrow)


_ARRAYS: dict[type, PartsOf] = {
    **_arrow_arrays(),
    pd.arrays.NumpyExtensionArray: _of_numpy,
    pd.arrays.DatetimeArray: _of_times,
    pd.arrays.TimedeltaArray: _of_times,
    pd.arrays.PeriodArray: _of_times,
    pd.Categorical: _of_categories,
    pd.arrays.IntervalArray: _of_intervals,
    pd.arrays.IntegerArray: _of_masked,
    pd.arrays.FloatingArray: _of_masked,
    pd.arrays.BooleanArray: _of_masked,
    pd.arrays.SparseArray: _of_sparse,
    pd.arrays.StringArray: _of_objects,
}


def _timestamp(value: pd.Timestamp) -> Content | None:
    if value is pd.NaT:
        return None
    return Content("timestamp", {"value": value._value, "unit": value.unit, "zone": value.tzinfo, "fold": value.fold})


def _categories(value: pd.CategoricalDtype) -> Content:
    return Content("categories", {"categories": value.categories, "ordered": value.ordered}, keeps_former=False)


def _texts(value: pd.StringDtype) -> Content:
    return Content("type of texts", {"storage": value.storage, "missing": value.na_value}, _was_right(value))


def _type(value: ExtensionDtype) -> Content | None:
    """A type of columns; None if it is another library's, whose own reduction counts."""
    if type(value).__module__.partition(".")[0] != "pandas":
        return None
    parts = {f".{name}": getattr(value, name) for name in value._metadata}
    return Content(f"type {name_of(type(value))}", {"name": str(value), **parts}, _was_right(value))


def _times(value: pd.DatetimeTZDtype) -> Content:
    return Content("type of times", {"unit": value.unit, "zone": value.tz}, keeps_former=False)


_DESCRIBERS: dict[type, Describe] = {
    pd.DataFrame: _frame,
    pd.Series: _series,
    pd.MultiIndex: _levels,
    pd.RangeIndex: _range,
    pd.Index: _index,
    ExtensionArray: _extension,
    pd.Timestamp: _timestamp,
    pd.CategoricalDtype: _categories,
    pd.StringDtype: _texts,
    pd.DatetimeTZDtype: _times,
    ExtensionDtype: _type,
}
