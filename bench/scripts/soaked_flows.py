"""Flows of most kinds, one after the other, until the process is ended: `python -m bench.scripts.soaked_flows`."""

import itertools
import time

from perdure import INPUTS, flow, task
from perdure.task_runners import ThreadTaskRunner

_PAUSE = 0.05  # seconds between two flow runs


@task
def load(number: int) -> int:
    return number


@task(persist_result=True)
def keep(number: int) -> list[int]:
    return [number]


@task(cache_policy=INPUTS)
def cached(number: int) -> list[int]:
    return [number]


@task
def fails(number: int) -> int:
    raise ValueError(f"number {number}")


@flow
def below(number: int) -> int:
    return load(number) + sum(keep(number))


@flow(task_runner=ThreadTaskRunner(max_workers=3), retries=1)
def all_kinds(number: int) -> int:
    """Call, submit and map tasks, some of which are cached and some fail."""
    submitted = [load.submit(each) for each in range(4)]
    mapped = cached.map([number % 50, number, number])
    fails(number, return_state=True)
    return sum(each.result() for each in submitted) + len(mapped.result()) + below(number)


if __name__ == "__main__":
    for each in itertools.count():
        all_kinds(each)
        time.sleep(_PAUSE)
