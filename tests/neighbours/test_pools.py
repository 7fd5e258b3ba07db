"""Pools of processes and of Dask, joblib and the standard library in tasks, whose functions are tasks and flows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import multiprocessing, sys
import dask
from joblib import Parallel, delayed
from perdure import flow, task

def cube(number):
    return number**3

@task
def double(number):
    return number * 2

@flow
def inner(number: int):
    return double.submit(number).result()

@task
def by_pool(method):
    with multiprocessing.get_context(method).Pool(2) as pool:
        return [pool.map(cube, [1, 2]), pool.map(double, [1, 2]), pool.map(inner, [1, 2])]

@task
def by_joblib(backend):
    return [Parallel(n_jobs=2, backend=backend)(delayed(each)(n) for n in (1, 2)) for each in (cube, double)]

@task
def by_dask(scheduler):
    calls = [dask.delayed(each)(n) for each in (cube, inner) for n in (1, 2)]
    return list(dask.compute(*calls, scheduler=scheduler))

@flow
def whole():
    pools = [by_pool.submit("spawn").result(), by_pool("fork")]
    return [*pools, by_joblib("loky"), by_dask("processes"), by_dask("threads")]

if __name__ == "__main__":
    print(whole() == [[[1, 8], [2, 4], [2, 4]]] * 2 + [[[1, 8], [2, 4]]] + [[1, 8, 2, 4]] * 2)
"""


@pytest.mark.slow
def test_what_pools_call_in_other_processes_may_be_tasks_and_flows(tmp_path: Path) -> None:
    (tmp_path / "pools.py").write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "pools.py"],
        cwd=tmp_path,
        env={**os.environ, "PERDURE_LOGGING_LEVEL": "ERROR"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == "True\n", done.stdout + done.stderr
