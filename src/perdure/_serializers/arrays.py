"""Arrays as .npy files: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html."""

import ast
import functools
import io
import math
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, BinaryIO

import numpy as np

from perdure._model.errors import ResultCorrupt, ResultUnreadable, SerializationError
from perdure._platform.named import NamedTuple
from perdure._serializers.parts import bounds, check_names
from perdure._serializers.payload import Bytes

_MAGIC = b"\x93NUMPY"
_ALIGNMENT = 64  # bytes: where the array's memory begins, so that it can be used where it lies
_LENGTHS = {1: "<H", 2: "<I", 3: "<I"}  # of the header, by version
_CHUNK = 16 * 1024 * 1024  # bytes: how much of an array that is not contiguous is copied at a time
_MAX_HEADER = 16 * 1024 * 1024  # bytes; of an array with a hundred thousand fields

Array = np.ndarray[Any, np.dtype[Any]]


def write(value: object, sink: Callable[[Bytes], int]) -> None:
    """Write an array.

    Raises:
        SerializationError: it is none, or not one that comes back as it was.
    """
    array = _checked(value)
    sink(_header(array))
    for piece in _memory(array):
        sink(piece)


def read(data: memoryview) -> Array:
    """The array in a file; it uses the memory of the data if that can be written to.

    Raises:
        ResultCorrupt: it is no such file, or not a whole one.
        ResultUnreadable: it is of a version that is not known here, or holds Python objects.
    """
    layout = _layout(lambda start, size: bytes(data[start : start + size]))
    if len(data) != layout.start + layout.nbytes:
        raise ResultCorrupt(
            f"The array takes {layout.nbytes:,} bytes, but {len(data) - layout.start:,} follow the header."
        )
    if data.readonly:
        data = memoryview(bytearray(data))
    try:
        return np.ndarray(layout.shape, layout.dtype, data, layout.start, order="F" if layout.fortran else "C")
    except (ValueError, TypeError) as error:
        raise ResultCorrupt(f"The header describes no array: {error}.") from None


def read_part(file: BinaryIO, columns: Sequence[str] | None, rows: slice) -> Array:
    """Some rows (of the first dimension), and fields of a structured array; reads little more than it gives.

    Raises what `read` raises; ResultUnreadable as well if the array has no such parts.
    """
    layout = _layout(functools.partial(_read_at, file))
    if columns is not None:
        if layout.dtype.names is None:
            raise ResultUnreadable(
                f"The array is of {layout.dtype}, and only a structured array has columns: its fields. Choose rows."
            )
        check_names(columns, layout.dtype.names)
    if not layout.shape:
        if rows != slice(None):
            raise ResultUnreadable("The array has no dimension, so it has no rows. Get the whole value.")
        part = _rows(file, layout._replace(shape=(1,)), range(1))[0:1].reshape(())
    else:
        part = _rows(file, layout, range(layout.shape[0])[rows])
    return part if columns is None else _fields(part, columns)


class _Layout(NamedTuple):
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool  # whether the first index changes fastest
    start: int  # of the array's memory in the file, in bytes

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def _has_metadata(dtype: "np.dtype[Any]") -> bool:
    """Whether a type, or one that it is made of, has notes of the user's, which files lack."""
    parts = [each[0] for each in (dtype.fields or {}).values()]
    return bool(dtype.metadata) or any(map(_has_metadata, parts if dtype.base is dtype else [*parts, dtype.base]))


def _checked(value: object) -> Array:
    if type(value) is np.memmap:
        value = value.view(np.ndarray)
    if type(value) is not np.ndarray:
        raise SerializationError(_refusal(value))
    if value.dtype.hasobject:
        raise SerializationError(
            f"The array is of {value.dtype}, whose items are elsewhere in memory: a .npy file could only pickle them."
            " Convert it to a type of fixed size, such as astype('U20') or astype(float), or use 'pickle'."
        )
    kept = None
    with suppress(ValueError, TypeError):
        kept = (
            None
            if _has_metadata(value.dtype)
            else np.lib.format.descr_to_dtype(np.lib.format.dtype_to_descr(value.dtype))
        )
    if kept != value.dtype:
        raise SerializationError(
            f"The array is of {value.dtype}, which a .npy file cannot describe. Convert it to another type, or use the"
            " serializer 'pickle'."
        )
    return value


