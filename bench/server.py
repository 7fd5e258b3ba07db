"""`python -m bench.server [--only overhead,sqlite,postgresql,workers,prefect3]`: what a server takes.

Prints a table, and keeps it in bench/results/server.md. Loads last BENCH_SECONDS (default 30) each. Microseconds of CPU
are those that quiet cores would need; those of the wall are what this machine gave.
"""

import argparse
import json
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple

import httpx

from bench.environments import python_of
from bench.peers import PEERS
from bench.process import run
from perdure import settings
from perdure._store.sql.database_from_settings import database_at
from tests.postgresql_server import new_database, server_in
from tests.server.running import wait_for

HERE = Path(__file__).parent
LOAD = HERE / "scripts" / "server" / "load.py"
SECONDS = float(os.environ.get("BENCH_SECONDS", "30"))
OURS = {"PYTHONPATH": str(HERE.parent / "src"), "PERDURE_LOGGING_LEVEL": "WARNING"}
TASKS = 20_000  # of a flow whose overhead is measured
PEERS_TASKS = 500
COMPLETED = "SELECT count(*) FROM task_run WHERE state_type = 'COMPLETED'"
_SILENT = 10.0  # seconds without another arrival, after which the rest is not waited for
_PAUSE = 0.05  # seconds between two queries of a page
_TICKS = os.sysconf("SC_CLK_TCK")


class Row(NamedTuple):
    """A line of the table."""

    title: str
    figure: str
    limit: str = ""


def overhead(folder: Path) -> Iterator[Row]:
    """A task that persists nothing, against the process's own database and against a server."""
    alone = _loaded(folder / "alone", {}, 3_600, TASKS)
    with serving(folder, str(folder / "server.db")) as server:
        remote = _loaded(folder / "remote", {"PERDURE_API_URL": server.address}, 3_600, TASKS)
    for name, found, limit in (("its own database", alone, ""), ("a server", remote, "at most 150")):
        yield Row(f"a tracked task, reported to {name}: µs", f"{found['wall']:.0f} ({found['cpu']:.0f} of CPU)", limit)


def sqlite(folder: Path) -> Iterator[Row]:
    """Task runs a second into SQLite."""
    yield from _sustained(folder, "SQLite", str(folder / "server.db"), None)


def postgresql(folder: Path) -> Iterator[Row]:
    """Task runs a second into PostgreSQL."""
    # Not in the folder: where root runs this, another user runs the server, and cannot look into it.
    with tempfile.TemporaryDirectory(prefix="perdure-bench-", ignore_cleanup_errors=True) as place:
        server = server_in(Path(place, "data"))
        try:
            with new_database(server.get_uri()) as url:
                postmaster = int(Path(place, "data", "postmaster.pid").read_text().split()[0])
                yield from _sustained(folder, "PostgreSQL", url, postmaster)
        finally:
            server.cleanup()


def workers(folder: Path) -> Iterator[Row]:
    """Task runs a second from two flows at once, into SQLite: by a server of one process, and by one of two."""
    for number in (1, 2):
        place = folder / f"{number}-workers"
        place.mkdir()
        with serving(place, str(place / "server.db"), f"--workers={number}") as server:
            variables = {**os.environ, **OURS, "PERDURE_API_URL": server.address}
            command = [sys.executable, str(LOAD), str(SECONDS), str(10**9)]
            loaders = [
                subprocess.Popen(
                    command, env={**variables, "PERDURE_HOME": str(place / name)}, stdout=subprocess.PIPE, text=True
                )
                for name in ("first", "second")
            ]
            found = [json.loads(each.communicate()[0]) for each in loaders]
        taken = sum(1e6 / each["wall"] for each in found)
        yield Row(f"SQLite, two flows at once, --workers {number}: task runs a second", f"{taken:,.0f}")


def prefect3(folder: Path) -> Iterator[Row]:
    """Task runs a second that arrive in the database, beside Prefect 3's server."""
    theirs = _arrived_at_prefect(folder)
    yield Row("Prefect 3's server, SQLite: task runs a second that arrive", f"{theirs:,.1f}")
    with serving(folder, str(folder / "server.db")) as server:
        found = _loaded(folder / "beside", {"PERDURE_API_URL": server.address}, 3_600, TASKS)
    ours = 1e6 / found["wall"]
    yield Row("ours, SQLite, the same", f"{ours:,.0f}")
    yield Row("ours in theirs", f"{ours / theirs:,.0f}", "at least 20")


def _sustained(folder: Path, name: str, database: str, postmaster: int | None) -> Iterator[Row]:
    with serving(folder, database) as server:
        before = server.cpu, _cpu_of(postmaster)
        command = [sys.executable, str(LOAD), str(SECONDS), str(10**9)]
        variables = {**os.environ, **OURS, "PERDURE_API_URL": server.address, "PERDURE_HOME": str(folder / name)}
        loader = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True)
        waits = _read_pages(server.address, lambda: loader.poll() is None)
        found = json.loads(loader.communicate()[0])
        after = server.cpu, _cpu_of(postmaster)
        used = [(end - begin) / found["count"] * 1e6 for begin, end in zip(before, after, strict=True)]
        _check(database, found["count"])
    yield Row(f"{name}: task runs a second for {SECONDS:g} s", f"{1e6 / found['wall']:,.0f}", "at least 15,000")
    cpu = f"{found['cpu']:.0f}, {used[0]:.0f}, {used[1]:.0f}"
    yield Row("CPU of a task run, µs: flow, server, database's server", cpu)
    for page, taken in waits.items():
        *_, last = quantiles(taken, n=100)
        yield Row(f"{page} beside it, ms: median, p99", f"{median(taken):.0f}, {last:.0f}", "p99 at most 50")


