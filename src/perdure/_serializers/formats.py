"""Tables and arrays in the file formats of their own: Arrow, Parquet and .npy."""

import importlib.util
import io
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Literal

from pydantic import Field, model_validator

from perdure._model.errors import ResultCorrupt, ResultUnreadable
from perdure._platform.lazy_import import LazyModule
from perdure._serializers.base import Serializer, resolve
from perdure._serializers.payload import Bytes, BytesSource, Payload, Source, Spool
from perdure._serializers.text import from_base64, to_base64

if TYPE_CHECKING:
    from perdure._serializers import arrays, arrow_ipc, parquet
else:  # imported when there is work: they import pyarrow or numpy
    arrow_ipc = LazyModule("perdure._serializers.arrow_ipc")
    parquet = LazyModule("perdure._serializers.parquet")
    arrays = LazyModule("perdure._serializers.arrays")

Write = Callable[[Bytes], int]  # takes a file piece by piece, and may keep the pieces until the value is stored


class FormatSerializer(Serializer):
    """A file format: a large value is a file that other tools read as well, a small one is that file in base64."""

    library: ClassVar[str]  # the package that it needs, which the extra `perdure[<extra>]` installs
    extra: ClassVar[str]
    magic: ClassVar[bytes]  # how a file begins

    @model_validator(mode="after")
    def _check_library(self) -> "FormatSerializer":
        if importlib.util.find_spec(self.library) is None:
            raise ValueError(
                f"it needs the package {self.library}, which is not installed; install 'perdure[{self.extra}]'"
            )
        return self

    @abstractmethod
    def _write(self, obj: object, write: Write) -> None: ...

    @abstractmethod
    def _read(self, data: memoryview) -> object: ...

    @abstractmethod
    def _read_part(self, file: BinaryIO, columns: Sequence[str] | None, rows: slice) -> object: ...

    def dumps(self, obj: object) -> bytes:
        file = io.BytesIO()
        self._write(obj, file.write)
        return to_base64(file.getvalue())

    def content(self, data: bytes) -> bytes:
        return from_base64(data)

    def loads(self, data: bytes) -> Any:
        return self._read(memoryview(bytearray(from_base64(data))))

    def dump(self, obj: object, payload: Payload) -> bytes | None:
        spool = Spool(payload)
        self._write(obj, spool.write)
        return None if spool.spilled else to_base64(spool.content())

    def load(self, source: Source) -> Any:
        return self._read(source.view())

    def load_part(self, source: Source, columns: Sequence[str] | None, rows: slice | None) -> Any:
        _check_columns(columns)
        _check_rows(rows)
        return self._read_part(self._file(source), columns, slice(None) if rows is None else rows)

    def for_exceptions(self) -> Serializer:
        return resolve("pickle", default="pickle")

    def _file(self, source: Source) -> BinaryIO:
        """The file in a payload, or in the text of a small value."""
        file = source.open()
        start = file.read(len(self.magic))
        file.seek(0)
        if start == self.magic:
            return file
        if not start.isascii():
            raise ResultCorrupt(f"The data begins with {start!r}, which is no file of the format {self.type!r}.")
        return BytesSource(from_base64(bytes(source.view()))).open()


def _check_columns(columns: object) -> None:
    if isinstance(columns, str):
        raise ResultUnreadable(f"columns={columns!r} is a text, not a list of names. Pass columns=[{columns!r}].")
    if columns is not None and not isinstance(columns, Sequence):
        raise ResultUnreadable(f"columns={columns!r} is no list of names. Pass one, such as columns=['price'].")


def _check_rows(rows: object) -> None:
    if rows is None:
        return
    if not isinstance(rows, slice):
        raise ResultUnreadable(f"rows={rows!r} is no slice. Pass one, such as rows=slice(10) for the first ten.")
    try:
        rows.indices(0)
    except TypeError:
        raise ResultUnreadable(f"rows={rows!r} is not of whole numbers. Pass such, or None.") from None
    except ValueError:
        raise ResultUnreadable(f"rows={rows!r} has the step 0. Use another step, or none.") from None


class ArrowSerializer(FormatSerializer):
    """Tables as Arrow IPC files, the format that Arrow has in memory: fast, exact, and read in parts.

    It takes tables and record batches of pyarrow, data frames and series of pandas and polars, each of which
    comes back as what it was, and whatever has `__arrow_c_stream__`, which comes back as a pyarrow.Table.
    Needs pyarrow. `compression` of the columns is "lz4" (fast), "zstd" (small) or None.
    """

    type: Literal["arrow"] = "arrow"
    compression: Literal["lz4", "zstd"] | None = None

    library = "pyarrow"
    extra = "arrow"
    ending = ".arrow"
    magic = b"ARROW1"

    def _write(self, obj: object, write: Write) -> None:
        arrow_ipc.write(obj, write, self.compression)

    def _read(self, data: memoryview) -> object:
        return arrow_ipc.read(data)

    def _read_part(self, file: BinaryIO, columns: Sequence[str] | None, rows: slice) -> object:
        return arrow_ipc.read_part(file, columns, rows)


class ParquetSerializer(FormatSerializer):
    """Tables as Parquet files: the smallest, and read in parts.

    It takes what `ArrowSerializer` takes. Needs pyarrow. `row_group_size` is the number of rows that are
    compressed, and read, together.
    """

    type: Literal["parquet"] = "parquet"
    compression: Literal["zstd", "snappy", "lz4", "gzip", "brotli"] | None = "zstd"
    row_group_size: int = Field(default=1_048_576, gt=0)

    library = "pyarrow"
    extra = "arrow"
    ending = ".parquet"
    magic = b"PAR1"

    def _write(self, obj: object, write: Write) -> None:
        parquet.write(obj, write, self.compression, self.row_group_size)

    def _read(self, data: memoryview) -> object:
        return parquet.read(data)

    def _read_part(self, file: BinaryIO, columns: Sequence[str] | None, rows: slice) -> object:
        return parquet.read_part(file, columns, rows)


class NumpySerializer(FormatSerializer):
    """Arrays of numpy as .npy files, without pickles: an array of Python objects is refused.

    An array comes back as an array in memory of its own, which can be written to. Needs numpy.
    """

    type: Literal["numpy"] = "numpy"

    library = "numpy"
    extra = "numpy"
    ending = ".npy"
    magic = b"\x93NUMPY"

    def _write(self, obj: object, write: Write) -> None:
        arrays.write(obj, write)

    def _read(self, data: memoryview) -> object:
        return arrays.read(data)

    def _read_part(self, file: BinaryIO, columns: Sequence[str] | None, rows: slice) -> object:
        return arrays.read_part(file, columns, rows)
