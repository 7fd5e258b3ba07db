"""`million.py ENGINE COUNT`: print, as JSON, what a map of so many calls takes, and what the database has of it.

Seconds of the wall and CPU of all processes, and how many MiB the memory of this process grew by at most. Of the calls:
how many of their runs are in the database, how many of these are Completed, how many have more than one such state.
"""

import json
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

from calls import ENGINES, cpu, memory, nothing

from perdure import flow, session, settings, task

tracked = task(nothing, name="tracked")


def kept() -> dict[str, int]:
    """What the database has."""
    session.close()
    with sqlite3.connect(Path(settings.current().home) / "perdure.db") as database:
        (runs, completed) = database.execute("SELECT count(*), sum(state_type = 'COMPLETED') FROM task_run").fetchone()
        (twice,) = database.execute(
            "SELECT count(*) - count(DISTINCT run_id) FROM state WHERE type = 'COMPLETED' AND of_task"
        ).fetchone()
    return {"runs": runs, "completed": completed, "twice": twice}


def main() -> None:
    engine, count = sys.argv[1], int(sys.argv[2])
    with ENGINES[engine]() as (_, runner):

        @flow(task_runner=runner)
        def maps() -> dict[str, Any]:
            tracked.map(range(100)).wait()  # workers have started
            Path("/proc/self/clear_refs").write_text("5")  # the peak is that of now
            before, used, began = memory("VmRSS"), cpu(), time.perf_counter()
            futures = tracked.map(range(count))
            for place in range(0, count, max(1, count // 20)):
                futures[place].wait()
                print(place, round(memory("VmRSS") - before), round(time.perf_counter() - began), file=sys.stderr)
            futures.wait()
            wall, after = time.perf_counter() - began, cpu() - used
            grown = memory("VmHWM") - before
            right = all(future.result() == number for number, future in enumerate(futures))
            return {"wall": wall, "cpu": after, "grown": grown, "right": right}

        found = maps()
    print(json.dumps(found | kept()))


if __name__ == "__main__":
    main()
