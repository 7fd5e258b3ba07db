"""`load.py SECONDS COUNT`: run a flow of tasks that persist nothing, for so long or with so many.

Prints, as JSON, how many tasks ran, and what one took: `wall` and `cpu`, of this process, in microseconds. Both end
when the orchestrator has all of it.
"""

import json
import sys
import time

from perdure import flow, session, task


@task
def plain(i: int) -> dict[str, int]:
    return {"i": i}


@flow
def load(until: float, count: int) -> int:
    i = 0
    while i < count and time.perf_counter() < until:
        plain(i)
        i += 1
    return i


if __name__ == "__main__":
    seconds, most = float(sys.argv[1]), int(sys.argv[2])
    load(float("inf"), 1)  # the start
    session.current().orchestrator.flush()
    began, used = time.perf_counter(), time.process_time()
    count = load(began + seconds, most)
    session.current().orchestrator.flush()
    wall, cpu = time.perf_counter() - began, time.process_time() - used
    print(json.dumps({"count": count, "wall": wall / count * 1e6, "cpu": cpu / count * 1e6}))
