"""A database with real runs to look at: `python -m tests.ui.filled FOLDER [--days N] [--serve] [--live N]`.

All runs are made by running the flows of tests.ui.flows, in this process and in one that is killed. So that charts
over days have something to show, the clock is set back, and advances from session to session.
"""

import argparse
import contextlib
import io
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_HOUR = 3_600
_MADE = "filled"  # this file in the folder says that it is


class Shift:
    """How far the clock is set back, in seconds: ids, states and log lines follow it."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._time, self._time_ns = time.time, time.time_ns

    def real(self) -> float:
        """The time by the machine's clock."""
        return self._time()

    def install(self) -> None:
        time.time = lambda: self._time() - self.seconds
        time.time_ns = lambda: self._time_ns() - int(self.seconds * 1_000_000_000)

    def remove(self) -> None:
        time.time, time.time_ns = self._time, self._time_ns


def fill(folder: Path, days: float = 7) -> None:
    """Run all flows in a home of their own, in sessions spread over the last days."""
    from perdure import session
    from tests.ui import deployed

    shift = Shift()
    shift.install()
    chance = random.Random(7)
    try:
        shift.seconds = days * 24 * _HOUR  # before the first id is made: none is smaller than those before it
        with _home(folder), ThreadPoolExecutor() as somebody:
            _settle(folder)
            deployed.deploy()
            usual = [(chance.uniform(0.02, days * 24), "usual") for _ in range(int(days * 10))]
            now = shift.real()
            due = [((now - each) / _HOUR, "due") for each in deployed.tick_times(now - days * 24 * _HOUR, now)]
            unusual = [(hours, "unusual") for hours in (30, 3, 0.4)]
            for hours, kind in sorted([*usual, *due, *unusual], reverse=True):
                shift.seconds = hours * _HOUR + (shift.real() - now if kind == "due" else 0)
                if kind == "unusual":
                    _unusual(somebody, hours)
                    _killed(folder, shift.seconds)
                elif kind == "due":
                    deployed.run_due(chance)
                else:
                    _session(chance, datetime.fromtimestamp(time.time(), UTC).date().isoformat())
            shift.seconds = 0
            deployed.leave_traces()
            session.close()
    finally:
        shift.remove()
    (folder / _MADE).write_text("")


def run_live(folder: Path, count: int, seconds: float) -> None:
    """Run so many flows at once, for so many seconds, in the home in the folder."""
    from tests.ui import flows

    with _home(folder), ThreadPoolExecutor(count) as pool:
        for number in range(count):
            pool.submit(flows.stream_monitor, f"stream-{number:02d}", seconds)


@contextlib.contextmanager
def _home(folder: Path) -> Iterator[None]:
    from perdure.testing.home import fresh_home

    with fresh_home(folder):
        yield


def _session(chance: random.Random, day: str) -> None:
    """What runs about once an hour, some of it going wrong."""
    from perdure import tags
    from tests.ui import flows

    with contextlib.suppress(Exception), tags("production", f"team-{chance.choice(['data', 'field', 'web'])}"):
        match chance.choice(["sales", "sales", "sales", "orders", "orders", "train", "sensors", "nightly", "backup"]):
            case "sales":
                flows.sales_report(chance.choice(["north", "south", "east", "west"]), day)
            case "orders":
                flows.ingest_orders(chance.randint(2, 5), works_at=chance.choice([1, 1, 2, 3, 5]))
            case "train":
                model = chance.choice(["churn", "demand", "credit-risk"])
                flows.train_model(model, chance.randint(3, 8), rate=chance.choice([0.1, 0.2, 0.3, 40.0]))
            case "sensors":
                flows.sensor_calibration(chance.choice(["alp", "rhine"]), sensors=chance.choice([6, 10, 15]))
            case "nightly":
                flows.nightly(day)
            case "backup":
                flows.back_up_database(chance.uniform(0.01, 0.05))


