"""Values as files, in the format that the file's name ends in."""

import csv
import json
import math
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perdure._model.errors import ResultUnreadable, StorageError
from perdure._platform import json_numbers
from perdure._platform.finished_imports import imported
from perdure.cli.output import is_json

if TYPE_CHECKING:  # what a value is of, its program has imported
    import numpy as np
    import pandas
    import polars
    import pyarrow
    from numpy.typing import NDArray

Write = Callable[[Any, Path], object]


def write_file(value: object, output: Path) -> None:
    """Write a value to a file; after an error, what was there before is still there.

    Raises:
        ResultUnreadable: the format that the name ends in cannot hold the value; says which can.
        StorageError: the file cannot be written.
    """
    formats = _formats_of(value)
    end = output.suffix.lower()
    write = formats.get(end)
    if write is None and not (".json" in formats and end in _ENDS):  # JSON in `table.csv` would mislead
        write = formats.get("")
    if write is None:
        raise ResultUnreadable(_refusal(value, output, formats))
    try:
        with whole_file(output) as path:
            write(value, path)
    except ImportError as error:
        raise ResultUnreadable(
            f"{output.suffix} files need the package {error.name or 'that is missing'!r}, which is not installed"
            f" ({error}). Install it, or write another format."
        ) from None
    except (ValueError, TypeError, ArithmeticError) as error:  # what the library says of a value that does not fit
        raise ResultUnreadable(f"The value does not fit into {output}: {error}. Write another format.") from None


@contextmanager
def whole_file(output: Path) -> Iterator[Path]:
    """A path to write to, which takes the output's place once all is written.

    Raises:
        StorageError: it cannot be written.
    """
    partial = output.with_name(f".{os.getpid()}-{output.name}")
    try:
        if output.exists() and not stat.S_ISREG(output.stat().st_mode):  # a pipe, or /dev/null
            partial = output
        yield partial
        if partial != output:
            partial.replace(output)
    except OSError as error:
        raise StorageError(f"{output} cannot be written: {error.strerror}. Choose another file.") from None
    finally:
        if partial != output:
            with suppress(OSError):
                partial.unlink(missing_ok=True)


def pretty(value: object) -> str:
    """A value as indented JSON."""
    return json_numbers.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _refusal(value: object, output: Path, formats: dict[str, Write]) -> str:
    kind = type(value).__name__
    if not formats:
        return (
            f"A {kind} has no form that a file could hold without choosing one. Get it in Python, by"
            " perdure.results.get_result, and write it there; or print it with --json. --raw writes the bytes as they"
            " are stored."
        )
    ends = f"ends in {output.suffix!r}" if output.suffix else "has no ending"
    return (
        f"A {kind} can be written as {', '.join(filter(None, formats))}, and {str(output)!r} {ends}. Name the file so."
    )


def _formats_of(value: object) -> dict[str, Write]:
    """The formats that hold such a value, by the file name's end; "" stands for all others."""
    for module, kinds, formats in _FORMATS:
        library = imported(module)
        if library is not None and isinstance(value, tuple(getattr(library, kind) for kind in kinds)):
            return formats
    if isinstance(value, bytes | bytearray | memoryview):
        return {"": lambda value, path: path.write_bytes(value)}
    if isinstance(value, str):
        return {"": lambda value, path: path.write_bytes(value.encode())}
    if not is_json(value):
        return {}
    return _JSON if not isinstance(value, list) else _ROWS if _has_rows(value) else _LIST


def _has_rows(value: list[object]) -> bool:
    return bool(value) and all(isinstance(row, dict | list) for row in value)


def _write_lines(value: list[object], path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json_numbers.dumps(each, ensure_ascii=False, default=str) + "\n" for each in value)


def _write_rows(value: Sequence[Iterable[object]], path: Path) -> None:
    names = dict.fromkeys(name for row in value if isinstance(row, dict) for name in row)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        if names:
            writer.writerow(names)
        writer.writerows([row.get(name) for name in names] if isinstance(row, dict) else row for row in value)


def _write_json(value: object, path: Path) -> None:
    path.write_bytes(pretty(value).encode())


_JSON: dict[str, Write] = {".json": _write_json, "": _write_json}
_LIST: dict[str, Write] = {**_JSON, ".jsonl": _write_lines}
_ROWS: dict[str, Write] = {**_LIST, ".csv": _write_rows}


def _frame(value: Any) -> "pandas.DataFrame":
    """A pandas table; its index becomes columns unless it only counts the rows."""
    frame = value.to_frame() if hasattr(value, "to_frame") else value
    counts = type(frame.index).__name__ == "RangeIndex" and frame.index.name is None
    return frame.reset_index(drop=counts)


def _write_frame_as_arrow(value: object, path: Path) -> None:
    import pyarrow  # pandas does it by a function of pyarrow's that is deprecated

    _write_arrow_file(pyarrow.Table.from_pandas(_frame(value), preserve_index=False), path)


def _write_pandas_json(value: object, path: Path, lines: bool) -> None:
    """As pandas does it, but for infinities, which it writes as null; NaN is how it says that a value is missing."""
    frame = _frame(value)
    odd = {}
    for place, name in enumerate(frame.columns):
        column = frame.iloc[:, place]
        if column.dtype.kind in "fO" and any(math.isinf(each) for each in _numbers(column.tolist())):
            odd[str(name)] = column.astype(object).where(column.notna(), None).tolist()
    if odd:
        _write_named(json.loads(frame.to_json(orient="records", date_format="iso")), odd, path, lines)
    else:
        frame.to_json(path, orient="records", date_format="iso", lines=lines, indent=None if lines else 2)


