"""An array to disk, synced: numpy.save, and a persisted result."""

import os

import numpy as np
from duel import FOLDER, duel, on_disk, persist, show

array = np.random.default_rng(0).random(32 * 1024 * 1024)
storage = on_disk()


def theirs() -> None:
    path = FOLDER / "array.npy"
    path.unlink(missing_ok=True)
    with path.open("wb") as file:
        np.save(file, array)
        file.flush()
        os.fsync(file.fileno())


def ours() -> None:
    for key in list(storage.list()):
        storage.delete(key)
    (FOLDER / "array.json").write_text(persist(array, storage).json())


show(array_write=duel(theirs, ours))
