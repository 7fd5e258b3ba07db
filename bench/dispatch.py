"""How many runs that wait in a queue workers begin in a second, and how late each begins.

`python -m bench.dispatch RUNS [--workers 8] [--limit 4] [--rate 0] [--cold] [--runs-per-process N]
[--postgresql] [--server] [--prefect RUNS]` measures one case; with `--prefect`, also that many runs by Prefect 3's
server and as many workers, right after it, and how many times as many runs are begun.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.dispatch_prefect import LIMIT, POOL, WORKERS, begun_by_prefect
from bench.scripts.unattended.nothing import nothing
from perdure import session, settings
from perdure._platform.clock import system_clock
from perdure._rooms.deployments.port import QueueFilter
from perdure._rooms.deployments.runs import Wanted, make_runs
from perdure.records import RunFilter
from perdure.states import StateType
from tests.postgresql_server import new_database, server_in
from tests.server.running import running

_SECOND = 1_000_000
_AHEAD = 1.5  # seconds for each worker to begin itself: they share the processors
_PATIENCE = 900.0  # seconds for all runs to end


class Case(NamedTuple):
    """What is measured."""

    runs: int
    workers: int = WORKERS
    limit: int = LIMIT
    rate: float = 0.0  # runs that become due in a second; 0: all are due when the workers begin
    warm: bool = True
    postgresql: bool = False
    server: bool = False  # whether workers and runs report to a server
    runs_per_process: int = 1


class Dispatched(NamedTuple):
    """What it came to."""

    begun: float  # a second, without the first and the last tenth
    cpu: float  # seconds of all processes, a run
    lags: list[float]  # in seconds from when a run is due until it is Running, without the first fifth; sorted

    def lag(self, part: float) -> float:
        """The lag that so many of the runs do not exceed."""
        return self.lags[min(int(len(self.lags) * part), len(self.lags) - 1)]


def dispatched(case: Case, home: Path) -> Dispatched:
    """Have workers begin runs that do nothing, in a home of their own."""
    with ExitStack() as stack:
        database = stack.enter_context(_database(case))
        url = stack.enter_context(running(database or str(home / "server.db"))) if case.server else None
        chosen = {"api_url": url} if case.server else {"database": database or home / "perdure.db"}
        stack.enter_context(settings.temporary_settings({"home": home, **chosen}))
        _queue(case)
        session.close()
        before = _cpu_of_children()
        _work(case, home, database, url)
        seconds = _cpu_of_children() - before
        known = session.current().orchestrator
        due = {each.flow_run_id: each.due for each in known.deployments.queued(QueueFilter())}
        runs = known.flow_runs(RunFilter())
        wrong = [run for run in runs if run.state_type is not StateType.COMPLETED]
        assert not wrong, wrong[:3]
        assert len(runs) == case.runs
        begun = sorted(run.started or 0 for run in runs)
        lasting = sorted(runs, key=lambda run: due[run.id])[len(runs) // 5 :]
        lags = sorted(((run.started or 0) - due[run.id]) / _SECOND for run in lasting)
        session.close()
    first, last = begun[len(begun) // 10], begun[-len(begun) // 10 - 1]
    return Dispatched(0.8 * len(begun) * _SECOND / max(last - first, 1), seconds / len(begun), lags)


def _queue(case: Case) -> None:
    job = {"warm_start": case.warm, "runs_per_process": case.runs_per_process}
    of = nothing.to_deployment("dispatch", work_pool=POOL, job_variables=job).apply()
    now = system_clock()
    start = now if case.rate == 0 else now + int((_AHEAD * case.workers + case.runs / 4_000) * _SECOND)
    step = 0 if case.rate == 0 else int(_SECOND / case.rate)
    for first in range(0, case.runs, 1_000):
        numbers = range(first, min(first + 1_000, case.runs))
        make_runs(of, [Wanted(start + number * step) for number in numbers], now, session.current().orchestrator)


def _work(case: Case, home: Path, database: str | None, address: str | None) -> None:
    environment = {**os.environ, "PERDURE_HOME": str(home), "PERDURE_LOGGING_LEVEL": "WARNING"}
    environment |= {} if database is None else {"PERDURE_DATABASE": database}
    environment |= {} if address is None else {"PERDURE_API_URL": address}
    command = [sys.executable, "-m", "perdure", "worker", "start", "--pool", POOL, "--limit", str(case.limit)]
    with (home / "said").open("w") as said:
        workers = [subprocess.Popen(command, env=environment, stdout=said, stderr=said) for _ in range(case.workers)]
        try:
            until = time.monotonic() + _PATIENCE + (case.runs / case.rate if case.rate else 0)
            known = session.current().orchestrator
            while known.deployments.queued(QueueFilter(phases=("waiting", "claimed"), limit=1)):
                assert time.monotonic() < until, (home / "said").read_text()[-4_000:]
                time.sleep(0.5)
        finally:
            for worker in workers:
                worker.terminate()
            for worker in workers:
                worker.wait(60)
    session.close()


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def _database(case: Case) -> Iterator[str | None]:
    with ExitStack() as stack:
        if not case.postgresql:
            yield None
            return
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="perdure-postgresql-", ignore_cleanup_errors=True)
        )
        server = server_in(Path(folder, "data"))
        stack.callback(server.cleanup)
        yield stack.enter_context(new_database(server.get_uri()))


def _by_prefect(runs: int, workers: int) -> float:
    """How many runs are begun in a second by Prefect 3."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR", "/var/tmp"), ignore_cleanup_errors=True) as home:
        return begun_by_prefect(runs, workers, Path(home))


def main() -> int:
    """Measure one case."""
    parser = argparse.ArgumentParser(prog="python -m bench.dispatch", description=__doc__.partition(",")[0])
    parser.add_argument("runs", type=int)
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--limit", type=int, default=LIMIT, help="runs at once of each worker")
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--runs-per-process", type=int, default=1, metavar="N")
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--server", action="store_true", help="through a server")
    parser.add_argument("--prefect", type=int, default=0, metavar="RUNS", help="also by Prefect 3, and the ratio")
    options = parser.parse_args()
    case = Case(
        options.runs,
        options.workers,
        options.limit,
        options.rate,
        not options.cold,
        options.postgresql,
        options.server,
        options.runs_per_process,
    )
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR", "/var/tmp")) as home:
        found = dispatched(case, Path(home))
    shown = {"begun a second": found.begun, "cpu ms a run": 1_000 * found.cpu}
    if options.prefect:
        theirs = _by_prefect(options.prefect, options.workers)
        shown |= {"begun a second by Prefect 3": theirs, "times": found.begun / theirs}
    shown |= {f"lag p{100 * part:g} s": found.lag(part) for part in (0.5, 0.99)}
    print(json.dumps({name: round(value, 3) for name, value in shown.items()}), "load", os.getloadavg()[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
