"""A table from disk, in a fresh process."""

import json

import pyarrow as pa
from duel import FOLDER, duel, on_disk, show

from perdure.results import PersistedResult

fields = json.loads((FOLDER / "table.json").read_text())
storage = on_disk()


def mapped() -> None:
    with pa.memory_map(str(FOLDER / "table.arrow")) as file:
        assert pa.ipc.open_file(file).read_all().num_rows == 1_000_000


def read() -> None:
    with pa.OSFile(str(FOLDER / "table.arrow")) as file:
        assert pa.ipc.open_file(file).read_all().num_rows == 1_000_000


def ours() -> None:
    result: PersistedResult[pa.Table] = PersistedResult(
        storage_id="an id",
        storage_key=fields["storage_key"],
        serializer=json.dumps(fields["serializer"]),
        digest=fields["digest"],
        storage=storage,
        keep=False,
    )
    assert result.get().num_rows == 1_000_000


show(table_read=duel(read, ours), table_mapped=duel(mapped, ours))
