"""`python -m bench.unattended [--runs 3] [--only idle,lag,ticks,rate]`: what schedules and serving cost.

Prints a table, and keeps it in bench/results/unattended.md. It is for a machine that does nothing else: how busy it was
is said below the table.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bench.dispatch import Case, dispatched
from bench.dispatch_prefect import WORKERS
from bench.scripts.unattended.served import tick
from perdure import session, settings
from perdure._platform.clock import system_clock
from perdure._rooms.deployments.due_runs import make_due_runs
from perdure._rooms.deployments.port import QueueFilter
from perdure.records import RunFilter
from perdure.schedules import Cron

HERE = Path(__file__).parent
SCRIPT = HERE / "scripts" / "unattended" / "served.py"
SETTLED, IDLE = 5.0, 30.0  # seconds after the start that are left out, and that are looked at
EVERY, TICKS = 4, 8  # seconds, and how many ticks are waited for
DEPLOYMENTS, SCHEDULES = 100, 100  # of each deployment
COLD, WARM, PACED = 60, 1_000, 20.0  # runs in a queue; and how many become due in a second
_SECOND = 1_000_000


# By a line of the table: the median of all runs.
FIGURES = {
    "cpu": f"a served flow with nothing to do, % of a core over {IDLE:g} s",
    "mib": "the same, resident MiB",
    "cpu automation": "a served flow and an automation with nothing to do, % of a core",
    "mib automation": "the same, resident MiB",
    "made": "from a tick until its run is made, ms",
    "begun": "from a tick until its run is Running, in a process of its own, ms",
    "begun worst": f"the same, the latest of {TICKS}",
    "ticks": f"{DEPLOYMENTS * SCHEDULES:,} schedules due at once: seconds until all their runs are in the queue",
    "tick": "the same, ms a run",
}
FIGURES |= {
    f"{key} {database} {start}": f"{shown}: {database}, {start} start"
    for database in ("SQLite", "PostgreSQL")
    for start in ("cold", "warm")
    for key, shown in (
        ("rate", f"runs of a queue that {WORKERS} workers begin in a second"),
        ("cpu", "ms of a core for each, of all processes but the database's"),
        ("late", f"runs due at {PACED:g} a second: p99 of the seconds from then until Running"),
    )
}
Measured = Iterator[tuple[str, float]]


@contextmanager
def served(home: Path, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
    """A process that serves, from when it says so."""
    environment = {**os.environ, "PERDURE_HOME": str(home), "PERDURE_LOGGING_LEVEL": "WARNING"}
    command = [sys.executable, str(SCRIPT), *arguments]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "Serving:\n"
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)


def idle(home: Path) -> Measured:
    """What a process takes that only waits."""
    for kind, arguments in (("", ("0",)), (" automation", ("0", "automation"))):
        with served(home / f"home{kind}", *arguments) as process:
            time.sleep(SETTLED)
            before, began = _cpu(process.pid), time.monotonic()
            time.sleep(IDLE)
            yield f"cpu{kind}", 100 * (_cpu(process.pid) - before) / (time.monotonic() - began)
            yield f"mib{kind}", _mib(process.pid)


def _cpu(pid: int) -> float:
    """Seconds of a core that a process's threads have taken; to the nanosecond, where `stat` counts hundredths."""
    return sum(int(each.read_text().split()[0]) for each in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def _mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def lag(home: Path) -> Measured:
    """How long after its tick a run is there, and begins."""
    with settings.temporary_settings(home=home / "home"), served(home / "home", str(EVERY)):
        known = session.current().orchestrator
        while True:
            runs = [run for run in known.flow_runs(RunFilter()) if run.started is not None]
            if len(runs) >= TICKS:
                break
            time.sleep(1.0)
        ids = tuple(run.id for run in runs)
        ticks = {each.flow_run_id: each.tick or 0 for each in known.deployments.queued(QueueFilter(ids))}
        begun = [((run.started or 0) - ticks[run.id]) / 1_000 for run in runs]
        yield "made", median((run.created - ticks[run.id]) / 1_000 for run in runs)
        yield "begun", median(begun)
        yield "begun worst", max(begun)
        session.close()


def ticks(home: Path) -> Measured:
    """How long it takes to make the runs of schedules that are all due in the same minute."""
    with settings.temporary_settings(home=home / "home"):
        known = session.current().orchestrator
        for number in range(DEPLOYMENTS):
            every = [Cron("* * * * *", slug=f"s{slug}") for slug in range(SCHEDULES)]
            tick.to_deployment(f"d{number}", schedules=every).apply()
        now, runs, began = system_clock() + 60 * _SECOND, 0, time.perf_counter()
        while (made := make_due_runs(now, known)).schedules:
            runs += made.runs
        seconds = time.perf_counter() - began
        assert runs == DEPLOYMENTS * SCHEDULES
        session.close()
    yield "ticks", seconds
    yield "tick", 1_000 * seconds / runs


def rate(home: Path) -> Measured:
    """How many runs of a queue are begun in a second, and how late those are that become due one after another."""
    for database in ("SQLite", "PostgreSQL"):
        for start, runs in (("cold", COLD), ("warm", WARM)):
            case = Case(runs, warm=start == "warm", postgresql=database == "PostgreSQL")
            found = dispatched(case, _folder(home, f"{database} {start}"))
            yield f"rate {database} {start}", found.begun
            yield f"cpu {database} {start}", 1_000 * found.cpu
            if case.warm:
                paced = dispatched(case._replace(rate=PACED), _folder(home, f"{database} paced"))
                yield f"late {database} {start}", paced.lag(0.99)


def _folder(home: Path, name: str) -> Path:
    made = home / name
    made.mkdir()
    return made


SCENARIOS: dict[str, Callable[[Path], Measured]] = {"idle": idle, "lag": lag, "ticks": ticks, "rate": rate}


def main() -> int:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(prog="python -m bench.unattended", description=__doc__.partition(":")[0])
    parser.add_argument("--only", default=",".join(SCENARIOS), help=f"some of {','.join(SCENARIOS)}")
    parser.add_argument("--runs", type=int, default=3, help="how often each is measured (default 3)")
    options = parser.parse_args()
    figures: dict[str, list[float]] = {}
    loads = [os.getloadavg()[0]]
    for _ in range(options.runs):
        for name in options.only.split(","):
            print(name, file=sys.stderr, flush=True)
            # Not a file system in memory: what is measured waits for the disk.
            with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR", "/var/tmp")) as home:
                for key, figure in SCENARIOS[name](Path(home)):
                    figures.setdefault(key, []).append(figure)
            loads.append(os.getloadavg()[0])
    lines = ["| | median |", "|---|--:|"]
    lines += [f"| {FIGURES[key]} | {median(all_):.3g} |" for key, all_ in figures.items()]
    lines += ["", f"The machine's load was {min(loads):.1f} to {max(loads):.1f} on {os.cpu_count()} cores."]
    report = "\n".join(lines) + "\n"
    print(report)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "unattended.md").write_text(report, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
