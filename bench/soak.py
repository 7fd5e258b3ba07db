"""`python -m bench.soak [--minutes 6] [--trace]`: what grows in a server, and in a process of flows, under mixed load.

Runs are reported, lists, runs and results are looked at, and streams are opened and left, all at once and for minutes;
and beside that a process runs one flow after the other. Prints twice a minute the resident memory, the open files, the
threads and the size of the database for each flow run, and in the end by how much each grew in the second half.
"""

import argparse
import itertools
import os
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import httpx

from perdure._platform.clock import system_clock
from perdure._platform.ids import new_id
from perdure._store import wire
from perdure.records import FlowRunRecord, LogRecord, Record, StateRecord, TaskRunRecord
from perdure.states import StateType
from tests.server.running import free_port, wait_for

_TASKS = 20  # of each flow run that is reported
_STATES = (StateType.RUNNING, StateType.COMPLETED)
_PAUSE = 0.02  # seconds between two requests of a thread
LISTS = ("flow-runs", "task-runs", "flows", "overview", "events", "hooks/deliveries", "results")


def mixed(address: str, ended: threading.Event) -> list[threading.Thread]:
    """Begin threads that do what people and flows do, until it has ended."""
    runs: list[str] = []
    works: list[Callable[[httpx.Client], None]] = [
        _reporting(runs),
        lambda client: _look(client, f"/api/{random.choice(LISTS)}"),
        lambda client: _look(client, f"/api/flow-runs?q={random.randrange(100)}&limit=50"),
        lambda client: _look_at_run(client, runs),
        _listen,
    ]
    threads = [threading.Thread(target=_again, args=(work, address, ended), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    return threads


def _again(work: Callable[[httpx.Client], None], address: str, ended: threading.Event) -> None:
    with httpx.Client(base_url=address, timeout=30) as client:
        while not ended.wait(_PAUSE):
            work(client)


def _reporting(runs: list[str]) -> Callable[[httpx.Client], None]:
    source, numbers = new_id(), itertools.count(1)

    def report(client: httpx.Client) -> None:
        now, run = system_clock(), new_id()
        name, flow = f"run-{run[-4:]}", f"flow-{len(runs) % 20}"
        records: list[Record] = [FlowRunRecord(run, name, flow, None, None, None, "[]", '{"day": 1}', now)]
        records += [StateRecord(run, False, kind, kind.title(), None, now) for kind in _STATES]
        for each in range(_TASKS):
            id = new_id()
            records.append(TaskRunRecord(id, f"task-{each}", f"task {each}", f"tasks.t{each}", run, None, "[]", now))
            records += [StateRecord(id, True, kind, kind.title(), None, now) for kind in _STATES]
        records += [LogRecord(run, None, now, 20, "soak", f"line {each} {'x' * 200}") for each in range(10)]
        headers = {"Perdure-Protocol": "1", "Perdure-Source": source, "Perdure-Sequence": str(next(numbers))}
        sent = client.post("/api/orchestrator/records", content=wire.encode_records(records), headers=headers)
        sent.raise_for_status()
        runs.append(run)

    return report


def _look(client: httpx.Client, path: str) -> None:
    client.get(path).raise_for_status()


def _look_at_run(client: httpx.Client, runs: list[str]) -> None:
    if runs:
        run = random.choice(runs)
        for part in ("", "/timeline", "/logs", "/graph"):
            client.get(f"/api/flow-runs/{run}{part}")


def _listen(client: httpx.Client) -> None:
    """Hear a stream for a moment, and leave it."""
    with client.stream("GET", "/api/events/stream") as response:
        for _ in zip(response.iter_bytes(), range(20), strict=False):
            pass


# With `--trace`, the server notes from minute 1 on where what it holds was made, and prints that each minute.
TRACED = """
import signal, sys, tracemalloc

def show(*_):
    if not tracemalloc.is_tracing():
        return tracemalloc.start(6)
    for each in tracemalloc.take_snapshot().statistics("traceback")[:12]:
        print(f"{each.size / 2**20:.1f} MiB in {each.count}", *each.traceback.format()[-8:], sep="\\n", file=sys.stderr)

signal.signal(signal.SIGUSR1, show)
from perdure.cli import main
main()
"""


def resident(process: int) -> float:
    """The MiB of memory that a process has to itself and is using."""
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1]) / 1024
    raise LookupError("smaps_rollup says nothing of anonymous memory")


