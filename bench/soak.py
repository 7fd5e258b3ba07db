"""`python -m bench.soak [--minutes 6] [--trace]`: how a server's memory grows under mixed load.

Runs are reported, lists, runs and results are looked at, and streams are opened and left, all at once and for minutes.
Prints the server's resident memory at the start and after each minute, and what grew from minute 1, as a percentage.
"""

import argparse
import itertools
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from perdure.core.clock import system_clock
from perdure.core.ids import new_id
from perdure.core.records import FlowRunRecord, LogRecord, Record, StateRecord, TaskRunRecord
from perdure.core.states import StateType
from perdure.orchestrator import wire
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


def soak(folder: Path, minutes: int, traced: bool) -> list[float]:
    """The server's MiB at the start and after each minute of load."""
    port = free_port()
    how = ["-c", TRACED] if traced else ["-m", "perdure"]
    command = [sys.executable, *how, "server", "start", f"--port={port}", f"--database={folder / 'soak.db'}"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, "PERDURE_HOME": str(folder)})
    try:
        wait_for(f"http://127.0.0.1:{port}", server)
        sizes, ended = [resident(server.pid)], threading.Event()
        threads = mixed(f"http://127.0.0.1:{port}", ended)
        print(f"start: {sizes[0]:.0f} MiB", flush=True)
        for minute in range(1, minutes + 1):
            time.sleep(60)
            sizes.append(resident(server.pid))
            print(f"after {minute} min: {sizes[-1]:.0f} MiB", flush=True)
            if traced:
                server.send_signal(signal.SIGUSR1)
        ended.set()
        for thread in threads:
            thread.join(30)
        return sizes
    finally:
        server.terminate()
        server.wait(60)


def main() -> None:
    """Soak a server."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=int, default=6)
    options.add_argument("--trace", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="perdure-soak-") as folder:
        sizes = soak(Path(folder), chosen.minutes, chosen.trace)
    print(f"from minute 1 on it grew by {(sizes[-1] / sizes[1] - 1) * 100:.0f}%")


if __name__ == "__main__":
    main()
