"""The workloads of one flow."""

import hashlib
import json
import os
import sys
import time
from pathlib import Path

from loop import main

if "inline" in sys.argv:
    os.environ["PERDURE_RESULTS_INLINE_BYTES"] = "1000"

from perdure import flow, task
from perdure.task_runners import ThreadTaskRunner

DATA = bytes(16 * 1024 * 1024)


@task
def plain(i: int) -> dict[str, int]:
    return {"i": i}


@task(persist_result=True)
def persisted(i: int) -> dict[str, int]:
    return {"i": i}


@task(cache_key_fn=lambda context, parameters: "always", persist_result=True)  # noqa: ARG005
def cached(i: int) -> dict[str, int]:
    return {"i": i}


@flow
def seq(count: int) -> int:
    for i in range(count):
        plain(i)
    return count


@flow
def submit(count: int) -> int:
    futures = [plain.submit(i) for i in range(count)]
    return sum(future.result()["i"] for future in futures)


@flow
def persist(count: int) -> int:
    for i in range(count):
        persisted(i)
    return count


@flow
def cache_hit(count: int) -> int:
    for i in range(count):
        cached(i)
    return count


@flow
def map_window(count: int) -> int:
    return sum(1 for _ in plain.map(i for i in range(count)))


@flow
def memory(count: int) -> float:
    """Bytes that each of the later nine tenths of the tasks leave behind."""
    first = count // 10
    for i in range(first):
        plain(i)
    before = _resident()
    for i in range(count - first):
        plain(i)
    return (_resident() - before) / (count - first)


@task
def hashed(i: int) -> str:  # noqa: ARG001
    """Work that releases the GIL for nearly all of its time."""
    return hashlib.sha256(DATA).hexdigest()


@flow(task_runner=ThreadTaskRunner(max_workers=2))
def cores(count: int) -> float:
    """How many times as fast tasks that release the GIL are with two threads."""
    began = time.perf_counter()
    for i in range(count):
        hashed(i)
    between = time.perf_counter()
    for future in [hashed.submit(i) for i in range(count)]:
        future.result()
    return (between - began) / (time.perf_counter() - between)


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    figure = {"memory": memory, "cores": cores}.get(sys.argv[2])
    if figure is not None:
        print(json.dumps({sys.argv[2]: figure(int(sys.argv[1]))}))
    else:
        main(
            {
                "seq": seq,
                "submit": submit,
                "persist": persist,
                "inline": persist,
                "cache hit": cache_hit,
                "map": map_window,
            }
        )
