"""An array from disk, in a fresh process: mapped, whole, and whole after the file was touched."""

import json
from typing import Any

import numpy as np
from duel import FOLDER, on_disk, show, timed

from perdure.results.types import PersistedResult

fields = json.loads((FOLDER / "array.json").read_text())
storage = on_disk()


def ours() -> Any:
    result: PersistedResult[Any] = PersistedResult(
        storage_id="an id",
        storage_key=fields["storage_key"],
        serializer=json.dumps(fields["serializer"]),
        digest=fields["digest"],
        storage=storage,
        keep=False,
    )
    return result.get()


path = FOLDER / "array.npy"
first = timed(lambda: np.load(path, mmap_mode="c")[0]), timed(lambda: ours()[0])
whole = timed(lambda: np.load(path).sum()), timed(lambda: ours().sum())
payload = next(key for key in storage.list() if key.endswith(".payload"))
(FOLDER / "ours" / payload).touch()
verified = timed(lambda: np.load(path).sum()), timed(lambda: ours().sum())
show(array_first=first, array_all=whole, array_verified=verified)