def _write_polars_json(value: object, path: Path, lines: bool) -> None:
    """As polars does it, but for NaN and infinities, which it writes as null."""
    frame = _polars(value)
    odd = {}
    for name, kind in frame.schema.items():
        if kind.is_float() or kind.is_nested():
            column = frame[name].to_list()
            if not all(map(math.isfinite, _numbers(column))):
                odd[name] = column
    if odd:
        _write_named(json.loads(frame.write_json()), odd, path, lines)
    else:
        (frame.write_ndjson if lines else frame.write_json)(path)


def _numbers(value: object) -> Iterator[float]:
    """The floats in a value, at any depth."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _numbers(each)


def _write_named(rows: list[Any], odd: dict[str, list[object]], path: Path, lines: bool) -> None:
    """Write rows in which some columns, whose values are given too, have null for numbers that JSON has no form for."""
    for name, column in odd.items():
        for row, value in zip(rows, column, strict=True):
            row[name] = _with_names(row[name], value)
    (_write_lines if lines else _write_json)(rows, path)


def _with_names(written: Any, value: object) -> object:
    if isinstance(value, float):
        return written if math.isfinite(value) else json_numbers.name_of(value)
    if isinstance(value, list) and isinstance(written, list):
        return [_with_names(*each) for each in zip(written, value, strict=True)]
    if isinstance(value, dict) and isinstance(written, dict):
        return {key: _with_names(each, value.get(key)) for key, each in written.items()}
    return written


_PANDAS: dict[str, Write] = {
    ".csv": lambda value, path: _frame(value).to_csv(path, index=False),
    ".parquet": lambda value, path: _frame(value).to_parquet(path, index=False),
    ".arrow": _write_frame_as_arrow,
    ".json": lambda value, path: _write_pandas_json(value, path, lines=False),
    ".jsonl": lambda value, path: _write_pandas_json(value, path, lines=True),
}


def _polars(value: Any) -> "polars.DataFrame":
    frame = value.to_frame() if hasattr(value, "to_frame") else value
    table: polars.DataFrame = frame.collect() if hasattr(frame, "collect") else frame
    return table


_POLARS: dict[str, Write] = {
    ".csv": lambda value, path: _polars(value).write_csv(path),
    ".parquet": lambda value, path: _polars(value).write_parquet(path),
    ".arrow": lambda value, path: _polars(value).write_ipc(path),
    ".json": lambda value, path: _write_polars_json(value, path, lines=False),
    ".jsonl": lambda value, path: _write_polars_json(value, path, lines=True),
}


def _arrow(value: Any) -> "pyarrow.Table":
    arrow = sys.modules["pyarrow"]
    return arrow.Table.from_batches([value]) if isinstance(value, arrow.RecordBatch) else value


def _write_arrow_csv(value: object, path: Path) -> None:
    import pyarrow.csv

    pyarrow.csv.write_csv(_arrow(value), path)


def _write_arrow_parquet(value: object, path: Path) -> None:
    import pyarrow.parquet

    pyarrow.parquet.write_table(_arrow(value), path)


def _write_arrow_file(value: object, path: Path) -> None:
    import pyarrow.ipc

    table = _arrow(value)
    with pyarrow.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table)


def _write_arrow_json(value: object, path: Path) -> None:
    rows = _arrow(value).to_pylist()
    path.write_text(json_numbers.dumps(rows, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8")


_ARROW: dict[str, Write] = {
    ".csv": _write_arrow_csv,
    ".parquet": _write_arrow_parquet,
    ".arrow": _write_arrow_file,
    ".json": _write_arrow_json,
    ".jsonl": lambda value, path: _write_lines(_arrow(value).to_pylist(), path),
}


def _write_npy(value: "NDArray[np.generic]", path: Path) -> None:
    import numpy

    with path.open("wb") as file:  # by its name, numpy would add an ending
        numpy.save(file, value, allow_pickle=False)


def _write_array_csv(value: "NDArray[np.generic]", path: Path) -> None:
    import numpy

    if value.ndim > 2:
        raise ValueError(f"it has {value.ndim} dimensions, and CSV holds two")
    form = {"f": "%.17g", "i": "%d", "u": "%d", "b": "%d"}.get(value.dtype.kind, "%s")
    numpy.savetxt(path, numpy.atleast_1d(value), form, delimiter=",", encoding="utf-8")


_ARRAYS: dict[str, Write] = {".npy": _write_npy, ".csv": _write_array_csv}


def _as(format: str) -> Write:
    return lambda value, path: value.save(path, format)


_IMAGES: dict[str, Write] = {
    end: _as(name)
    for end, name in {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".gif": "GIF"}.items()
}
_FIGURES: dict[str, Write] = {
    f".{name}": lambda value, path, name=name: value.savefig(path, format=name)  # type: ignore[misc]
    for name in ("png", "svg", "pdf")
}

_FORMATS: tuple[tuple[str, tuple[str, ...], dict[str, Write]], ...] = (
    ("pandas", ("DataFrame", "Series"), _PANDAS),
    ("polars", ("DataFrame", "Series", "LazyFrame"), _POLARS),
    ("pyarrow", ("Table", "RecordBatch"), _ARROW),
    ("numpy", ("ndarray",), _ARRAYS),
    ("PIL.Image", ("Image",), _IMAGES),
    ("matplotlib.figure", ("Figure",), _FIGURES),
)
_ENDS = {end for _, _, formats in _FORMATS for end in formats} | set(_ROWS)
