"""`python -m bench.scale [--runs 3] [--only processes,server,dask,ray]`: what a call that does nothing takes on each
task runner, beside the bare engine with batches of as many calls, in one run. Prints a table, and keeps it in
bench/results/scale.md.

Microseconds are medians of whole processes, which take turns. CPU is that of all processes that take part.
"""

import argparse
import importlib.util
import itertools
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.process import ProcessError, run
from bench.server import serving

HERE = Path(__file__).parent
CALLS = HERE / "scripts" / "scale" / "calls.py"
_PATHS = (str(HERE.parent / "src"), os.environ.get("PYTHONPATH", ""))  # the second may have Ray
ENVIRONMENT = {"PYTHONPATH": os.pathsep.join(filter(None, _PATHS)), "PERDURE_LOGGING_LEVEL": "WARNING"}
PERSISTED = 3  # times what a tracked call takes, at most


class Runner(NamedTuple):
    """A task runner that is measured."""

    title: str
    engine: str  # as the script knows it
    bare: str  # what it is beside
    calls: int
    limit: int  # microseconds of a tracked call
    has_server: bool = False


RUNNERS = {
    "processes": Runner("ProcessTaskRunner", "processes", "ProcessPoolExecutor", 2_000, 150),
    "server": Runner("ProcessTaskRunner, with a server", "processes", "ProcessPoolExecutor", 1_000, 300, True),
    "dask": Runner("DaskTaskRunner", "dask", "distributed", 1_000, 1_000),
    "ray": Runner("RayTaskRunner", "ray", "ray", 2_000, 350),
}
if importlib.util.find_spec("ray") is None:  # of the extras, only it is not among the requirements of development
    del RUNNERS["ray"]

Found = Mapping[str, Mapping[str, float]]  # by what was called: microseconds by what was measured


def measured(runner: Runner, folder: Path) -> Found:
    """One run of what there is to a runner."""
    home = folder / "flow"
    home.mkdir(parents=True)
    served: AbstractContextManager[dict[str, str]] = _server(folder) if runner.has_server else nullcontext({})
    with served as variables:
        ended = run([sys.executable, CALLS, runner.engine, str(runner.calls)], home, ENVIRONMENT | variables)
    return json.loads(ended.printed.strip().splitlines()[-1])  # type: ignore[no-any-return]


@contextmanager
def disk() -> Iterator[Path]:
    """A folder for all runs, which is removed at the end.

    Not in a file system in memory: what is measured waits for the disk. And not removed earlier: where ext4 has no
    journal, a new file takes five times as long in the minute after others were deleted.
    """
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR", "/var/tmp")) as folder:
        yield Path(folder)


@contextmanager
def _server(folder: Path) -> Iterator[dict[str, str]]:
    with serving(folder, str(folder / "server.db")) as server:
        yield {"PERDURE_API_URL": server.address, "BENCH_SERVER": str(server.process.pid)}


def rows(runner: Runner, found: Sequence[Found]) -> Iterator[str]:
    """Lines of the table."""
    walls, cpus = ({key: median(each[key][of] for each in found) for key in found[0]} for of in ("wall", "cpu"))
    bare = f"{walls['bare']:,.0f} ({cpus['bare']:,.0f})"
    limits = {"tracked": f"at most {runner.limit:,} µs", "persisted": f"at most {PERSISTED}x tracked"}
    for key, limit in limits.items():
        spread = sorted(each[key]["wall"] for each in found)
        cells = [
            f"{runner.title}, {key}",
            f"{walls[key]:,.0f} ({cpus[key]:,.0f})",
            f"{spread[0]:,.0f} to {spread[-1]:,.0f}",
            f"{runner.bare}: {bare}",
            f"{walls[key] / walls['bare']:,.1f}",
            f"{walls[key] / walls['tracked']:,.1f}",
            limit,
        ]
        yield f"| {' | '.join(cells)} |"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description="Time tasks on each task runner.")
    parser.add_argument("--runs", type=int, default=3, help="whole-process runs of each (default 3)")
    parser.add_argument("--only", default=",".join(RUNNERS), help=f"some of {','.join(RUNNERS)}")
    options = parser.parse_args()
    chosen = options.only.split(",")
    if unknown := set(chosen) - set(RUNNERS):
        parser.error(f"no runner is called {', '.join(sorted(unknown))}; there are {', '.join(RUNNERS)}")
    found: dict[str, list[Found]] = {name: [] for name in chosen}
    failures: list[str] = []
    loads = [os.getloadavg()[0]]
    with disk() as folder:
        for number, name in itertools.product(range(options.runs), chosen):
            print(name, file=sys.stderr, flush=True)
            try:
                found[name].append(measured(RUNNERS[name], folder / f"{name}-{number}"))
            except ProcessError as error:
                failures.append(f"{name}: {error}")
                print(failures[-1], file=sys.stderr, flush=True)
            loads.append(os.getloadavg()[0])
    lines = [
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load {loads[0]:.1f} at the start,"
        f" {min(loads[1:]):.1f} to {max(loads[1:]):.1f} meanwhile. µs a call: wall (CPU); medians of {options.runs}.",
        "",
        "| | µs | wall of each run | bare engine | times bare | times tracked | is to be |",
        "|---|--:|--:|--:|--:|--:|--:|",
        *[line for name in chosen if found[name] for line in rows(RUNNERS[name], found[name])],
        *(["", "Failed:", "", *[f"- {failure}" for failure in failures]] if failures else []),
    ]
    report = "\n".join(lines) + "\n"
    print(report)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "scale.md").write_text(report, "utf-8")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