class Sample(NamedTuple):
    """What a process has, some time after the start."""

    minutes: float
    memory: float  # MiB
    files: int  # that are open
    threads: int
    runs: int  # flow runs in its database
    stored: float  # KiB of its database, for each of these

    def __str__(self) -> str:
        return (
            f"{self.memory:.1f} MiB, {self.files} files, {self.threads} threads,"
            f" {self.runs} runs of {self.stored:.1f} KiB"
        )


class Soaked:
    """A process under load, and its database."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", database: Path) -> None:
        self.name = name
        self.process = process
        self.samples: list[Sample] = []
        self._database = database
        self._began = time.monotonic()

    def sample(self) -> None:
        """Look at it, and print what is there."""
        if self.process.poll() is not None:
            raise RuntimeError(f"The process of the {self.name} has ended: {self.process.returncode}")
        at = Path(f"/proc/{self.process.pid}")
        with sqlite3.connect(f"file:{self._database}?mode=ro", uri=True) as connection:
            runs = connection.execute("SELECT count(*) FROM flow_run").fetchone()[0]
        stored = sum(file.stat().st_size for file in self._database.parent.glob(f"{self._database.name}*"))
        self.samples.append(
            Sample(
                (time.monotonic() - self._began) / 60,
                resident(self.process.pid),
                sum(1 for _ in (at / "fd").iterdir()),
                sum(1 for _ in (at / "task").iterdir()),
                runs,
                stored / 1024 / max(1, runs),
            )
        )
        print(f"{self.name} after {self.samples[-1].minutes:.1f} min: {self.samples[-1]}", flush=True)

    def summary(self) -> str:
        """How much of each there is in the second half, and by how much it grows, by a line through the samples."""
        later = self.samples[-max(2, len(self.samples) // 2) :]
        return ", ".join(_trend(each, later) for each in ("memory", "files", "threads", "stored"))

    def end(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait(60)


def _trend(of: str, samples: list[Sample]) -> str:
    values = [float(getattr(each, of)) for each in samples]
    mean = statistics.fmean(values)
    slope = statistics.linear_regression([each.minutes for each in samples], values).slope * 60
    return f"{of} {mean:.1f} and {slope:+.2f} an hour ({100 * slope / mean:+.1f}%)"


def server_in(folder: Path, port: int, traced: bool) -> Soaked:
    """A server that was just started."""
    how = ["-c", TRACED] if traced else ["-m", "perdure"]
    command = [sys.executable, *how, "server", "start", f"--port={port}", f"--database={folder / 'soak.db'}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, "PERDURE_HOME": str(folder)})
    wait_for(f"http://127.0.0.1:{port}", process)
    return Soaked("server", process, folder / "soak.db")


def flows_in(folder: Path) -> Soaked:
    """A process that runs one flow after the other, as one that serves a queue does."""
    home = folder / "flows"
    environment = {**os.environ, "PERDURE_HOME": str(home), "PERDURE_LOGGING_LEVEL": "CRITICAL"}
    process = subprocess.Popen([sys.executable, "-m", "bench.scripts.soaked_flows"], env=environment)
    while not (home / "perdure.db").exists() and process.poll() is None:
        time.sleep(0.1)
    return Soaked("flows", process, home / "perdure.db")


def soak(folder: Path, minutes: float, traced: bool) -> list[Soaked]:
    """Have both under load for some minutes, and look at them twice a minute."""
    port, ended, soaked = free_port(), threading.Event(), list[Soaked]()
    try:
        soaked += [server_in(folder, port, traced), flows_in(folder)]
        threads = mixed(f"http://127.0.0.1:{port}", ended)
        end = time.monotonic() + 60 * minutes
        while time.monotonic() < end:
            time.sleep(30)
            for each in soaked:
                each.sample()
            if traced:
                soaked[0].process.send_signal(signal.SIGUSR1)
        ended.set()
        for thread in threads:
            thread.join(30)
    finally:
        for each in soaked:
            each.end()
    return soaked


def main() -> None:
    """Soak a server and a process of flows."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=6)
    options.add_argument("--trace", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="perdure-soak-") as folder:
        soaked = soak(Path(folder), chosen.minutes, chosen.trace)
    for each in soaked:
        print(f"{each.name}, in the second half: {each.summary()}")


if __name__ == "__main__":
    main()
