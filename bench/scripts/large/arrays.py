"""An array of any size, written and read by both sides in turn."""

import os
from typing import Any

import numpy as np
from duel import FOLDER, TURNS, duel, on_disk, persist

from perdure.results import PersistedResult


def measured(mebibytes: int, turns: int = TURNS) -> dict[str, tuple[float, float]]:
    """The seconds of both sides to write and sync so large an array, and to read it and sum it up."""
    made = [np.random.default_rng(0).random(mebibytes * 1024 * 1024 // 8)]
    path, storage = FOLDER / f"array-{mebibytes}.npy", on_disk()
    kept: list[PersistedResult[Any]] = []

    def write_theirs() -> None:
        path.unlink(missing_ok=True)
        with path.open("wb") as file:
            np.save(file, made[0])
            file.flush()
            os.fsync(file.fileno())

    def write_ours() -> None:
        for key in list(storage.list()):
            storage.delete(key)
        kept[:] = [persist(made[0], storage)]

    def read_ours() -> float:
        return float(kept[0].get().sum())  # nothing is kept in memory: each time from the file

    write = duel(write_theirs, write_ours, turns)
    made.clear()  # reading has room for its own
    read = duel(lambda: float(np.load(path).sum()), read_ours, turns)
    path.unlink()
    return {f"array_write_{mebibytes}": write, f"array_read_{mebibytes}": read}
