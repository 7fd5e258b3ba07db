"""Flows that tests deploy: a module, so that other processes find them."""

import os
import time
from pathlib import Path

from perdure import flow, suspend_flow_run, task
from perdure.runtime import deployment, flow_run, partition


@task
def double(x: int) -> int:
    return 2 * x


@flow
def report(x: int = 1, day: str = "") -> str:
    return f"{double(x)} {day}".strip()


@flow
def ordered(when: str, amount: int = 1, also: str = "") -> None: ...


@flow
def slow(seconds: float = 0.5) -> str:
    time.sleep(seconds)
    return "slept"


@flow
def counted(folder: str) -> None:
    """Leaves a file for each time that it is run."""
    Path(folder, f"{flow_run.id}-{os.getpid()}").touch()


@flow(on_crash="resume", persist_result=True)
def dies_once(folder: str) -> str:
    mark = Path(folder, "died")
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), 9)
    return "survived"


@flow
def origin() -> list[str]:
    """What a run knows of where it came from."""
    return [
        str(deployment.name),
        str(deployment.version),
        str(flow_run.scheduled_start_time),
        str(partition.key),
        str(partition.start),
        str(partition.end),
    ]


@flow
def needs(a: int, b: str = "b", *, c: bool = False) -> None:
    pass


@flow(persist_result=True)
def asks() -> int:
    """Suspends itself twice; the second time after what it was given first."""
    first: int = suspend_flow_run(wait_for_input=int, key="first")
    second: int = suspend_flow_run(wait_for_input=int, key="second")
    return first + second


@flow(persist_result=True, on_crash="resume")
def two_words(x: int = 1) -> int:
    return double(x)
