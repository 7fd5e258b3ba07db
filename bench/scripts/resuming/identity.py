"""What the identity of a call costs: microseconds with small arguments, GB/s with large ones, as JSON."""

import json
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from perdure import flow, task
from perdure.context import require_run
from perdure.engine.hashing import digest_of_values
from perdure.engine.identity import identity_of

SIZE = 256 * 1024 * 1024  # bytes
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
            identity_of(load.options, parameters, run)

    return best(calls) / CALLS * 1e6


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
    values = {"array": array, "bytes": array.tobytes(), "frame": frame}
    speeds = {name: SIZE / best(lambda value=value: digest_of_values(value), 3) / 1e9 for name, value in values.items()}
    print(json.dumps({"small": small(), **speeds}))
