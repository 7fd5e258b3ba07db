"""Processes that persist results, and say which ones they have, until they are killed. Run by `test_kills.py`.

`python killed_flow.py FOLDER FIRST LAST`: each seed has a process of its own, forked, whose standard error is in the
folder. Prints what the processes said, a list for each.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from perdure import flow, runtime, task
from perdure.tasks import task_input_hash


@task(persist_result=True)
def persisted(number: int) -> dict[str, int]:
    return {"number": number}


@task(persist_result=True, result_storage_key="newest.json", result_serializer="json")
def overwritten(number: int) -> list[int]:
    return [number] * 100


@task(cache_key_fn=task_input_hash)
def cached(number: int) -> str:
    return "x" * number


@task
def tracked(number: int) -> int:
    return number


@task(persist_result=True)
def submitted(number: int) -> str:
    return f"{runtime.task_run.id} {number}"


@flow(log_prints=True)
def killed(seed: int) -> None:
    say("ready")
    for number in range(seed * 1_000, seed * 1_000 + 1_000):
        state = persisted(number, return_state=True)
        say(f"{state.task_run_id} {number}")
        tracked(number)
        overwritten(number)
        cached(number % 7)
        futures = [submitted.submit(number + step) for step in range(3)]
        for future in futures:
            future.result()
        print(number)


def say(text: str) -> None:
    sys.stdout.buffer.write(f"{text}\n".encode())
    sys.stdout.buffer.flush()


def run_and_kill(seed: int, errors: Path) -> list[str]:
    """Run the flow in a process that is killed soon after it has said a few lines; the lines that it said."""
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        with errors.open("wb") as log:
            os.dup2(log.fileno(), 2)
        os.dup2(writing, 1)
        os.close(reading)
        os.close(writing)
        killed(seed)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as said:
        assert said.readline() == b"ready\n", errors.read_text()
        chance = random.Random(seed)
        lines = [said.readline().decode() for _ in range(chance.randrange(6))]
        time.sleep(chance.uniform(0, 0.03))
        os.kill(process, signal.SIGKILL)
        lines += said.read().decode().splitlines()
    os.waitpid(process, 0)
    return lines


if __name__ == "__main__":
    folder, first, last = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    print(json.dumps({seed: run_and_kill(seed, folder / f"stderr-{seed}") for seed in range(first, last)}))
