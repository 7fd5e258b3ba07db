"""Tables as Arrow IPC files: https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format."""

from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow import ipc

from perdure._serializers import tables
from perdure._serializers.parts import span
from perdure._serializers.payload import Bytes

_ROWS = 1_048_576  # at most so many in a batch, which is what is read together


def write(value: object, sink: Callable[[Bytes], int], compression: str | None) -> None:
    """Write a table; its columns are not copied. Raises SerializationError."""
    table = tables.to_arrow(value, "arrow")
    with tables.writing(value, "an Arrow IPC file"):
        table = table.unify_dictionaries()  # a file has one dictionary for all batches of a column
        batches = [each.num_rows for each in table.to_batches(max_chunksize=_ROWS)]
        table = tables.marked(table, {"rows": batches})
        options = ipc.IpcWriteOptions(compression=compression)
        with ipc.new_file(pa.PythonFile(tables.Sink(sink), mode="w"), table.schema, options=options) as writer:
            writer.write_table(table, max_chunksize=_ROWS)


def read(data: memoryview) -> Any:
    """The table in a file, as what it was, in the memory of the data. Raises ResultCorrupt and ResultUnreadable."""
    with tables.reading("Arrow IPC"):
        table = ipc.open_file(pa.BufferReader(pa.py_buffer(data))).read_all()
        tables.check(table)
    return tables.from_arrow(table)


def read_part(file: BinaryIO, columns: Sequence[str] | None, rows: slice) -> Any:
    """Some columns and rows of the table in a file; reads the memory of those columns only, and whole batches."""
    with tables.reading("Arrow IPC"):
        source = pa.PythonFile(file, mode="r")
        schema = ipc.open_file(source).schema
        places = list(range(len(schema))) if columns is None else tables.positions(schema, columns)
        included = sorted(places)
        reader = ipc.open_file(source, options=ipc.IpcReadOptions(included_fields=included))
        counts = tables.origin_of(schema).get("rows")
        if counts is None:  # a file that others wrote
            counts = [reader.get_batch(each).num_rows for each in range(reader.num_record_batches)]
        wanted = range(sum(counts))[rows]
        groups, within = span(counts, wanted)
        table = pa.Table.from_batches([reader.get_batch(each) for each in groups], reader.schema)
        table = table.select([included.index(each) for each in places])
        tables.check(table)
        return tables.part_of(table, within, wanted)
