"""Frames of polars in pickles, as Arrow tables: their memory goes beside the stream, where polars would copy it."""

import copyreg
import pickle
import sys
from collections import ChainMap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from perdure.serializers.payload import THRESHOLD

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa


def extend_dispatch_table(pickler: Any, spill: Callable[[], None]) -> None:
    """Have a pickler take large frames and series, if this process has them, in this way; `spill` is told of each."""
    polars = sys.modules.get("polars")
    if polars is None:
        return

    def reduce_frame(frame: "pl.DataFrame") -> Any:
        if not _fits(frame):
            return frame.__reduce_ex__(5)
        spill()
        return frame_from_arrow, (frame.to_arrow(compat_level=polars.CompatLevel.newest()),)

    def reduce_series(series: "pl.Series") -> Any:
        frame = series.to_frame()
        if not _fits(frame):
            return series.__reduce_ex__(5)
        spill()
        return series_from_arrow, (frame.to_arrow(compat_level=polars.CompatLevel.newest()),)

    # cloudpickle's own attribute hides the one that the pickler looks at once it is made.
    member: Any = vars(pickle.Pickler)["dispatch_table"]
    known = getattr(pickler, "dispatch_table", copyreg.dispatch_table)
    own = {polars.DataFrame: reduce_frame, polars.Series: reduce_series}
    member.__set__(pickler, known.new_child(own) if isinstance(known, ChainMap) else {**known, **own})


def _fits(frame: "pl.DataFrame") -> bool:
    """Whether a frame is large, and comes back from Arrow with the very types that it has."""
    import polars as pl

    try:
        import pyarrow  # noqa: F401
    except ImportError:
        return False
    same = {pl.Boolean, pl.String, pl.Binary, pl.Date, pl.Datetime, pl.Duration, pl.Time, pl.Float32, pl.Float64}
    same |= {pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64}
    return frame.estimated_size() >= THRESHOLD and {dtype.base_type() for dtype in frame.dtypes} <= same


def frame_from_arrow(table: "pa.Table") -> "pl.DataFrame":
    """The frame that was written as a table, in the table's own memory."""
    import polars as pl

    frame = pl.from_arrow(table, rechunk=False)
    assert isinstance(frame, pl.DataFrame)
    return frame


def series_from_arrow(table: "pa.Table") -> "pl.Series":
    """The series that was written as a table of one column."""
    return frame_from_arrow(table).to_series()
