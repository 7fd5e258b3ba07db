"""What counts of Arrow's and polars' values: types and contents; neither chunks nor slices, nor what nulls lie over."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from perdure._engine.identity.contents.content import Content, Describe, Raw, objects
from perdure._engine.identity.names import name_of
from perdure._platform.finished_imports import imported

if TYPE_CHECKING:
    import polars
    import pyarrow


def describer_of(kind: type) -> Describe | None:
    """What describes the values of one of these libraries' types; None for other types."""
    for module, describers in (("pyarrow", _ARROW), ("polars", _POLARS)):
        loaded = imported(module)
        for name, describe in describers.items() if loaded is not None else ():
            if issubclass(kind, getattr(loaded, name)):
                return describe
    return None


def _array(value: "pyarrow.Array") -> Content:
    return Content("arrow array", {"type": value.type, "values": _column([value], value.type)})


def _chunked(value: "pyarrow.ChunkedArray") -> Content:
    return Content("arrow column", {"type": value.type, "values": _column_of(value)})


def _table(value: "pyarrow.Table") -> Content:
    parts = {"schema": value.schema, **{f".column({place})": each for place, each in enumerate(value.columns)}}
    return Content(f"arrow table {name_of(type(value))}", parts)


def _scalar(value: "pyarrow.Scalar") -> Content:
    import pyarrow

    try:
        alone = pyarrow.repeat(value, 1)  # `as_py` would round times
    except pyarrow.ArrowNotImplementedError:
        alone = pyarrow.array([value.as_py()], value.type)
    return Content(f"arrow scalar {name_of(type(value))}", {"value": alone})


def _buffer(value: "pyarrow.Buffer") -> Content:
    return Content("arrow buffer", {"bytes": Raw((memoryview(value).cast("B"),))})


def _column_of(column: "pyarrow.ChunkedArray") -> Content:
    return _column(column.unify_dictionaries().chunks, column.type)


def _column(chunks: "Sequence[pyarrow.Array]", kind: "pyarrow.DataType") -> Content:
    """The values of arrays of one type, as if they were one."""
    from pyarrow import types

    parts: dict[str, object] = {"length": sum(map(len, chunks))}
    if any(each.null_count for each in chunks):
        parts["missing"] = Raw(tuple(memoryview(_missing(each)) for each in chunks))
    if types.is_dictionary(kind):
        parts["places"] = _column([each.indices for each in chunks], kind.index_type)
        parts["dictionary"] = chunks[0].dictionary if chunks else None
    elif types.is_struct(kind):
        inner = [each.flatten() for each in chunks]
        for place in range(kind.num_fields):
            parts[f".field({place})"] = _column([each[place] for each in inner], kind.field(place).type)
    elif types.is_list(kind) or types.is_large_list(kind):
        parts["lengths"] = Raw(tuple(_numbers(each.value_lengths().fill_null(0)) for each in chunks))
        parts["values"] = _column([each.flatten() for each in chunks], kind.value_type)
    elif types.is_fixed_size_list(kind):
        parts["values"] = _column([each.flatten() for each in chunks], kind.value_type)
    elif isinstance(kind, sys.modules["pyarrow"].BaseExtensionType):
        parts["storage"] = _column([each.storage for each in chunks], kind.storage_type)
    else:
        parts |= _flat(chunks, kind)
    return Content("arrow values", parts)


