"""`calls.py ENGINE COUNT`: print, as JSON, what a call that does nothing takes on two workers of an engine.

In microseconds: of the wall, and of CPU of this process, those below it, and the server, whose id BENCH_SERVER is.
"bare" is the engine alone, with calls in batches of 100; "tracked" is a task that is mapped; "persisted" is one whose
results are persisted, too.
"""

import json
import os
import pickle
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from perdure import flow, task
from perdure.task_runners import DaskTaskRunner, ProcessTaskRunner, RayTaskRunner

BATCH = 100
WARM = 300  # calls before those that are measured: workers have started, and know the function
_TICKS = os.sysconf("SC_CLK_TCK")


def nothing(number: int) -> int:
    return number


tracked = task(nothing, name="tracked")
persisted = task(nothing, name="persisted", persist_result=True)


def batch_of(packed: bytes) -> bytes:
    """What a batch comes to."""
    return pickle.dumps([nothing(number) for number in pickle.loads(packed)])


def batches(count: int) -> Iterator[bytes]:
    for begin in range(0, count, BATCH):
        yield pickle.dumps(list(range(begin, begin + BATCH)))


def measured(run: Callable[[int], None], count: int) -> dict[str, float]:
    run(WARM)
    before, began = cpu(), time.perf_counter()
    run(count)
    wall = time.perf_counter() - began
    return {"wall": wall / count * 1e6, "cpu": (cpu() - before) / count * 1e6}


def cpu() -> float:
    server = os.environ.get("BENCH_SERVER")
    return cpu_of(os.getpid()) + (cpu_of(int(server)) if server else 0.0)


def cpu_of(process: int) -> float:
    """Seconds of CPU that a process and those below it have used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    children = [each.read_text().split() for each in Path(f"/proc/{process}/task").glob("*/children")]
    return sum(map(int, fields[11:13])) / _TICKS + sum(cpu_of(int(child)) for of in children for child in of)


def memory(name: str) -> float:
    """MiB of this process's memory: what is resident (VmRSS), or its peak (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def mapped(chosen: Any, runner: Any, count: int) -> dict[str, float]:
    @flow(task_runner=runner)
    def maps() -> dict[str, float]:
        return measured(lambda size: chosen.map(range(size)).wait(), count)

    return maps()


Bare = Callable[[int], None]


@contextmanager
def processes() -> Iterator[tuple[Bare, Any]]:
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        yield lambda count: list(pool.map(batch_of, batches(count))) and None, ProcessTaskRunner(2)


@contextmanager
def dask() -> Iterator[tuple[Bare, Any]]:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster, set_as_default=False) as client,
    ):

        def bare(count: int) -> None:
            # Dask would look for futures and dates in what it is given: of bytes with a key it does not.
            sent = [client.submit(batch_of, each, key=uuid.uuid4().hex, pure=False) for each in batches(count)]
            client.gather(sent)

        yield bare, DaskTaskRunner(address=cluster.scheduler_address)


@contextmanager
def ray() -> Iterator[tuple[Bare, Any]]:
    import ray

    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 - Ray calls it so; else its workers wait for all else
    ray.init(address="local", num_cpus=2, object_store_memory=200_000_000, include_dashboard=False, log_to_driver=False)
    remote = ray.remote(batch_of).options(max_retries=0)
    yield lambda count: ray.get([remote.remote(each) for each in batches(count)]) and None, RayTaskRunner()
    ray.shutdown()


ENGINES = {"processes": processes, "dask": dask, "ray": ray}


def main() -> None:
    engine, count = sys.argv[1], int(sys.argv[2])
    with ENGINES[engine]() as (bare, runner):
        found = {
            "bare": measured(bare, count),
            "tracked": mapped(tracked, runner, count),
            "persisted": mapped(persisted, runner, count),
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
