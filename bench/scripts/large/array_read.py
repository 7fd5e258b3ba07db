"""An array from disk, in a fresh process: mapped, whole, and whole from a copy of the file.

The settings are read before, as every process has done that can name a result.
"""

import json
import shutil
from typing import Any

import numpy as np
from duel import FOLDER, on_disk, show, timed

from perdure import settings
from perdure.filesystems import LocalFileSystem
from perdure.results import PersistedResult

fields = json.loads((FOLDER / "array.json").read_text())
settings.current()
storage = on_disk()


def handle(where: LocalFileSystem = storage) -> PersistedResult[Any]:
    return PersistedResult(
        storage_id="an id",
        storage_key=fields["storage_key"],
        serializer=json.dumps(fields["serializer"]),
        digest=fields["digest"],
        storage=where,
        keep=False,
    )


def ours(where: LocalFileSystem = storage) -> Any:
    return handle(where).get()


path = FOLDER / "array.npy"
first = timed(lambda: np.load(path, mmap_mode="c")[0]), timed(lambda: ours()[0])
whole = timed(lambda: np.load(path).sum()), timed(lambda: ours().sum())
layout = handle().read().payload
assert layout is not None
moved = LocalFileSystem(basepath=FOLDER / "moved")
for key in (fields["storage_key"], layout.key):
    (FOLDER / "moved").mkdir(exist_ok=True)
    shutil.copyfile(FOLDER / "ours" / key, FOLDER / "moved" / key)
verified = timed(lambda: np.load(path).sum()), timed(lambda: ours(moved).sum())
show(array_first=first, array_all=whole, array_verified=verified)