def _unusual(somebody: ThreadPoolExecutor, hours: float) -> None:
    """Runs that fail for certain, are cancelled, wait for somebody, or are large."""
    from perdure import cancel_flow_run, flow, tags
    from perdure.errors import CancelledRun, SuspendedRun
    from tests.ui import flows

    @flow(name="back-up-database")
    def cancelled() -> list[str]:
        from perdure import runtime

        somebody.submit(cancel_flow_run, str(runtime.flow_run.id))
        return flows.back_up_database(0.6)

    with contextlib.suppress(ArithmeticError):
        flows.train_model("credit-risk", 8, rate=40.0)
    with contextlib.suppress(flows.SourceUnavailable), tags("finance"):
        flows.close_week(datetime.fromtimestamp(time.time(), UTC).date().isoformat())
    with contextlib.suppress(CancelledRun):
        cancelled()
    with contextlib.suppress(SuspendedRun), tags("release", "waits-for-a-person"):
        flows.publish_release(f"1.{int(100 - hours)}.0")
    with tags(*(f"tag-{number}" for number in range(12))):
        flows.fan_out(60 if hours > 1 else 400)


def _killed(folder: Path, seconds: float) -> None:
    from tests.ui import flows

    subprocess.run(
        [sys.executable, "-m", "tests.ui.filled", str(folder), "--killed"],
        env={**os.environ, flows.KILLED: str(seconds)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )


def _be_killed(folder: Path) -> None:
    from tests.ui import flows

    shift = Shift()
    shift.seconds = float(os.environ[flows.KILLED])
    shift.install()
    with _home(folder):
        flows.reindex_search()


def _settle(folder: Path) -> None:
    """What is there beside runs: blocks, variables, limits."""
    from pydantic import SecretStr

    from perdure import session
    from perdure._platform.clock import system_clock
    from perdure.filesystems import S3, LocalFileSystem
    from perdure.records import Limit
    from perdure.variables import Variable

    LocalFileSystem(basepath=str(folder / "reports")).save("reports")
    key, secret = SecretStr("ada"), SecretStr("sesame")
    S3(bucket_path="results/team", region="eu-central-1", access_key_id=key, secret_access_key=secret).save("team")
    values: dict[str, Any] = {"batch-size": 500, "regions": ["north", "south"], "mail": {"to": "ops@example.org"}}
    for name, value in values.items():
        Variable.set(name, value)
    for name, slots, decay in (("warehouse", 4, None), ("field-bus", 2, None), ("orders-api", 10, 5.0)):
        session.current().orchestrator.limits.put(Limit(name, slots, decay, system_clock()))


def main() -> None:
    """Fill a folder unless it is filled, then serve it and keep runs going, if that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--days", type=float, default=7, help="over how many days the runs are spread")
    parser.add_argument("--serve", action="store_true", help="serve it until Ctrl-C")
    parser.add_argument("--port", type=int, default=4747)
    parser.add_argument("--live", type=int, default=0, metavar="N", help="keep so many flows running")
    parser.add_argument("--seconds", type=float, default=600, help="how long those run")
    parser.add_argument("--killed", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    folder = asked.folder.absolute()
    if asked.killed:
        _be_killed(folder)
        return
    if not (folder / _MADE).exists():
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.redirect_stderr(io.StringIO()):  # what the runs log is in the database
            fill(folder, asked.days)
    print(f"Filled: PERDURE_HOME={folder} perdure server start", flush=True)
    if asked.serve:
        live = threading.Thread(target=run_live, args=(folder, asked.live, asked.seconds), daemon=True)
        if asked.live:
            live.start()
        perdure, environment = [sys.executable, "-m", "perdure"], {**os.environ, "PERDURE_HOME": str(folder)}
        worker = subprocess.Popen([*perdure, "worker", "start", "--pool=batch"], env=environment)
        with contextlib.suppress(KeyboardInterrupt):
            subprocess.run([*perdure, "server", "start", f"--port={asked.port}"], env=environment, check=False)
        worker.terminate()
        worker.wait()
    elif asked.live:
        run_live(folder, asked.live, asked.seconds)


if __name__ == "__main__":
    main()
