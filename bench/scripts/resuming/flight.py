"""One of many processes that want one key: `flight.py READY GO LOG SECONDS`; notes in LOG that it computes."""

import sys
import time
from pathlib import Path

from perdure import task

ready, go, log, seconds = sys.argv[1:]


@task(cache_key_fn=lambda: "key")
def compute() -> list[int]:
    with Path(log).open("a") as file:
        file.write(".")
    time.sleep(float(seconds))
    return [1]


Path(ready).touch()
while not Path(go).exists():
    time.sleep(0.005)
assert compute() == [1]
