"""The categories of columns in files that would keep only those which a row has, or their order not.

A Parquet file knows no categories, and an Arrow file without rows has none. So they are noted in the table's metadata.
"""

import base64
import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import ipc

from perdure._model.errors import SerializationError

_KEY = b"perdure.categories"  # in the schema's metadata: by column, each as an Arrow stream in base64
_MOST = 16 * 1024 * 1024  # bytes in metadata; what reads Parquet takes 100 MB at most, and has them twice


def noted(table: pa.Table, serializer: str) -> pa.Table:
    """The table with a note of its columns' categories, where the file would not have them.

    Raises:
        SerializationError: there are too many.
    """
    if serializer != "parquet" and table.num_rows:
        return table
    table = table.unify_dictionaries()
    found: dict[str, list[str]] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_dictionary(column.type):
            found.setdefault(name, []).append(_written(name, _dictionary(column)))
    if not found:
        return table
    note = json.dumps(found).encode()
    if len(note) > _MOST:
        raise SerializationError(
            f"The categories of the table take {len(note):,} bytes, and a Parquet file would keep {_MOST:,} at most."
            " Convert the columns to their values, or use the serializer 'arrow'."
        )
    return table.replace_schema_metadata({**(table.schema.metadata or {}), _KEY: note})


def _dictionary(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0).dictionary if column.num_chunks else pa.array([], column.type.value_type)


def _written(name: str, dictionary: pa.Array) -> str:
    sink = pa.BufferOutputStream()
    batch = pa.RecordBatch.from_arrays([dictionary], names=[name])
    with ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return base64.b64encode(sink.getvalue()).decode()


def restored(table: pa.Table) -> pa.Table:
    """The table with the categories that are noted, and without the note."""
    metadata = dict(table.schema.metadata or {})
    note = metadata.pop(_KEY, None)
    if note is None:
        return table
    found: dict[str, list[Any]] = json.loads(note)
    for place, name in enumerate(table.column_names):
        if found.get(name) and pa.types.is_dictionary(table.field(place).type):
            column = _with(table.column(place), _read(found[name].pop(0)))
            table = table.set_column(place, table.field(place), column)
    return table.replace_schema_metadata(metadata or None)


def _read(text: str) -> pa.Array:
    column = ipc.open_stream(base64.b64decode(text)).read_all().column(0)
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def _with(column: pa.ChunkedArray, dictionary: pa.Array) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_null(kind.value_type):
        places = pa.chunked_array([pa.nulls(len(column), kind.index_type)])
    else:
        places = pc.index_in(column.cast(kind.value_type), value_set=dictionary).cast(kind.index_type)
    made = [pa.DictionaryArray.from_arrays(each, dictionary, ordered=kind.ordered) for each in places.chunks]
    if not made:
        made = [pa.DictionaryArray.from_arrays(pa.array([], kind.index_type), dictionary, ordered=kind.ordered)]
    return pa.chunked_array(made, kind)
