"""A flow that two processes may want to run at the same time, and what each of them really ran."""

import json
import os
import time
from pathlib import Path
from typing import NamedTuple

from perdure import flow, runtime, task

STEPS = 30


class Ran(NamedTuple):
    """A step was run."""

    who: str
    number: int
    run_id: str
    at: float  # by the clock that all machines of this one share, since it cannot be set


@task
def step(number: int, seconds: float) -> list[int]:
    """Note who runs it, and take some time; the last one until it may end."""
    line = json.dumps(Ran(os.environ["WHO"], number, str(runtime.task_run.id), time.monotonic())) + "\n"
    ledger = os.open(os.environ["LEDGER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(ledger, line.encode())
    os.close(ledger)
    time.sleep(seconds)
    while number == STEPS - 1 and not Path(os.environ["LEDGER"] + ".end").exists():
        time.sleep(0.02)
    return [number]


@flow(durable=True)
def owned(seconds: float) -> int:
    """Run all steps, one after the other."""
    return sum(step(number, seconds)[0] for number in range(STEPS))


def ledger_of(path: Path) -> list[Ran]:
    """What was run, in order."""
    return [Ran(*json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []
