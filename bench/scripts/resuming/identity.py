"""What the identity of a call costs: microseconds with small arguments, GB/s with large ones, as JSON.

`former` is what the digests of the first version cost in the same run.
"""

import json
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from perdure import flow, task
from perdure._engine.identity import former_hashing, hashing, identity
from perdure._engine.identity.identity import identity_of
from perdure._run.context import require_run

SIZE = 256 * 1024 * 1024  # bytes
TEXTS = 64 * 1024 * 1024  # bytes
WORD = 16  # bytes of a text
CALLS = 2_000
BLOCKS = 15


@task(persist_result=True)
def load(day: str, limit: int, tags: list[str]) -> None: ...


@flow
def small() -> float:
    """Microseconds of processor time: the best block, since others use the machine too."""
    run, parameters = require_run(), {"day": "monday", "limit": 10, "tags": ["a", "b"]}

    def calls() -> None:
        for _ in range(CALLS):
            identity_of(load.options, parameters, run, None)

    return best(calls) / CALLS * 1e6


def former() -> float:
    """The same with the digests of the first version."""
    used: Any = identity.hashing
    today, used.digest_of_values = hashing.digest_of_values, former_hashing.digest_of_values
    try:
        return small()
    finally:
        used.digest_of_values = today


def best(call: Callable[[], Any], blocks: int = BLOCKS) -> float:
    times = []
    for _ in range(blocks):
        start = time.thread_time()
        call()
        times.append(time.thread_time() - start)
    return min(times)


if __name__ == "__main__":
    array = np.frombuffer(os.urandom(SIZE), dtype="float64")
    frame = pd.DataFrame({f"column {number}": part for number, part in enumerate(np.split(array, 8))})
    words = np.char.mod(f"%0{WORD}d", np.arange(TEXTS // WORD)).tolist()
    values = {
        "array": (array, SIZE),
        "bytes": (array.tobytes(), SIZE),
        "frame": (frame, SIZE),
        "objects": (pd.Series(words, dtype=object), TEXTS),
        "texts": (pd.Series(words, dtype="string[pyarrow]"), TEXTS),
    }
    speeds = {
        name: size / best(lambda value=value: hashing.digest_of_values(value), 3) / 1e9
        for name, (value, size) in values.items()
    }
    print(json.dumps({"small": small(), "former": former(), **speeds}))
