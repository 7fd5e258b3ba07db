"""Tables of every library as Arrow tables that say what they were, and back."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from perdure._model.errors import PerdureError, ResultCorrupt, ResultError, ResultUnreadable, SerializationError
from perdure._platform.named import NamedTuple
from perdure._serializers import dictionaries, pandas_tables
from perdure._serializers.parts import check_names

_KEY = b"perdure"  # in the schema's metadata: what the table was, as JSON
_PANDAS = b"pandas"  # what pyarrow notes of a data frame's index and types
_AS_BYTES = {
    pa.string(): pa.binary(),
    pa.large_string(): pa.large_binary(),
    pa.string_view(): pa.binary_view(),
}


class Sink:
    """What pyarrow writes to: hands all on, without a copy."""

    closed = False

    def __init__(self, write: Callable[[memoryview], int]) -> None:
        self._write = write

    def write(self, data: Any) -> int:
        return self._write(memoryview(data))

    def writable(self) -> bool:
        return True

    def flush(self) -> None: ...

    def close(self) -> None: ...


@contextmanager
def writing(value: object, format: str) -> Iterator[None]:
    """Have what pyarrow, pandas or polars cannot write named by an error."""
    try:
        yield
    except PerdureError:
        raise
    except BaseException as error:
        if not _is_failure(error):
            raise
        raise SerializationError(
            f"The {kind_of(type(value))} cannot be written as {format}: {_text(error)}. Convert this part, or use the"
            " serializer 'pickle'."
        ) from None


@contextmanager
def reading(format: str) -> Iterator[None]:
    """Have what pyarrow cannot read named by an error."""
    try:
        yield
    except (PerdureError, MemoryError):  # pyarrow's own error of memory is one
        raise
    except Exception as error:
        if isinstance(error, pa.ArrowNotImplementedError) or "future" in str(error):
            raise ResultUnreadable(
                f"The {format} file needs what pyarrow {pa.__version__} does not have: {_text(error)}. Install a newer"
                " one."
            ) from None
        raise ResultCorrupt(f"The data is not a whole {format} file: {_text(error)}.") from None


def check(table: pa.Table) -> None:
    """Raise ArrowInvalid if a length or offset leads out of the table's memory: libraries would follow it.

    Whether text is UTF-8 would take ten times as long to find out, and does no harm; digests have seen to it.
    """
    table.validate()
    for column in table.columns:
        column = column.cast(_AS_BYTES[column.type]) if column.type in _AS_BYTES else column
        column.validate(full=True)


def to_arrow(value: object, serializer: str) -> pa.Table:
    """A value as an Arrow table, with what it was in the metadata.

    Raises:
        SerializationError: it is no table, or not one that comes back as it was.
    """
    kind = kind_of(type(value))
    with writing(value, "an Arrow table"):
        if kind not in _LIBRARIES:
            if not _is_stream(value, kind):
                raise SerializationError(_refusal(value, kind, serializer))
            value, kind = pa.table(value), "pyarrow.Table"
        library = _LIBRARIES[kind]
        table = library.take(value)
        table = dictionaries.noted(table, serializer)
        table = marked(table, {"kind": kind, **library.notes(value, table)})
        _check_return(value, table)
        return table


def from_arrow(table: pa.Table) -> object:
    """What was given to `to_arrow`.

    Raises:
        ResultUnreadable: this process lacks the library, or a newer version of ours wrote it.
    """
    origin = origin_of(table.schema)
    kind = str(origin.pop("kind", "pyarrow.Table"))
    if kind not in _LIBRARIES:
        raise ResultUnreadable(f"The table was a {kind}, which is not known here. Install a newer version of Perdure.")
    try:
        table = dictionaries.restored(table)
        rest = {key: text for key, text in (table.schema.metadata or {}).items() if key != _KEY}
        return _LIBRARIES[kind].give(table.replace_schema_metadata(rest or None), origin)
    except ImportError as error:
        library = kind.partition(".")[0]
        raise ResultUnreadable(
            f"The table was a {kind}, but {library} cannot be imported here ({error}). Install {library}."
        ) from None
    except (UnicodeError, json.JSONDecodeError) as error:
        raise ResultCorrupt(f"The table's text or metadata are damaged: {_text(error)}.") from None
    except BaseException as error:
        if not _is_failure(error):
            raise
        raise ResultUnreadable(f"The table cannot be made a {kind} here: {_text(error)}.") from error


def marked(table: pa.Table, origin: dict[str, object]) -> pa.Table:
    """The table with more said of what it was."""
    origin_json = json.dumps({**origin_of(table.schema), **origin})
    return table.replace_schema_metadata({**(table.schema.metadata or {}), _KEY: origin_json.encode()})


def origin_of(schema: pa.Schema) -> dict[str, Any]:
    """What the metadata say of what a table was; empty for one that others wrote."""
    try:
        return dict(json.loads((schema.metadata or {}).get(_KEY, b"{}")))
    except (ValueError, TypeError) as error:
        raise ResultCorrupt(f"The table's metadata {_KEY.decode()!r} are damaged: {error}.") from None


def positions(schema: pa.Schema, columns: Sequence[str]) -> list[int]:
    """Where the columns are, in the order in which they are asked for; a pandas index comes along.

    Raises:
        ResultUnreadable: there is no such column; names the nearest.
    """
    if origin_of(schema).get("kind", "").endswith(".Series"):
        raise ResultUnreadable("The value is a Series, which has no columns to choose from. Choose rows.")
    index = [each for each in _pandas(schema).get("index_columns", ()) if isinstance(each, str)]
    check_names(columns, [name for name in schema.names if name not in index or not name.startswith("__index_level_")])
    found = [schema.get_all_field_indices(name) for name in dict.fromkeys([*columns, *index])]
    return [place for places in found for place in places]


def part_of(table: pa.Table, within: range, wanted: range) -> object:
    """Some rows of a table that was read in part, as what it was; `wanted` are their numbers in the whole."""
    if within.step == 1:
        table = table.slice(within.start if within else 0, len(within))
    else:
        table = table.take(pa.array(within, pa.int64()))
    pandas = _pandas(table.schema)
    for each in pandas.get("index_columns", ()):
        if isinstance(each, dict) and each.get("kind") == "range":  # the labels of the rows, which are not in the table
            stop = None if wanted.stop < 0 else wanted.stop  # a range that goes down to 0 stops at -1
            labels = range(each["start"], each["stop"], each["step"])[wanted.start : stop : wanted.step]
            each.update(start=labels.start, stop=labels.stop, step=labels.step)
    if pandas:
        table = table.replace_schema_metadata({**table.schema.metadata, _PANDAS: json.dumps(pandas).encode()})
        table = marked(table, {"step": wanted.step})
    return from_arrow(table)


class _Library(NamedTuple):
    """How values of one kind become Arrow tables, and are restored."""

    take: Callable[[Any], pa.Table]
    give: Callable[[pa.Table, dict[str, Any]], object]  # with the notes
    notes: Callable[[Any, pa.Table], dict[str, Any]] = lambda *_: {}  # what must be known besides the table


def _batch(table: pa.Table, _: dict[str, object]) -> pa.RecordBatch:
    batches = table.combine_chunks().to_batches()
    if batches:
        return batches[0]
    return pa.RecordBatch.from_arrays([pa.nulls(0, each) for each in table.schema.types], schema=table.schema)


def _polars(table: pa.Table, _: dict[str, object]) -> Any:
    import polars

    frame: Any = polars.from_arrow(table)
    frame.columns = table.column_names  # it gives an empty name another one
    return frame


_LIBRARIES = {
    "pyarrow.Table": _Library(lambda table: table, lambda table, _: table),
    "pyarrow.RecordBatch": _Library(lambda batch: pa.Table.from_batches([batch]), _batch),
    "pandas.DataFrame": _Library(pandas_tables.take, pandas_tables.give, pandas_tables.notes),
    "pandas.Series": _Library(pandas_tables.take, pandas_tables.give_series, pandas_tables.notes),
    "polars.DataFrame": _Library(lambda frame: frame.to_arrow(), _polars),
    "polars.Series": _Library(lambda series: series.to_frame().to_arrow(), lambda *a: _polars(*a).to_series()),
}


def kind_of(type: type) -> str:
    """A class by its library and name, such as `pandas.DataFrame`."""
    return f"{type.__module__.partition('.')[0]}.{type.__qualname__}"


def _is_stream(value: object, kind: str) -> bool:
    """Whether it gives its table away as often as asked, and is no more than a table."""
    is_more = any(kind_of(each) in _LIBRARIES for each in type(value).__mro__[1:])
    return hasattr(value, "__arrow_c_stream__") and not is_more and kind != "pyarrow.RecordBatchReader"


def _check_return(value: Any, table: pa.Table) -> None:
    """Refuse names, types and objects that come back as others, or not at all: found out mostly by an empty table."""
    if not table.num_columns and len(value):
        raise SerializationError(
            f"The table has {len(value):,} rows but no columns, and such rows would be lost. Add a column, or use the"
            " serializer 'pickle'."
        )
    if isinstance(value, pa.Table | pa.RecordBatch):
        return
    try:
        empty = from_arrow(table.slice(0, 0))
    except ResultError as error:
        raise SerializationError(f"{error} Convert the value, or use the serializer 'pickle'.") from None
    is_pandas = type(value).__module__.startswith("pandas")
    kinds = _names if is_pandas else _names_and_types
    for here, there in zip(kinds(value), kinds(empty), strict=True):
        if here != there:
            raise SerializationError(
                f"{here!r} would come back as {there!r}. Make all names of columns text and their types plain, or use"
                " the serializer 'pickle'."
            )
    if is_pandas:
        pandas_tables.check(value, empty, table)


def _names(value: Any) -> list[object]:
    return list(value.columns) if hasattr(value, "columns") else [value.name]


def _names_and_types(value: Any) -> list[object]:
    return [*_names(value), *(value.dtypes if hasattr(value, "dtypes") else [value.dtype])]


def _refusal(value: object, kind: str, serializer: str) -> str:
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    text = (
        f"The value is a {name}, but the serializer {serializer!r} takes tables: a pyarrow.Table or RecordBatch, a"
        " DataFrame or Series of pandas or polars, or what has __arrow_c_stream__."
    )
    for each in type(value).__mro__[1:]:
        if kind_of(each) in _LIBRARIES:
            return f"{text} A subclass would come back as a {kind_of(each)}: convert it, or use 'pickle'."
    if kind == "polars.LazyFrame":
        return f"{text} Return frame.collect()."
    if kind == "pyarrow.RecordBatchReader":
        return f"{text} A reader can be read only once: return reader.read_all()."
    if kind == "numpy.ndarray":
        return f"{text} Use the serializer 'numpy' for arrays."
    return f"{text} Use the serializer 'pickle', or 'json' for plain values."


def _pandas(schema: pa.Schema) -> dict[str, Any]:
    text = (schema.metadata or {}).get(_PANDAS)
    return dict(json.loads(text)) if text else {}


def _is_failure(error: BaseException) -> bool:
    """Whether a library gave up. When polars does, it panics, and a panic is no Exception."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def _text(error: BaseException) -> str:
    return (str(error) or type(error).__name__).rstrip(".")
