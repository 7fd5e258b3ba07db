"""Flows that workers run while everything is killed: each leaves a line for each time that it runs.

A run holds a lock of its own while it runs, which ends with its process, however that ends: two at once are seen.
"""

import fcntl
import os
import time
from pathlib import Path

from perdure import flow, task
from perdure.runtime import flow_run

_held = []  # files, until the process ends


def enter(folder: str) -> None:
    """Note that a run begins here, or that it does so twice at once."""
    file = Path(folder, str(flow_run.id)).open("a")  # noqa: SIM115 - it is held
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        Path(folder, f"{flow_run.id}.twice").touch()
    file.write(f"{os.getpid()}\n")
    file.flush()
    _held.append(file)


@flow
def once(folder: str, seconds: float = 0.0) -> None:
    enter(folder)
    time.sleep(seconds)


@task
def step(number: int, seconds: float) -> int:
    time.sleep(seconds)
    return number


@flow(durable=True, on_crash="resume")
def resumed(folder: str, seconds: float = 0.0) -> int:
    enter(folder)
    return sum(step(number, seconds / 4) for number in range(4))
