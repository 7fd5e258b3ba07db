"""The built page in Chromium, over real servers with real databases."""

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from perdure._store.embedded import EmbeddedOrchestrator
from perdure.records import RunFilter
from perdure.states import StateType
from tests.server.running import free_port, running
from tests.ui import hostile
from tests.ui.browsing import asking, home_served, script

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # a script may take 300 s on a busy machine


@pytest.fixture(scope="module")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("filled")
    command = [sys.executable, "-m", "tests.ui.filled", str(home), "--days=2"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PERDURE_LOGGING_LEVEL": "CRITICAL"}, check=True, timeout=120)
    return home


def test_the_filled_database_has_runs_of_every_end_over_days(filled_home: Path) -> None:
    orchestrator = EmbeddedOrchestrator(filled_home / "perdure.db")
    runs = orchestrator.flow_runs(RunFilter(limit=1_000))
    orchestrator.close()
    ends = {run.state_type for run in runs}
    assert {StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED, StateType.PAUSED} <= ends
    assert max(run.created for run in runs) - min(run.created for run in runs) > 86_400_000_000


def test_every_page_is_accessible_in_both_themes(filled_home: Path) -> None:
    with home_served(filled_home) as address:
        script("axe", address)


def test_what_people_do_is_done(filled_home: Path, tmp_path: Path) -> None:
    home = shutil.copytree(filled_home, tmp_path / "home")
    with home_served(home, "--run-flows", f"--storage={filled_home / 'storage'}") as address:
        script("journeys", address)


def test_fifteen_jobs_are_done_by_keyboard_alone(filled_home: Path, tmp_path: Path) -> None:
    home = shutil.copytree(filled_home, tmp_path / "home")
    with home_served(home, "--run-flows", f"--storage={filled_home / 'storage'}") as address:
        command = [sys.executable, "-m", "tests.ui.filled", str(home), "--live=2"]
        runs = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PERDURE_LOGGING_LEVEL": "CRITICAL"})
        try:
            done = script("keyboard", address)
        finally:
            runs.kill()
            runs.wait()
    assert done.count("ok: ") == 15


def test_hostile_text_does_nothing_on_any_page(tmp_path: Path) -> None:
    assert len(hostile.PAYLOADS) >= 50
    hostile.fill(tmp_path)
    with home_served(tmp_path) as address:
        script("walls", address)


def test_open_pages_recover_by_themselves_from_a_restart_of_the_server(tmp_path: Path) -> None:
    database, port = str(tmp_path / "perdure.db"), free_port()
    with ExitStack() as server:
        server.enter_context(running(database, port=port))
        with asking("restart", f"http://127.0.0.1:{port}") as steps:
            assert next(steps) == "stop"
            server.close()
            assert next(steps) == "start"
            server.enter_context(running(database, port=port))
