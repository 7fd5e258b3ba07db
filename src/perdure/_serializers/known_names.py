"""Names in pickles that are known: what is harmless, and what the values of libraries are rebuilt by."""

from collections.abc import Mapping


def _names(module: str, names: str) -> frozenset[str]:
    return frozenset(f"{module}.{name}" for name in names.split())


# Types and functions that compute or hold a value and do nothing else, whatever they are called with.
HARMLESS = frozenset[str]().union(
    _names("builtins", "bool bytearray bytes complex dict float frozenset int list object range set slice str tuple"),
    _names("builtins", "Ellipsis NotImplemented"),
    _names("perdure._model.generator_outcomes", "GeneratedItems"),
    _names("collections", "ChainMap Counter OrderedDict UserDict UserList UserString defaultdict deque"),
    _names("copyreg", "__newobj__ __newobj_ex__ _reconstructor"),
    _names("datetime", "date datetime time timedelta timezone"),
    _names("decimal", "Decimal"),
    _names("fractions", "Fraction"),
    _names("ipaddress", "IPv4Address IPv4Interface IPv4Network IPv6Address IPv6Interface IPv6Network"),
    _names("pathlib", "Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath"),
    _names("pathlib._local", "Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath"),
    _names("re", "_compile"),
    _names("uuid", "UUID SafeUUID"),
    _names("zoneinfo", "ZoneInfo"),
    _names("json.decoder", "JSONDecodeError"),
    _names("perdure._model.generator_outcomes", "GeneratedItems"),
)

# By library: the functions that its values are rebuilt by. They call nothing but what the pickle may name anyway.
REBUILDERS: Mapping[str, frozenset[str]] = {
    "numpy": frozenset[str]().union(
        _names("numpy._core.multiarray", "_reconstruct scalar"),
        _names("numpy._core.numeric", "_frombuffer"),
        _names("numpy._core._internal", "_convert_to_stringdtype_kwargs"),
        _names("numpy.ma.core", "_mareconstruct"),
        _names("numpy.random._pickle", "__bit_generator_ctor __generator_ctor __randomstate_ctor"),
        _names("numpy.random.bit_generator", "__pyx_unpickle_SeedSequence"),
    ),
    "torch": _names("perdure._serializers.tensors", "tensor_from_memory"),
    "pandas": frozenset[str]().union(
        _names("pandas", "NA"),
        _names("pandas._libs.missing", "NA"),
        _names("pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked"),
        _names("pandas._libs.internals", "_unpickle_block"),
        _names("pandas._libs.interval", "__pyx_unpickle_IntervalMixin"),
        _names("pandas._libs.tslibs.nattype", "_nat_unpickle"),
        _names("pandas._libs.tslibs.timedeltas", "_timedelta_unpickle"),
        _names("pandas._libs.tslibs.timestamps", "_unpickle_timestamp"),
        _names("pandas.core.indexes.base", "_new_Index"),
        _names("pandas.core.indexes.datetimes", "_new_DatetimeIndex"),
        _names("pandas.core.indexes.interval", "_new_IntervalIndex"),
        _names("pandas.core.indexes.period", "_new_PeriodIndex"),
        _names("pandas.core.indexes.timedeltas", "_new_TimedeltaIndex"),
        _names("dateutil.relativedelta", "relativedelta"),
    ),
    "pyarrow": frozenset[str]().union(
        _names("pyarrow.lib", "_reconstruct_record_batch _reconstruct_table _restore_array chunked_array py_buffer"),
        _names("pyarrow.lib", "KeyValueMetadata scalar field schema type_for_alias bool8 uuid"),
        _names("pyarrow.lib", "binary dictionary fixed_shape_tensor large_list large_list_view list_ list_view map_"),
        _names("pyarrow.lib", "decimal32 decimal64 decimal128 decimal256 duration time32 time64 timestamp"),
        _names("pyarrow.lib", "dense_union run_end_encoded sparse_union struct union"),
    ),
    "polars": _names("perdure._serializers.frames", "frame_from_arrow series_from_arrow"),
}
