"""How every peer's workloads are timed: `tasks.py COUNT WORKLOAD...` prints milliseconds a call, as JSON."""

import json
import sys
import time
from collections.abc import Callable, Mapping


def main(workloads: Mapping[str, Callable[[int], object]]) -> None:
    """Time the workloads named on the command line, each with its count of calls."""
    count, names = int(sys.argv[1]), sys.argv[2:]
    print(json.dumps({name: milliseconds(workloads[name], count) for name in names}))


def milliseconds(workload: Callable[[int], object], count: int) -> float:
    """Milliseconds that one of the workload's `count` calls takes, start-up left out."""
    workload(1)  # the start of servers and databases, and the one miss of a cache
    start = time.perf_counter()
    workload(count)
    return (time.perf_counter() - start) / count * 1000
