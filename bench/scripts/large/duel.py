"""What the scripts share: timing two sides in turn, a storage on disk, and the figures' way out."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from perdure import settings
from perdure._results.store import leave, write_result
from perdure.filesystems import LocalFileSystem
from perdure.results import PersistedResult
from perdure.serializers import resolve

FOLDER = Path(os.environ["BENCH_DATA"])
TURNS = 3


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def duel(theirs: Callable[[], object], ours: Callable[[], object], turns: int = TURNS) -> tuple[float, float]:
    """The medians of both sides, taken in turn after one of each that does not count."""
    times = [(timed(theirs), timed(ours)) for _ in range(turns + 1)][1:]
    return median(their for their, _ in times), median(our for _, our in times)


def show(**figures: tuple[float, float]) -> None:
    print(json.dumps({name.replace("_", " "): pair for name, pair in figures.items()}))


def synced(storage: Any, keys: tuple[str, ...]) -> None:
    storage.sync(keys)


def persist(value: Any, storage: Any, serializer: str = "pickle", sync: bool = True) -> PersistedResult[Any]:
    """What a run does with its value, but for reporting it to the orchestrator."""
    settings.current()
    secure = synced if sync else leave
    return write_result(value, None, storage, resolve(serializer, serializer), "an id", False, secure)


def on_disk() -> LocalFileSystem:
    return LocalFileSystem(basepath=FOLDER / "ours")
