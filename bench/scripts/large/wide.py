"""A table of 100 columns to disk, synced, and back: pyarrow's own Parquet and IPC files, and persisted results."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from duel import FOLDER, duel, on_disk, persist, show

from perdure.results import PersistedResult

ROWS, COLUMNS = 100_000, 100

chance = np.random.default_rng(0)
table = pa.table({f"column {i}": chance.random(ROWS) for i in range(COLUMNS)})
storage = on_disk()
path = FOLDER / "wide"


def write_ipc(path: Any) -> None:
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table)


def read_ipc(path: Any) -> pa.Table:
    with pa.OSFile(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


def measured(
    serializer: str, write: Callable[[Any], None], read: Callable[[Any], pa.Table]
) -> tuple[tuple[float, float], tuple[float, float]]:
    kept: list[PersistedResult[Any]] = []

    def write_theirs() -> None:
        with path.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())

    def write_ours() -> None:
        for key in list(storage.list()):
            storage.delete(key)
        kept[:] = [persist(table, storage, serializer)]

    def read_theirs() -> None:
        assert read(path).num_columns == COLUMNS

    def read_ours() -> None:
        assert kept[0].get().num_columns == COLUMNS

    return duel(write_theirs, write_ours), duel(read_theirs, read_ours)


arrow_write, arrow_read = measured("arrow", write_ipc, read_ipc)
parquet_write, parquet_read = measured("parquet", lambda file: pq.write_table(table, file), pq.read_table)
show(
    wide_arrow_write=arrow_write,
    wide_arrow_read=arrow_read,
    wide_parquet_write=parquet_write,
    wide_parquet_read=parquet_read,
)