def _flat(chunks: "Sequence[pyarrow.Array]", kind: "pyarrow.DataType") -> dict[str, object]:
    """The values of arrays that have no others inside."""
    from pyarrow import types

    if types.is_null(kind):
        return {}
    if types.is_boolean(kind):
        return {"values": Raw(tuple(_numbers(each.fill_null(False)) for each in chunks))}
    if any(is_one(kind) for is_one in (types.is_string, types.is_binary)):
        return _texts(chunks, 4)
    if any(is_one(kind) for is_one in (types.is_large_string, types.is_large_binary)):
        return _texts(chunks, 8)
    if types.is_string_view(kind) or types.is_binary_view(kind):
        plain = sys.modules["pyarrow"].large_string() if types.is_string_view(kind) else "large_binary"
        return _texts([each.cast(plain) for each in chunks], 8)
    if types.is_primitive(kind) or types.is_decimal(kind) or types.is_fixed_size_binary(kind):
        return {"values": Raw(tuple(_fixed(each, kind.bit_width // 8) for each in chunks))}
    return {"stream": Raw((_stream(chunks, kind),))}


def _missing(array: "pyarrow.Array") -> Any:
    return array.is_null().to_numpy(zero_copy_only=False)


def _numbers(array: "pyarrow.Array") -> memoryview:
    return memoryview(array.to_numpy(zero_copy_only=False)).cast("B")


def _fixed(array: "pyarrow.Array", width: int) -> memoryview:
    """The bytes of values of one width, with zeros for those that are missing."""
    import numpy as np

    start, buffer = array.offset * width, array.buffers()[1]
    if buffer is None or not len(array):
        return memoryview(b"")
    found = memoryview(buffer).cast("B")[start : start + len(array) * width]
    if not array.null_count:
        return found
    filled = np.frombuffer(found, "u1").reshape(len(array), width).copy()
    filled[_missing(array)] = 0
    return memoryview(filled.reshape(-1).data)


def _texts(chunks: "Sequence[pyarrow.Array]", width: int) -> dict[str, object]:
    """The lengths of texts or of bytes, and they themselves, one after the other."""
    parts = [_text(each, width) for each in chunks if len(each)]
    return {
        "lengths": Raw(tuple(memoryview(lengths).cast("B") for lengths, _ in parts)),
        "values": Raw(tuple(data for _, data in parts)),
    }


def _text(array: "pyarrow.Array", width: int) -> tuple[Any, memoryview]:
    import numpy as np

    _, places, data = array.buffers()
    offsets = np.frombuffer(places, f"i{width}")[array.offset : array.offset + len(array) + 1]
    lengths = np.diff(offsets)
    if array.null_count and lengths[_missing(array)].any():
        return _text(_filled(array), width)
    return lengths, memoryview(b"" if data is None else data).cast("B")[offsets[0] : offsets[-1]]


def _filled(array: "pyarrow.Array") -> object:
    """The array with nothing where values are missing."""
    from pyarrow import types

    return array.fill_null("" if types.is_string(array.type) or types.is_large_string(array.type) else b"")


def _stream(chunks: Sequence[object], kind: object) -> memoryview:
    """Values of any other type, as Arrow writes them."""
    import pyarrow

    whole = pyarrow.concat_arrays(chunks) if chunks else pyarrow.array([], kind)
    batch, sink = pyarrow.record_batch([whole], ["values"]), pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, batch.schema) as stream:
        stream.write(batch)
    return memoryview(sink.getvalue())


_ARROW: dict[str, Describe] = {
    "Array": _array,
    "ChunkedArray": _chunked,
    "Table": _table,
    "RecordBatch": _table,
    "Scalar": _scalar,
    "Buffer": _buffer,
}


def _frame(value: "polars.DataFrame") -> Content:
    parts = {f".to_series({place})": each for place, each in enumerate(value.get_columns())}
    return Content(f"polars frame {name_of(type(value))}", parts)


def _series(value: "polars.Series") -> Content:
    parts = {"name": value.name, "type": value.dtype, "length": len(value)}
    if _has_places_of_process(str(value.dtype)):
        parts["values"] = _as_objects(value)
    elif "128" not in str(value.dtype) and ("pyarrow" in sys.modules or _has_arrow()):  # Arrow has no such integers
        parts["values"] = _as_arrow(value)
    else:
        parts["values"] = _as_objects(value)
    return Content(f"polars series {name_of(type(value))}", parts)


def _as_objects(series: "polars.Series") -> object:
    """The values as Python has them; times, which it would round, as numbers."""
    import polars

    kind = series.dtype
    if kind == polars.Struct:
        columns = series.struct.unnest().get_columns()
        return "struct", series.is_null().to_list(), [_as_objects(each) for each in columns]
    if kind == polars.Array:
        return "array", _as_objects(series.arr.to_list())
    if kind == polars.List:
        return "list", series.list.len().to_list(), _as_objects(series.explode())
    if kind.is_temporal():
        return "times", series.to_physical().to_list()
    return objects(series.to_list())


def _as_arrow(series: "polars.Series") -> object:
    """The values as Arrow has them; those of a slice are copied where a version of polars gives them in pieces."""
    import pyarrow

    found = series.rechunk().to_arrow()
    if pyarrow.types.is_nested(found.type) and (found.offset or not _is_valid(found)):
        found = series.gather(list(range(len(series)))).to_arrow()
        found.validate()
    return found


def _is_valid(array: "pyarrow.Array") -> bool:
    import pyarrow

    try:
        array.validate()
    except pyarrow.ArrowInvalid:
        return False
    return True


def _has_places_of_process(kind: str) -> bool:
    """Whether values are places in a list of the process, or anything: then Arrow does not have them as they are."""
    return any(name in kind for name in ("Categorical", "Object"))


def _has_arrow() -> bool:
    from importlib.util import find_spec

    return find_spec("pyarrow") is not None


def _type(value: object) -> Content | None:
    """A type of elements; None if its own reduction says all."""
    return Content("polars type", {"name": repr(value)}) if "Categorical" in repr(value) else None


_POLARS: dict[str, Describe] = {"DataFrame": _frame, "Series": _series, "DataType": _type}
