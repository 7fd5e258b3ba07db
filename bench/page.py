"""`python -m bench.page [--only first,live,timeline,million]`: what the page takes in Chromium, from its own server.

Prints a table, and keeps it in bench/results/page.md. Needs the page built (`make ui`) and Chromium. Each load is that
of a browser that has nothing of the page yet. Times are milliseconds, and sizes are compressed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import httpx

from perdure._store.sql.sqlite import SQLite
from tests.orchestrator import million
from tests.ui import filled, flows
from tests.ui.browsing import home_served, script

HERE = Path(__file__).parent
LOADS = 5
LIVE = 50  # flows that run while the page is watched
WATCHED = 15  # seconds
BARS = 10_000
PAGES = ("/", "/flow-runs", "/task-runs", "/flows", "/results", "/cache", "/artifacts", "/events")


class Row(NamedTuple):
    """A line of the table."""

    title: str
    figure: str
    limit: str = ""


def first(folder: Path) -> Iterator[Row]:
    """The first load, with some days of runs."""
    filled.fill(folder, days=3)
    with home_served(folder) as address:
        loads = _loaded(address, 1, *["/"] * LOADS)
    yield Row("first page: JavaScript, KiB", f"{loads[0]['bytes'] / 1024:.0f}", "at most 300")
    for key, title in (("usable", "usable"), ("paint", "largest paint")):
        times = [load[key] for load in loads]
        figure = f"{median(times):.0f}, {max(times):.0f}"
        yield Row(f"first page: {title}, median and most of {LOADS} loads", figure, "at most 1,000")
    yield Row("first page: layout shift", f"{max(load['shift'] for load in loads):.4f}", "none")


def live(folder: Path) -> Iterator[Row]:
    """Pages that are watched while many flows run."""
    seconds = 40 + 3 * (WATCHED + 5)
    runs = [sys.executable, "-m", "tests.ui.filled", str(folder), "--days=3", f"--live={LIVE}", f"--seconds={seconds}"]
    process = subprocess.Popen(runs, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout
        process.stdout.readline()  # it is filled
        with home_served(folder) as address:
            while _count(address) < LIVE:
                pass
            for page in _loaded(address, WATCHED, "/", "/flow-runs", "/task-runs"):
                title = f"{page['path']} with {LIVE} live runs, {WATCHED} s: longest task, layout shift"
                yield Row(title, f"{page['after']:.0f}, {page['shift']:.4f}", "at most 100, none")
                yield Row("its longest task while it loads", f"{page['loading']:.0f}")
    finally:
        process.kill()
        process.communicate()


def timeline(folder: Path) -> Iterator[Row]:
    """The bars of a run with many tasks."""
    from perdure import session
    from perdure.testing.home import fresh_home

    with fresh_home(folder):
        state = flows.fan_out(BARS, return_state=True)
        session.close()
    with home_served(folder) as address:
        printed = script("timeline", address, str(state.run_id))
    for done in map(json.loads, printed.splitlines()):
        frames = f"p50 {done['p50']}, p95 {done['p95']}, " if "p50" in done else ""
        yield Row(f"{BARS:,} bars, {done['what']}: frames, longest task", f"{frames}{done['longest']}", "at most 100")


def many(folder: Path) -> Iterator[Row]:
    """Each page with a million task runs and as many results in the database."""
    million.FIRST = int(time.time() * 1e6) - million.COUNT * million.STEP  # up to now
    million.fill(SQLite(folder / "perdure.db", 60))
    with home_served(folder) as address:
        runs = [f"/flow-runs/{million.flow_id(0)}", f"/task-runs/{million.task_id(77)}"]
        for page in _loaded(address, 0, *PAGES, *runs):
            yield Row(f"{page['path']} with a million: usable", f"{page['usable']:.0f}", "at most 1,000")


def _loaded(address: str, seconds: float, *paths: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in script("loads", address, str(seconds), *paths).splitlines()]
    assert not any(page["wrong"] for page in found), found
    return found


def _count(address: str) -> int:
    """How many flows run, up to 200."""
    found = httpx.get(f"{address}/api/flow-runs", params={"state": "RUNNING", "limit": 200}, timeout=10)
    return len(found.raise_for_status().json()["items"])


SCENARIOS: dict[str, Callable[[Path], Iterator[Row]]] = {
    "first": first,
    "live": live,
    "timeline": timeline,
    "million": many,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.page", description=__doc__.partition(":")[0])
    parser.add_argument("--only", default=",".join(SCENARIOS), help=f"some of {','.join(SCENARIOS)}")
    chosen = parser.parse_args().only.split(",")
    os.environ["PERDURE_LOGGING_LEVEL"] = "CRITICAL"
    lines = ["| | figure | is to be |", "|---|--:|--:|"]
    for name in chosen:
        print(name, file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR", "/var/tmp")) as folder:
            lines += [f"| {row.title} | {row.figure} | {row.limit} |" for row in SCENARIOS[name](Path(folder))]
    report = "\n".join(lines) + "\n"
    print(report)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "page.md").write_text(report, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
