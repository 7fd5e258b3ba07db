"""A table to disk, synced: pyarrow's own IPC file, and a persisted result."""

import os

import pyarrow as pa
from duel import FOLDER, duel, on_disk, persist, show
from tables import made

table = made()
storage = on_disk()


def theirs() -> None:
    path = FOLDER / "table.arrow"
    path.unlink(missing_ok=True)
    with path.open("wb") as file:
        with pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
        file.flush()
        os.fsync(file.fileno())


def ours() -> None:
    for key in list(storage.list()):
        storage.delete(key)
    (FOLDER / "table.json").write_text(persist(table, storage, "arrow").json())


show(table_write=duel(theirs, ours))
