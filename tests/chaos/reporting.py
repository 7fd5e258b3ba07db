"""A flow under load that tells a server of all it does: `python -m tests.chaos.reporting TASKS`."""

import sys

from perdure import flow, get_run_logger, task

PERSISTED = 50  # each so many tasks, one is persisted


@task
def load(number: int) -> int:
    get_run_logger().info("task %d", number)
    return number


@task(persist_result=True, cache_key_fn=lambda _, arguments: f"key {arguments['number']}")
def keep(number: int) -> list[int]:
    return [number]


@flow
def reporting(tasks: int) -> int:
    for number in range(tasks):
        if number % PERSISTED:
            load(number)
        else:
            assert keep(number) == [number]
    return tasks


if __name__ == "__main__":
    assert reporting(int(sys.argv[1])) == int(sys.argv[1])
