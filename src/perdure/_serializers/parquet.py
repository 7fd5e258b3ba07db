"""Tables as Parquet files: https://parquet.apache.org/docs/file-format."""

import base64
import io
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow import ipc
from pyarrow import parquet as pq

from perdure._model.errors import SerializationError
from perdure._serializers import tables
from perdure._serializers.parts import span
from perdure._serializers.payload import Bytes


def write(value: object, sink: Callable[[Bytes], int], compression: str | None, row_group_size: int) -> None:
    """Write a table, a row group at a time. Raises SerializationError."""
    table = tables.to_arrow(value, "parquet")
    with tables.writing(value, "a Parquet file"):
        _check_types(table.schema)
        file = pa.PythonFile(tables.Sink(sink), mode="w")
        with pq.ParquetWriter(file, table.schema, compression=compression or "none") as writer:
            writer.write_table(table, row_group_size)


def _check_types(schema: pa.Schema) -> None:
    """Refuse types that would come back as others, or not at all: found out by an empty file."""
    file = io.BytesIO()
    with pq.ParquetWriter(file, schema):
        pass
    empty = pq.ParquetFile(file)
    missing = pa.Table.from_arrays([pa.nulls(1, each) for each in empty.schema_arrow.types], schema=empty.schema_arrow)
    for field, there in zip(schema, _as_written(empty, missing, range(len(schema))).schema, strict=True):
        if there.type != field.type:
            raise SerializationError(
                f"The column {field.name!r} is of {field.type}, which would come back from Parquet as {there.type}."
                " Cast it, or use the serializer 'arrow'."
            )


def read(data: memoryview) -> Any:
    """The table in a file, as what it was. Raises ResultCorrupt and ResultUnreadable."""
    with tables.reading("Parquet"):
        file = pq.ParquetFile(pa.BufferReader(pa.py_buffer(data)))
        table = file.read(use_threads=True)
        tables.check(table)
        table = _as_written(file, table, range(table.num_columns))
    return tables.from_arrow(table)


def read_part(file: BinaryIO, columns: Sequence[str] | None, rows: slice) -> object:
    """Some columns and rows of the table in a file; reads those columns only, and whole row groups."""
    with tables.reading("Parquet"):
        whole = pq.ParquetFile(pa.PythonFile(file, mode="r"))
        schema, metadata = whole.schema_arrow, whole.metadata
        places = list(range(len(schema))) if columns is None else tables.positions(schema, columns)
        included = sorted(places)
        names = [schema.names[each] for each in included]
        counts = [metadata.row_group(each).num_rows for each in range(metadata.num_row_groups)]
        wanted = range(sum(counts))[rows]
        groups, within = span(counts, wanted)
        table = whole.read_row_groups(list(groups), columns=names)
        # Columns have come along whose names go on after a dot: they could be parts of the chosen ones.
        table = table.select([place for place, name in enumerate(table.column_names) if name in names])
        table = _as_written(whole, table.select([included.index(each) for each in places]), places)
        tables.check(table)
        return tables.part_of(table, within, wanted)


def _as_written(file: pq.ParquetFile, table: pa.Table, places: Sequence[int]) -> pa.Table:
    """The table with the types that it was written with: Parquet has fewer, such as no times in seconds."""
    text = (file.metadata.metadata or {}).get(b"ARROW:schema")
    if text is None:
        return table
    schema = ipc.read_schema(pa.py_buffer(base64.b64decode(text)))
    for place, original in enumerate(places):
        field, column = schema.field(original), table.column(place)
        if not column.type.equals(field.type, check_metadata=True):
            column = column.dictionary_encode() if pa.types.is_dictionary(field.type) else column
            table = table.set_column(place, field, column.cast(field.type))
    return table
