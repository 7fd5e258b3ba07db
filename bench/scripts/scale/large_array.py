"""`large_array.py ENGINE MIB TIMES`: print, as JSON, what an array takes that one worker makes and another reduces.

Seconds of the wall and CPU of all processes, and how many MiB the memory of this process grew by at most: "bare" with
the engine alone, "tracked" with Perdure's tasks. The two take turns, a list has what each of the times took.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from calls import cpu, memory

from perdure import flow, task
from perdure.task_runners import DaskTaskRunner, RayTaskRunner

MAKER, REDUCER = {"maker": 1}, {"reducer": 1}  # resources that one of the workers has
Run = Callable[[int], float]


def made(mib: int) -> "np.ndarray[Any, Any]":
    return np.ones(mib * 131_072)


def total(array: "np.ndarray[Any, Any]") -> float:
    return float(array.sum())


def tracked_on(runner: Any) -> Run:
    makes, reduces = task(made, resources=MAKER), task(total, resources=REDUCER)

    @flow(task_runner=runner)
    def tracked(mib: int) -> float:
        return reduces.submit(makes.submit(mib)).result()

    return tracked


@contextmanager
def dask() -> Iterator[tuple[Run, Run]]:
    from distributed import Client, Nanny, Scheduler, SpecCluster

    workers = {
        name: {"cls": Nanny, "options": {"nthreads": 1, "resources": has, "memory_limit": 0}}
        for name, has in (("maker", MAKER), ("reducer", REDUCER))
    }
    scheduler = {"cls": Scheduler, "options": {"dashboard_address": ":0"}}
    with SpecCluster(workers, scheduler) as cluster, Client(cluster, set_as_default=False) as client:

        def bare(mib: int) -> float:
            array = client.submit(made, mib, resources=MAKER, pure=False)
            return float(client.submit(total, array, resources=REDUCER, pure=False).result())

        yield bare, tracked_on(DaskTaskRunner(address=cluster.scheduler_address))


@contextmanager
def ray() -> Iterator[tuple[Run, Run]]:
    import ray

    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 - Ray calls it so; else its workers wait for all else
    ray.init(
        address="local",
        num_cpus=2,
        resources=MAKER | REDUCER,
        object_store_memory=4_000_000_000,
        include_dashboard=False,
        log_to_driver=False,
    )
    makes, reduces = ray.remote(made).options(resources=MAKER), ray.remote(total).options(resources=REDUCER)
    yield lambda mib: float(ray.get(reduces.remote(makes.remote(mib)))), tracked_on(RayTaskRunner())
    ray.shutdown()


def measured(run: Run, mib: int) -> dict[str, float]:
    Path("/proc/self/clear_refs").write_text("5")  # the peak is that of now
    before, used, began = memory("VmRSS"), cpu(), time.perf_counter()
    if run(mib) != mib * 131_072:
        raise ValueError("The sum is wrong.")
    wall = time.perf_counter() - began
    return {"wall": wall, "cpu": cpu() - used, "grown": memory("VmHWM") - before}


def main() -> None:
    engine, mib, times = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with {"dask": dask, "ray": ray}[engine]() as (bare, tracked):
        for run in (bare, tracked):
            run(1)  # workers have started, and know the functions
        found = [(measured(bare, mib), measured(tracked, mib)) for _ in range(times)]
    print(json.dumps({"bare": [each for each, _ in found], "tracked": [each for _, each in found]}))


if __name__ == "__main__":
    main()
