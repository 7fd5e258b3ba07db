"""The pytest plugin, in test runs of their own."""

import os
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REGISTERED = bool(entry_points(group="pytest11", name="perdure"))


def passes(directory: Path, tests: str, *options: str) -> None:
    """Run a file of tests, with plugins as they are installed."""
    (directory / "test_it.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    if not REGISTERED:  # an editable installation of before
        command += ["-p", "perdure_pytest"]
    done = subprocess.run(command, cwd=directory, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_plugin_is_an_entry_point_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"perdure": "perdure_pytest"}


@pytest.mark.slow
def test_tests_that_ask_for_no_fixture_do_not_import_perdure(tmp_path: Path) -> None:
    passes(
        tmp_path,
        """
import sys

def test_nothing_is_imported():
    assert "perdure_pytest" in sys.modules
    assert "perdure" not in sys.modules
""",
        "-W",
        "error",
    )


@pytest.mark.slow
def test_each_test_has_a_home_of_its_own_which_its_processes_share(tmp_path: Path) -> None:
    passes(
        tmp_path,
        """
import subprocess, sys
import pytest
from perdure import flow, session, settings, task
from perdure.records import RunFilter

calls = []

@task(cache_key_fn=lambda: "once")
def costly():
    calls.append(1)
    return 1

@pytest.mark.parametrize("number", [1, 2])
def test_nothing_is_cached_from_another_test(number, perdure_home, tmp_path):
    assert settings.current().home == perdure_home != tmp_path
    assert list(tmp_path.iterdir()) == []
    assert [costly(), costly()] == [1, 1]
    assert len(calls) == number

def test_a_process_uses_the_home(perdure_home):
    code = "from perdure import flow; flow(lambda: 1)()"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert len(session.current().orchestrator.flow_runs(RunFilter())) == 1
""",
        "-W",
        "error",
    )


@pytest.mark.slow
def test_the_clock_and_the_server_are_those_of_the_home(tmp_path: Path) -> None:
    passes(
        tmp_path,
        """
from datetime import timedelta
import httpx
from perdure import flow

@flow
def shop():
    return 1

def test_the_server_lists_the_runs_of_the_test(perdure_server):
    shop()
    runs = httpx.get(f"{perdure_server}/api/flow-runs").raise_for_status().json()
    assert "shop" in str(runs)

def test_runs_go_by_the_clock(perdure_clock, perdure_home):
    before = shop(return_state=True).timestamp
    perdure_clock.move(timedelta(hours=2))
    assert shop(return_state=True).timestamp - before == timedelta(hours=2)
""",
        "-W",
        "error",
    )
