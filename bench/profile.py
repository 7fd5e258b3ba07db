"""`python -m bench.profile [--only seq,submit,persist,inline,hit,resume,start]`: where the work of a call goes.

Prints tables, and keeps them in bench/results/profile.md. Functions called are counted, and instructions by valgrind,
where that is installed. Of whole processes both repeat to a few per mille, whatever else the machine does; the
instructions of a call vary by a tenth or more, since what a process does by the clock comes often in so slow a one.
"""

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from bench.environments import python_of
from bench.peers import PEERS
from bench.process import run

HERE = Path(__file__).parent
SCRIPTS = HERE / "scripts"
CALLS = 200
STEPS = 300
VALGRIND = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
WORKLOADS = {"seq": "seq", "submit": "submit", "persist": "persist", "inline": "inline", "hit": "cache hit"}
BESIDE = {"hit": "cache hit"}  # what of joblib's is run beside ours


def environment_of(scripts: str) -> dict[str, str]:
    """What a workload finds its modules by; the order of sets is the same each time."""
    path = [HERE.parent / "src", SCRIPTS / "common", SCRIPTS / scripts]
    return {
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "PYTHONHASHSEED": "0",
        "PERDURE_LOGGING_LEVEL": "WARNING",
    }


def python_for(scripts: str) -> str | Path:
    """The Python of a peer: of an environment that has nothing else, since joblib imports NumPy where that is."""
    return sys.executable if scripts == "perdure" else python_of(next(each for each in PEERS if each.name == scripts))


def instructions(command: Sequence[str | Path], home: Path, scripts: str = "perdure") -> float | None:
    """How many instructions a process takes; None without valgrind."""
    if shutil.which("valgrind") is None:
        return None
    log = home / "valgrind.log"
    run([*VALGRIND, f"--log-file={log}", python_for(scripts), *command], home, environment_of(scripts), limit=1_800)
    found = re.search(r"I\s+refs:\s+([\d,]+)", log.read_text())
    assert found is not None, log.read_text()
    return float(found[1].replace(",", ""))


def of_a_call(name: str, scripts: str, folder: Path) -> float | None:
    """How many instructions a call of a workload takes: the difference of two processes."""
    taken = []
    for calls in (CALLS, 3 * CALLS):
        home = Path(tempfile.mkdtemp(dir=folder))
        taken.append(instructions([SCRIPTS / scripts / "tasks.py", str(calls), name], home, scripts))
    few, many = taken
    return None if few is None or many is None else (many - few) / (2 * CALLS)


def called(name: str, folder: Path, calls: int = CALLS) -> Mapping[str, float]:
    """How many functions a call of a workload calls, by room."""
    home = Path(tempfile.mkdtemp(dir=folder))
    ended = run([sys.executable, SCRIPTS / "profiled.py", str(calls), name], home, environment_of("perdure"), 600)
    found: dict[str, float] = json.loads(ended.printed.splitlines()[-1])
    return found


def workload(name: str, folder: Path) -> Iterator[str]:
    """What a call of a workload takes, beside joblib's where it has the like."""
    counts = called(WORKLOADS[name], folder)
    in_c = counts.get("functions in C", 0.0)
    rooms = sorted(((calls, room) for room, calls in counts.items() if room != "functions in C"), reverse=True)
    where = ", ".join(f"{room} {calls:.0f}" for calls, room in rooms)
    ours = of_a_call(WORKLOADS[name], "perdure", folder)
    theirs = of_a_call(BESIDE[name], "joblib", folder) if name in BESIDE else None
    total = sum(calls for calls, _ in rooms)
    yield f"| {WORKLOADS[name]} | {thousands(ours)} | {thousands(theirs)} | {total:.0f} | {in_c:.0f} | {where} |"


def thousands(figure: float | None) -> str:
    return "" if figure is None else f"{figure / 1_000:,.0f}"


def resume(folder: Path) -> Iterator[str]:
    """What a finished step takes when its flow run is resumed, by what its result is."""
    for kind in ("literals", "documents"):
        taken = []
        for steps in (STEPS, 3 * STEPS):
            home = Path(tempfile.mkdtemp(dir=folder))
            command: list[str | Path] = [SCRIPTS / "resuming" / "steps.py", str(steps)]
            run([sys.executable, *command, "run", kind], home, environment_of("perdure"))
            taken.append(instructions([*command, "resume"], home))
        few, many = taken
        step = None if few is None or many is None else (many - few) / (2 * STEPS)
        yield f"| a step that is resumed, {kind} | {thousands(step)} | | | | |"


def start(folder: Path) -> Iterator[str]:
    """What whole processes take."""
    hello = [str(SCRIPTS / each / "hello.py") for each in ("perdure", "joblib")]
    for title, ours, theirs in (
        ("Python alone", ["-c", "pass"], None),
        ("import", ["-c", "import perdure"], ["-c", "import joblib"]),
        ("a first script, whole", hello[:1], hello[1:]),
    ):
        run([sys.executable, *ours], folder, environment_of("perdure"))  # so that all is compiled
        figures = [instructions(ours, Path(tempfile.mkdtemp(dir=folder)))]
        figures.append(instructions(theirs, Path(tempfile.mkdtemp(dir=folder)), "joblib") if theirs else None)
        yield f"| {title} | {' | '.join(thousands(each) for each in figures)} | | | |"


SCENARIOS: dict[str, Callable[[Path], Iterator[str]]] = {
    **{name: lambda folder, name=name: workload(name, folder) for name in WORKLOADS},  # type: ignore[misc]
    "resume": resume,
    "start": start,
}
HEADER = [
    "| | thousand instructions | joblib's | functions of Python | of C | of Python, by room |",
    "|---|--:|--:|--:|--:|---|",
]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__.partition(":")[0])
    parser.add_argument("--only", default=",".join(SCENARIOS), help=f"some of {','.join(SCENARIOS)}")
    options = parser.parse_args()
    lines = list(HEADER)
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        for name in options.only.split(","):
            print(name, file=sys.stderr, flush=True)
            lines += SCENARIOS[name](Path(folder))
    report = "\n".join(lines) + "\n"
    print(report)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "profile.md").write_text(report, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
