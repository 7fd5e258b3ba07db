"""Flows of real processes whose database is on PostgreSQL."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest

from perdure import settings
from perdure._store.maintenance.checking import check
from perdure._store.sql.postgresql import PostgreSQL
from perdure._store.sql.schema import HEAD
from tests.postgresql_server import control, new_database, server_in
from tests.prepared import Prepared
from tests.prepared import run as run_prepared

pytestmark = pytest.mark.slow
PROCESSES = 8
FLOW = """
import sys
import time
from pathlib import Path

from perdure import flow, task

CALLS = Path(__file__).with_name("calls")


def note(what):
    with CALLS.open("a") as file:
        file.write(what + "\\n")


@task(persist_result=True)
def step(number):
    note(f"step {number}")
    return {"number": number}


@task(cache_key_fn=lambda: "shared")
def shared():
    note("shared")
    time.sleep(0.3)
    return "made once"


@flow(log_prints=True, persist_result=True)
def steps(pause: float = 0.0):
    total = 0
    for number in range(20):
        total += step(number)["number"]
        time.sleep(pause)
    print(shared())
    return total


if __name__ == "__main__":
    assert steps() == 190
"""


@pytest.fixture
def url(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A new database, which is that of the settings."""
    with new_database(postgresql) as url:
        monkeypatch.setenv("PERDURE_DATABASE", url)
        settings.reload()
        yield url


@pytest.fixture
def script(tmp_path: Path) -> Path:
    script = tmp_path / "program.py"
    script.write_text(FLOW)
    return script


def perdure(*arguments: object) -> str:
    return run_prepared("-m", "perdure", *map(str, arguments), check=True).stdout


def answered(*arguments: object) -> Any:
    return json.loads(perdure(*arguments, "--json"))


@pytest.mark.usefixtures("url")
def test_a_flow_is_run_listed_and_looked_into(script: Path) -> None:
    perdure("run", f"{script}:steps")
    (run,) = answered("flow-run", "ls")
    assert run["state"]["type"] == "COMPLETED"
    assert len(answered("task-run", "ls", "--limit", 50, "--flow-run", run["id"])) == 21
    assert "made once" in perdure("flow-run", "logs", run["id"])
    assert perdure("result", "get", run["id"]).strip() == "190"
    assert perdure("result", "prune", "--dry-run") != ""
    assert answered("database", "check")["whole"]
    assert "PostgreSQL" in perdure("database", "info")


@pytest.mark.usefixtures("url")
def test_a_killed_flow_is_resumed(script: Path, tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-m", "perdure", "run", f"{script}:steps", "--param", "pause=0.2"])
    calls = tmp_path / "calls"
    while not calls.exists() or calls.read_text().count("step") < 5:
        assert child.poll() is None
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    before = calls.read_text().splitlines()
    perdure("flow-run", "resume", "--crashed")
    after = calls.read_text().splitlines()[len(before) :]
    assert answered("flow-run", "ls")[0]["state"]["type"] == "COMPLETED"
    assert set(after) | set(before) == {*(f"step {number}" for number in range(20)), "shared"}
    assert len(set(after) & set(before)) <= 1  # the one that was running


def test_eight_processes_at_once_lose_nothing_and_compute_a_shared_value_once(
    url: str, script: Path, tmp_path: Path
) -> None:
    children = [Prepared(script, stderr=subprocess.PIPE) for _ in range(PROCESSES)]
    logs = [child.communicate(timeout=120)[1] for child in children]
    assert [child.returncode for child in children] == [0] * PROCESSES, logs
    calls = (tmp_path / "calls").read_text().splitlines()
    assert (calls.count("shared"), calls.count("step 7")) == (1, PROCESSES)
    with psycopg.connect(url) as connection:
        counted = "SELECT state_type, count(*) FROM task_run GROUP BY 1"
        assert connection.execute(counted).fetchall() == [("COMPLETED", PROCESSES * 21)]
        assert connection.execute("SELECT count(*) FROM flow_run").fetchone() == (PROCESSES,)
    database = PostgreSQL(url, 10)
    assert (database.revision(), check(database)) == (HEAD, ([], [], []))


def test_a_flow_continues_while_its_server_is_restarted(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with TemporaryDirectory(prefix="perdure-postgresql-", ignore_cleanup_errors=True) as folder:
        server = server_in(Path(folder, "data"))
        with new_database(server.get_uri()) as url:
            monkeypatch.setenv("PERDURE_DATABASE", url)
            child = subprocess.Popen(
                [sys.executable, "-m", "perdure", "run", f"{script}:steps", "--param", "pause=0.2"]
            )
            for mode in ("fast", "immediate", "fast"):
                time.sleep(1)
                control(server, "restart", "-m", mode)
            assert child.wait(timeout=60) == 0
            with psycopg.connect(url) as connection:
                counted = "SELECT state_type, count(*) FROM task_run GROUP BY 1"
                assert connection.execute(counted).fetchall() == [("COMPLETED", 21)]
        server.cleanup()
