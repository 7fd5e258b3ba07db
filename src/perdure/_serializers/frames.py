"""Tables and tensors in pickles: memory that their libraries would copy goes beside the stream, and no more of it.

Frames of polars go as Arrow tables. Arrays of Arrow that are slices would take along all that they are slices of.
"""

import copyreg
import functools
import pickle
from collections import ChainMap
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from perdure._platform.exception_reducers import are_changed, is_of_tblib
from perdure._platform.finished_imports import imported
from perdure._serializers.payload import THRESHOLD
from perdure._serializers.tensors import tensor_reducers

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

Reducers = dict[type, Callable[[Any], Any]]

_SLACK = 1.5  # times what the rows take: what is left of larger tables is written only up to this
_VIEW = 16  # bytes that each text of polars takes beside its characters


def prepare_dispatch_table(pickler: object, spill: Callable[[], None] | None) -> None:
    """Pickle large values of the libraries in this process in this way; `spill` is called with each, if there is one.

    Exceptions are pickled as they are where nobody has imported Dask: it changes how those of all classes are.
    """
    own = {} if spill is None else {**_array_reducers(), **_frame_reducers(spill), **tensor_reducers(spill)}
    is_changed = are_changed()
    if own or is_changed:
        # cloudpickle's own attribute hides the one that the pickler looks at once it is made.
        member: Any = vars(pickle.Pickler)["dispatch_table"]
        known: Any = getattr(pickler, "dispatch_table", copyreg.dispatch_table)
        if is_changed:
            known = {kind: each for kind, each in known.items() if not is_of_tblib(each)}
        member.__set__(pickler, known.new_child(own) if isinstance(known, ChainMap) else {**known, **own})


def _array_reducers() -> Reducers:
    library = imported("pyarrow.lib")
    return {} if library is None else _reducers_of(library)


@functools.lru_cache(maxsize=1)
def _reducers_of(library: Any) -> Reducers:
    # Tables, batches and chunked arrays are pickled as the arrays that they are made of. Pickles look at exact classes.
    return {kind: _reduce for kind in _subclasses(library.Array) if kind.__module__ == library.__name__}


def _subclasses(kind: type[object]) -> Iterator[type]:
    for each in kind.__subclasses__():
        yield each
        yield from _subclasses(each)


def _reduce(array: "pa.Array") -> object:
    size = array.get_total_buffer_size()
    if size >= THRESHOLD and size > _SLACK * array.nbytes:
        array = _own_rows(array)
    return array.__reduce_ex__(pickle.HIGHEST_PROTOCOL)


def _own_rows(array: "pa.Array") -> "pa.Array":
    """A copy of an array that holds nothing besides."""
    import pyarrow as pa

    if pa.types.is_string_view(array.type):  # concatenated, these would share their text
        return array.cast(pa.large_string()).cast(array.type)
    if pa.types.is_binary_view(array.type):
        return array.cast(pa.large_binary()).cast(array.type)
    return pa.concat_arrays([array, array.slice(0, 0)])


def _frame_reducers(spill: Callable[[], None]) -> Reducers:
    polars = imported("polars")
    if polars is None:
        return {}

    def reduce_frame(frame: "pl.DataFrame") -> Any:
        table = _table_of(frame)
        if table is None:
            return frame.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
        spill()
        return frame_from_arrow, (table,)

    def reduce_series(series: "pl.Series") -> Any:
        table = _table_of(series.to_frame())
        if table is None:
            return series.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
        spill()
        return series_from_arrow, (table,)

    return {polars.DataFrame: reduce_frame, polars.Series: reduce_series}


def _table_of(frame: "pl.DataFrame") -> "pa.Table | None":
    """A large frame as a table in the same memory, if it comes back from that with the very types that it has.

    None as well if the memory holds much besides: the rows of a frame that this one is a part of.
    """
    import polars as pl

    try:
        import pyarrow  # noqa: F401
    except ImportError:
        return None
    texts = {pl.String, pl.Binary}
    same = {pl.Boolean, pl.Date, pl.Datetime, pl.Duration, pl.Time, pl.Float32, pl.Float64, *texts}
    same |= {pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64}
    types = [dtype.base_type() for dtype in frame.dtypes]
    needed = frame.estimated_size()
    if needed < THRESHOLD or not same.issuperset(types):
        return None
    needed += _VIEW * frame.height * sum(each in texts for each in types)
    table = frame.to_arrow(compat_level=pl.CompatLevel.newest())
    return table if table.get_total_buffer_size() <= _SLACK * needed else None


def frame_from_arrow(table: "pa.Table") -> "pl.DataFrame":
    """The frame that was written as a table, in the table's own memory."""
    import polars as pl

    frame = pl.from_arrow(table, rechunk=False)
    assert isinstance(frame, pl.DataFrame)
    return frame


def series_from_arrow(table: "pa.Table") -> "pl.Series":
    """The series that was written as a table of one column."""
    return frame_from_arrow(table).to_series()