def _read_pages(address: str, goes_on: Callable[[], bool]) -> Mapping[str, list[float]]:
    """How many milliseconds each page took, asked for one after the other while something else runs."""
    waits: dict[str, list[float]] = {}
    with httpx.Client(base_url=f"{address}/api", timeout=60) as client:
        while not (runs := client.get("/flow-runs").raise_for_status().json()["items"]):
            time.sleep(_PAUSE)
        pages = {
            "flow runs": "/flow-runs",
            "a run's task runs": f"/task-runs?flow_run={runs[0]['id']}",
            "task runs by name": "/task-runs?name=plain",
            "the overview": "/overview",
        }
        while goes_on():
            for name, path in pages.items():
                began = time.perf_counter()
                client.get(path).raise_for_status()
                waits.setdefault(name, []).append((time.perf_counter() - began) * 1_000)
                time.sleep(_PAUSE)
    return waits


def _check(database: str, count: int) -> None:
    """That all task runs of a load are in the database, and ended."""
    connection = database_at(database, settings.current()).connect()
    with closing(connection):
        (found,) = connection.execute(COMPLETED).fetchone()
    assert found == count + 1, f"{found} of {count} task runs arrived"  # and that of the start


def _loaded(home: Path, variables: Mapping[str, str], seconds: float, count: int) -> Any:
    home.mkdir()
    environment = {**OURS, "PERDURE_HOME": str(home), **variables}
    return json.loads(run([sys.executable, LOAD, str(seconds), str(count)], home, environment, 600).printed)


class Server(NamedTuple):
    """A server that is running."""

    address: str
    process: "subprocess.Popen[bytes]"

    @property
    def cpu(self) -> float:
        """Seconds of CPU that it has used."""
        return _cpu_of(self.process.pid)


def _cpu_of(process: int | None) -> float:
    """Seconds of CPU that a process and its children have used, those that ended too."""
    if process is None:
        return 0.0
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return sum(map(int, fields[11:15])) / _TICKS + sum(map(_cpu_of, map(int, children)))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def serving(folder: Path, database: str, *options: str) -> Iterator[Server]:
    port = _free_port()
    command = [sys.executable, "-m", "perdure", "server", "start", f"--port={port}", f"--database={database}", *options]
    variables = {**os.environ, **OURS, "PERDURE_HOME": str(folder / "home")}
    process = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}", process)
        yield Server(f"http://127.0.0.1:{port}", process)
    finally:
        process.terminate()
        process.wait()


def _arrived_at_prefect(folder: Path) -> float:
    """Task runs a second that arrive at Prefect 3's server: it is waited for until no more of them come."""
    (peer,) = (each for each in PEERS if each.name == "prefect3")
    python, port, home = python_of(peer), _free_port(), folder / "prefect"
    home.mkdir()
    address = f"http://127.0.0.1:{port}/api"
    variables = {
        **os.environ,
        **peer.environment,
        "HOME": str(home),
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": address,
    }
    start: list[str | Path] = [
        python,
        "-c",
        "from prefect.cli import app; app()",
        "server",
        "start",
        "--port",
        str(port),
    ]
    server = subprocess.Popen(start, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_healthy(f"{address}/health", server)
        began = time.perf_counter()
        path = {"PYTHONPATH": str(HERE / "scripts" / "common")}
        command: list[str | Path] = [python, peer.scripts / "tasks.py", str(PEERS_TASKS), "seq"]
        subprocess.run(command, env=variables | path, check=True, capture_output=True)
        arrived, last = _last_arrival(home / "prefect.db")
        return arrived / (last - began)
    finally:
        server.terminate()
        server.wait()


def _wait_until_healthy(address: str, server: "subprocess.Popen[bytes]") -> None:
    while server.poll() is None:
        try:
            httpx.get(address, timeout=5).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("Prefect's server did not start")


def _last_arrival(database: Path) -> tuple[int, float]:
    """How many task runs are in a database that fills, and when the last one came."""
    arrived, last = 0, time.perf_counter()
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        while arrived <= PEERS_TASKS and time.perf_counter() - last < _SILENT:
            (count,) = connection.execute(COMPLETED).fetchone()
            if count > arrived:
                arrived, last = count, time.perf_counter()
            time.sleep(0.05)
    return arrived, last


SCENARIOS: dict[str, Callable[[Path], Iterator[Row]]] = {
    "overhead": overhead,
    "sqlite": sqlite,
    "postgresql": postgresql,
    "workers": workers,
    "prefect3": prefect3,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.server", description=__doc__.partition(":")[0])
    parser.add_argument("--only", default=",".join(SCENARIOS), help=f"some of {','.join(SCENARIOS)}")
    chosen = parser.parse_args().only.split(",")
    lines = ["| | figure | is to be |", "|---|--:|--:|"]
    for name in chosen:
        print(name, file=sys.stderr, flush=True)
        # Not a file system in memory: what is measured waits for the disk.
        with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR", "/var/tmp")) as folder:
            lines += [f"| {row.title} | {row.figure} | {row.limit} |" for row in SCENARIOS[name](Path(folder))]
    report = "\n".join(lines) + "\n"
    print(report)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "server.md").write_text(report, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