def _refusal(value: object) -> str:
    kind = type(value)
    text = f"The value is a {kind.__module__}.{kind.__qualname__}, but the serializer 'numpy' takes numpy.ndarray"
    if isinstance(value, np.ma.MaskedArray):
        return f"{text} without a mask. Return value.filled() or value.data, or use the serializer 'pickle'."
    if isinstance(value, np.ndarray):
        return f"{text} itself. Return value.view(numpy.ndarray), or use the serializer 'pickle'."
    if isinstance(value, np.generic):
        return f"{text}. Return numpy.asarray(value), or use the serializer 'pickle'."
    if hasattr(value, "__arrow_c_stream__"):
        return f"{text}. Use the serializer 'arrow' or 'parquet' for tables."
    return f"{text}. Use the serializer 'pickle', or 'json' for plain values."


def _header(array: Array) -> bytes:
    fields = np.lib.format.header_data_from_array_1_0(array)
    file = io.BytesIO()
    try:
        np.lib.format.write_array_header_1_0(file, fields)
        return file.getvalue()
    except ValueError:  # a long header, or names of fields beyond Latin-1: both may be in version 3
        text = repr(fields).encode()
        padding = -(len(np.lib.format.magic(3, 0)) + 4 + len(text) + 1) % _ALIGNMENT
        return np.lib.format.magic(3, 0) + struct.pack("<I", len(text) + padding + 1) + text + b" " * padding + b"\n"


def _memory(array: Array) -> Iterator[memoryview | bytes]:
    """The array's bytes; its very memory if it is contiguous."""
    if array.nbytes == 0:
        return
    if array.flags.c_contiguous or array.flags.f_contiguous:
        yield array.reshape(-1, order="A").view(np.uint8).data
        return
    size = max(_CHUNK // array.itemsize, 1)
    for chunk in np.nditer(array, ("external_loop", "buffered"), ("readonly",), buffersize=size, order="C"):
        yield np.asarray(chunk).tobytes()


def _layout(read: Callable[[int, int], bytes]) -> _Layout:
    """What the header says; `read` is given where to begin and how many bytes to read."""
    start = read(0, 12)
    if len(start) < 12 or not start.startswith(_MAGIC):
        raise ResultCorrupt("The data is not a whole .npy file.")
    version = start[6]
    if version not in _LENGTHS:
        raise ResultUnreadable(
            f"The .npy file has the version {version}, and this version of Perdure reads up to {max(_LENGTHS)}."
            " Install a newer one."
        )
    size = struct.calcsize(_LENGTHS[version])
    (length,) = struct.unpack_from(_LENGTHS[version], start, 8)
    text = read(8 + size, min(length, _MAX_HEADER))
    if len(text) < length:
        raise ResultCorrupt("The header of the .npy file is not whole.")
    try:
        return _parsed(text.decode("utf-8" if version >= 3 else "latin-1"), 8 + size + length)
    except (ValueError, TypeError, KeyError, SyntaxError, MemoryError, RecursionError) as error:
        raise ResultCorrupt(f"The header of the .npy file is damaged: {error}.") from None


def _parsed(text: str, start: int) -> _Layout:
    fields = ast.literal_eval(text.strip())
    dtype = np.lib.format.descr_to_dtype(fields["descr"])
    shape, fortran = fields["shape"], fields["fortran_order"]
    if not isinstance(shape, tuple) or any(type(each) is not int or each < 0 for each in shape):
        raise ValueError(f"{shape!r} is no shape")
    if type(fortran) is not bool:
        raise ValueError(f"fortran_order is {fortran!r}")
    if dtype.hasobject:
        raise ResultUnreadable(
            f"The .npy file is of {dtype}: it holds pickled Python objects, which are not loaded from such files."
        )
    return _Layout(dtype, shape, fortran, start)


def _read_at(file: BinaryIO, start: int, size: int) -> bytes:
    file.seek(start)
    return file.read(size)


def _rows(file: BinaryIO, layout: _Layout, wanted: range) -> Array:
    low, high = bounds(wanted) if wanted else (0, 0)
    if layout.fortran and len(layout.shape) > 1:  # each row is all over the file
        low, high = 0, layout.shape[0]
    count = math.prod(layout.shape[1:])
    width = count * layout.dtype.itemsize
    data = _read_at(file, layout.start + low * width, (high - low) * width)
    if len(data) < (high - low) * width:
        raise ResultCorrupt(f"The array ends {(high - low) * width - len(data):,} bytes too early.")
    order: Any = "F" if layout.fortran else "C"
    block: Array = np.ndarray((high - low, *layout.shape[1:]), layout.dtype, bytearray(data), order=order)
    if (high - low) != len(wanted) or wanted.step < 0:
        block = block[wanted.start - low :: wanted.step][: len(wanted)].copy()
    return block


def _fields(array: Array, columns: Sequence[str]) -> Array:
    from numpy.lib.recfunctions import repack_fields

    packed: Array = repack_fields(array[list(columns)])
    return packed
