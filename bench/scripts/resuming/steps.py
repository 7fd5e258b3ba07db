"""`steps.py COUNT run` dies after that many steps; `steps.py COUNT resume`: seconds until the next one begins."""

import json
import os
import resource
import sys
import time

START = time.perf_counter()

from perdure import flow, session, task  # noqa: E402
from perdure.records import RunFilter  # noqa: E402


@task
def step(number: int) -> dict[str, int]:
    return {"number": number}


@task
def step_of_a_number(number: int) -> bool:
    return number % 2 == 0


@task
def unfinished(begun: str) -> None:
    if begun == "run":
        session.current().orchestrator.flush()
        os._exit(0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": time.perf_counter() - START, "MiB": peak}))


@flow(durable=True)
def many(count: int, literal: bool) -> None:
    for number in range(count):
        (step_of_a_number if literal else step)(number)
    unfinished(sys.argv[2])


if __name__ == "__main__":
    if sys.argv[2] == "run":
        many(int(sys.argv[1]), sys.argv[3] == "literals")
    else:
        many.resume(session.current().orchestrator.flow_runs(RunFilter())[0].id)
