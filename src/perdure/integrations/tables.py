"""Data frames of pandas as the bytes of a file."""

import io
from collections.abc import Callable
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any

__all__ = ["DataFrameSerializationFormat", "written"]


class DataFrameSerializationFormat(StrEnum):
    """The formats of data frames."""

    CSV = "csv"
    CSV_GZIP = "csv_gzip"
    PARQUET = "parquet"
    PARQUET_SNAPPY = "parquet_snappy"
    PARQUET_GZIP = "parquet_gzip"


# The suffix of the file, and how a frame is written.
_FORMATS: dict[str, tuple[str, Callable[[Any, io.BytesIO], object]]] = {
    "csv": (".csv", lambda frame, file: frame.to_csv(file, index=False)),
    "csv_gzip": (".csv.gz", lambda frame, file: frame.to_csv(file, index=False, compression="gzip")),
    "parquet": (".parquet", lambda frame, file: frame.to_parquet(file, index=False, compression=None)),
    "parquet_snappy": (".snappy.parquet", lambda frame, file: frame.to_parquet(file, index=False)),
    "parquet_gzip": (".gz.parquet", lambda frame, file: frame.to_parquet(file, index=False, compression="gzip")),
}


def written(frame: object, format: str, path: PurePosixPath) -> tuple[bytes, PurePosixPath]:
    """A frame in a format, and a path with the format's suffix in place of its own.

    Raises:
        ValueError: the format is unknown.
    """
    name = format.rpartition(".")[2].lower()
    if name not in _FORMATS:
        raise ValueError(f"{format!r} is no format of a data frame. Choose one of {', '.join(_FORMATS)}.")
    suffix, write = _FORMATS[name]
    file = io.BytesIO()
    write(frame, file)
    stem = path.name[: -len("".join(path.suffixes))] if path.suffixes else path.name
    return file.getvalue(), path.with_name(f"{stem}{suffix}")
