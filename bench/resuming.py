"""`python -m bench.resuming [--runs 3] [--only flight,resume,identity,step]`: what resuming and caching must reach.

Prints a table, and keeps it in bench/results/resuming.md. A step of DBOS and a persisted task take turns, in one run.
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
from typing import NamedTuple

from bench.environments import python_of
from bench.peers import PEERS
from bench.process import run

HERE = Path(__file__).parent
SCRIPTS = HERE / "scripts" / "resuming"
SOURCE = {"PYTHONPATH": str(HERE.parent / "src"), "PERDURE_LOGGING_LEVEL": "WARNING"}
STEPS = 100_000
WANTING = 16  # processes that want one key


class Figure(NamedTuple):
    """A line of the table: the median of all runs, and what it is to be."""

    title: str
    limit: str


FIGURES = {
    "computed": Figure(f"{WANTING} processes want one missing key: times it is computed", "1"),
    "computed after a kill": Figure("the same, and the one that computes is killed", "2"),
    "documents": Figure(f"{STEPS:,} finished steps with documents: seconds until the next begins", "at most 1.5"),
    "documents MiB": Figure("the same, peak MiB", ""),
    "inline": Figure(f"{STEPS:,} finished steps, inline: seconds until the next begins", "at most 1.5"),
    "inline MiB": Figure("the same, peak MiB", ""),
    "literals": Figure(f"{STEPS:,} finished steps with literals: seconds until the next begins", "at most 1.5"),
    "literals MiB": Figure("the same, peak MiB", ""),
    "small": Figure("identity of a call with small arguments, µs", "at most 20"),
    "former": Figure("the same, with digests as the first version made them, µs", ""),
    "grown": Figure("identity of a call with small arguments, in those of the first version", "at most 1.1"),
    "array": Figure("a 256 MiB array hashed, GB/s", "at least 1"),
    "bytes": Figure("256 MiB of bytes hashed, GB/s", "at least 1"),
    "frame": Figure("a 256 MiB DataFrame hashed, GB/s", "at least 1"),
    "objects": Figure("a column of 4 million Python texts of 16 bytes hashed, GB/s", "at least 0.15"),
    "texts": Figure("the same as a column of Arrow, GB/s", "at least 1"),
    "ours": Figure("a persisted task call, ms", ""),
    "theirs": Figure("a DBOS step, ms", ""),
    "ratio": Figure("a persisted task call, in DBOS steps", "at most 0.15"),
}
Measured = Iterator[tuple[str, float]]


def flight(home: Path) -> Measured:
    """How many times a key that all want at once is computed, with and without a kill."""
    yield "computed", _computed(_new(home), is_killed=False)
    yield "computed after a kill", _computed(_new(home), is_killed=True)


def _computed(home: Path, is_killed: bool) -> int:
    log, go = home / "log", home / "go"
    environment = {**os.environ, **SOURCE, "PERDURE_HOME": str(home)}

    def start(number: int, seconds: float) -> "subprocess.Popen[bytes]":
        arguments = [str(home / f"ready-{number}"), str(go), str(log), str(seconds)]
        return subprocess.Popen([sys.executable, str(SCRIPTS / "flight.py"), *arguments], env=environment)

    # One that is to be killed computes before the others come, and would never end by itself.
    first = start(WANTING, 600) if is_killed else None
    if first is not None:
        go.touch()
        _wait_until(log.exists)
        go.unlink()
    others = [start(number, 0.2) for number in range(WANTING - is_killed)]
    _wait_until(lambda: all((home / f"ready-{number}").exists() for number in range(len(others))))
    go.touch()
    if first is not None:
        time.sleep(1)
        first.kill()
        first.wait()
    assert [each.wait(60) for each in others] == [0] * len(others)
    return len(log.read_text())


def _wait_until(is_so: Callable[[], bool]) -> None:
    while not is_so():
        time.sleep(0.01)


def resume(home: Path) -> Measured:
    """How long a flow run that died after many steps takes to come to the next one."""
    for kind in ("documents", "inline", "literals"):
        place = _new(home)
        environment = {**SOURCE, "PERDURE_HOME": str(place)}
        if kind == "inline":
            environment["PERDURE_RESULTS_INLINE_BYTES"] = "1000"
        run([sys.executable, SCRIPTS / "steps.py", str(STEPS), "run", kind], place, environment)
        ended = run([sys.executable, SCRIPTS / "steps.py", str(STEPS), "resume"], place, environment)
        found = json.loads(ended.printed)
        yield kind, found["seconds"]
        yield f"{kind} MiB", found["MiB"]


def identity(home: Path) -> Measured:
    """What the identity of a call costs."""
    found = json.loads(run([sys.executable, SCRIPTS / "identity.py"], _new(home), SOURCE).printed)
    yield from found.items()
    yield "grown", found["small"] / found["former"]


def step(home: Path) -> Measured:
    """A persisted task call beside a DBOS step."""
    figures = {}
    for peer, workload in (("perdure", "persist"), ("dbos", "seq")):
        (found,) = (each for each in PEERS if each.name == peer)
        path = [str(each) for each in (found.source, HERE / "scripts" / "common") if each]
        command: list[str | Path] = [python_of(found), found.scripts / "tasks.py", str(found.calls), workload]
        ended = run(command, _new(home), {**found.environment, "PYTHONPATH": os.pathsep.join(path)})
        figures[peer] = json.loads(ended.printed.strip().splitlines()[-1])[workload]
    yield "ours", figures["perdure"]
    yield "theirs", figures["dbos"]
    yield "ratio", figures["perdure"] / figures["dbos"]


def _new(home: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=home))


SCENARIOS: dict[str, Callable[[Path], Measured]] = {
    "flight": flight,
    "resume": resume,
    "identity": identity,
    "step": step,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.resuming", description=__doc__.partition(":")[0])
    parser.add_argument("--only", default=",".join(SCENARIOS), help=f"some of {','.join(SCENARIOS)}")
    parser.add_argument("--runs", type=int, default=3, help="how often each is measured (default 3)")
    options = parser.parse_args()
    figures: dict[str, list[float]] = {}
    # Not a file system in memory: what is measured waits for the disk.
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR", "/var/tmp")) as home:
        for _ in range(options.runs):
            for name in options.only.split(","):
                print(name, file=sys.stderr, flush=True)
                for key, figure in SCENARIOS[name](Path(home)):
                    figures.setdefault(key, []).append(figure)
    lines = ["| | median | is to be |", "|---|--:|--:|"]
    lines += [f"| {FIGURES[key].title} | {median(all_):.3g} | {FIGURES[key].limit} |" for key, all_ in figures.items()]
    report = "\n".join(lines) + "\n"
    print(report)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "resuming.md").write_text(report, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
