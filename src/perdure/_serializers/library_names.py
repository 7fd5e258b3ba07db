"""What "numpy.*" and the like stand for: by library, the classes of its values, and the modules that may have them.

A library has thousands of classes, and some open files, run tests or set options when they are called or get a state.
Of a library that is listed here, a pattern admits the classes of values alone; each other can be listed in full.
"""

from collections.abc import Mapping

from perdure._platform.named import NamedTuple


class Values(NamedTuple):
    """The classes of a library's values by their own names, and the beginnings of the modules that have them."""

    modules: tuple[str, ...]
    names: frozenset[str]

    def has(self, module: str, name: str) -> bool:
        """Whether a name that a pickle gives is one of them, as far as that is known before its module is imported."""
        return (f"{module}.".startswith(self.modules) or "." not in module) and name in self.names


def _values(modules: str, *names: str) -> Values:
    return Values(tuple(modules.split()), frozenset(" ".join(names).split()))


LIBRARIES: Mapping[str, Values] = {
    "numpy": _values(
        "numpy._core. numpy.core. numpy.ma. numpy.matrixlib. numpy.rec. numpy.char. numpy.polynomial. "
        "numpy.random. numpy.dtypes. numpy.lib._polynomial_impl. numpy.lib.polynomial.",
        "ndarray dtype matrix recarray record MaskedArray MaskedConstant mvoid chararray poly1d Polynomial",
        "Chebyshev Hermite HermiteE Laguerre Legendre Generator RandomState BitGenerator SeedSequence MT19937",
        "PCG64 PCG64DXSM Philox SFC64 bool bool_ bytes_ str_ void object_ datetime64 timedelta64 float16",
        "float32 float64 longdouble float128 complex64 complex128 clongdouble complex256 int8 int16 int32",
        "int64 longlong uint8 uint16 uint32 uint64 ulonglong intc uintc BoolDType BytesDType StrDType",
        "StringDType VoidDType ObjectDType DateTime64DType TimeDelta64DType Float16DType Float32DType",
        "Float64DType LongDoubleDType Complex64DType Complex128DType CLongDoubleDType Int8DType Int16DType",
        "Int32DType Int64DType LongLongDType UInt8DType UInt16DType UInt32DType UInt64DType ULongLongDType",
    ),
    "pandas": _values(
        "pandas.core. pandas._libs. pandas.arrays. pandas.tseries.offsets.",
        "DataFrame Series Index RangeIndex MultiIndex CategoricalIndex DatetimeIndex IntervalIndex",
        "PeriodIndex TimedeltaIndex Int64Index UInt64Index Float64Index NumericIndex Categorical",
        "ArrowExtensionArray ArrowStringArray ArrowStringArrayNumpySemantics BooleanArray DatetimeArray",
        "FloatingArray IntegerArray IntervalArray NumpyExtensionArray PandasArray PeriodArray SparseArray",
        "StringArray StringArrayNumpySemantics TimedeltaArray ArrowDtype BooleanDtype CategoricalDtype",
        "DatetimeTZDtype Float32Dtype Float64Dtype Int8Dtype Int16Dtype Int32Dtype Int64Dtype UInt8Dtype",
        "UInt16Dtype UInt32Dtype UInt64Dtype IntervalDtype NumpyEADtype PandasDtype PeriodDtype SparseDtype",
        "StringDtype Timestamp Timedelta Period Interval NAType NaTType BlockManager SingleBlockManager Block",
        "BlockPlacement BlockIndex IntIndex SparseFrame Flags FrozenList DateOffset BDay BMonthEnd",
        "BHalfYearBegin BHalfYearEnd BMonthBegin BQuarterBegin BQuarterEnd BYearBegin BYearEnd BusinessDay",
        "BusinessHour BusinessMonthBegin BusinessMonthEnd CBMonthBegin CBMonthEnd CDay CustomBusinessDay",
        "CustomBusinessHour Day CustomBusinessMonthBegin CustomBusinessMonthEnd Easter FY5253 FY5253Quarter",
        "HalfYearBegin HalfYearEnd Hour LastWeekOfMonth Micro Milli Minute MonthBegin MonthEnd Nano",
        "QuarterBegin QuarterEnd Second SemiMonthBegin SemiMonthEnd Week WeekOfMonth YearBegin YearEnd",
    ),
    "polars": _values(
        "polars.dataframe. polars.series. polars.datatypes. polars.schema.",
        "DataFrame Series Schema Array Binary Boolean Categorical Categories Date Datetime Decimal Duration Enum Field",
        "Float16 Float32 Float64 Int8 Int16 Int32 Int64 Int128 List Null Object String Struct Time UInt8 UInt16 UInt32",
        "UInt64 UInt128 Unknown Utf8",
    ),
    "pyarrow": Values((), frozenset()),  # the functions that rebuild its values make all of them
    "torch": _values("torch.", "Size device"),
}
