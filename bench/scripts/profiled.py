"""`profiled.py COUNT WORKLOAD`: print, as JSON, how many functions a call of it calls: of Python by room, and of C.

In all threads. What every flow does once, and what is done once in many calls, is left out, or spread over the calls.
"""

import cProfile
import importlib
import json
import os
import sys
import threading
from collections import Counter
from pathlib import Path

import perdure

PACKAGE = Path(perdure.__file__).parent
profiles: list[cProfile.Profile] = []


def begin(*_: object) -> None:
    """Count what this thread calls, from now on."""
    profiles.append(cProfile.Profile())
    profiles[-1].enable()


def room_of(file: str) -> str:
    """The room of the house in which a file lies."""
    path = Path(file)
    if path.is_relative_to(PACKAGE):
        return path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "the workload" if path.parent.name in ("perdure", "common") else "the standard library"


def called() -> Counter[str]:
    """How often functions were called so far."""
    found: Counter[str] = Counter()
    for profile in profiles:
        for entry in profile.getstats():  # type: ignore[attr-defined]
            is_python = not isinstance(entry.code, str)
            found[room_of(entry.code.co_filename) if is_python else "functions in C"] += entry.callcount
    return found


if __name__ == "__main__":
    count, name = int(sys.argv[1]), sys.argv[2]
    if name == "inline":
        os.environ["PERDURE_RESULTS_INLINE_BYTES"] = "1000"
    workload = getattr(
        importlib.import_module("tasks"), {"inline": "persist", "cache hit": "cache_hit"}.get(name, name)
    )
    threading.setprofile(begin)
    begin()
    workload(1)
    seen = []
    for number in (0, count, 3 * count):
        workload(number)
        seen.append(called())
    once, first, second = seen
    first.subtract(once)
    second.subtract(once + first)
    second.subtract(first)  # what a flow does beside its calls is in both
    print(json.dumps({room: calls / (2 * count) for room, calls in second.items() if round(calls / count)}))
