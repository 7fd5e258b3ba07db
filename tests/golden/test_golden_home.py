"""A home that an earlier version left is read, and its crashed flow run resumed: nothing in it is made anew."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from perdure import session, settings
from perdure.blocks import Block
from perdure.blocks.system import Secret
from perdure.errors import UpstreamTaskError
from perdure.filesystems import S3, LocalFileSystem
from perdure.records import RunFilter
from perdure.results import Retention, get_result
from perdure.states import State, StateType
from perdure.variables import Variable
from tests import prepared

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def place(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of the program and its home, as they would be had they been written here."""
    shutil.unpack_archive(HERE / "perdure_0_1" / "home.zip", home)
    shutil.copy(HERE / "golden_program.py", tmp_path)
    connection = sqlite3.connect(home / "perdure.db")
    for table, column in (("block", "data"), ("flow_start", "entry_point")):
        connection.execute(
            f"UPDATE {table} SET {column} = replace({column}, '/tmp/perdure-golden', ?)", [str(tmp_path)]
        )
    connection.commit()
    connection.close()
    monkeypatch.setenv("PERDURE_PROJECT", "golden")
    monkeypatch.setenv("PERDURE_LEASE_SECONDS", "1")  # its process was on another machine
    monkeypatch.setenv("CALLED", str(tmp_path / "called"))
    monkeypatch.chdir(tmp_path)
    settings.reload()
    return tmp_path


def result_of(name: str) -> object:
    known = session.current().orchestrator
    runs = [run for run in (*known.task_runs(RunFilter()), *known.flow_runs(RunFilter())) if run.name.startswith(name)]
    return get_result(runs[0].id, raise_on_failure=False)


def run(*command: str, place: Path) -> list[str]:
    """Runs a command there, and says which steps ran."""
    ended = prepared.run(*command, cwd=place)
    assert ended.returncode == 0, ended.stderr
    called = place / "called"
    return called.read_text().split() if called.exists() else []


def test_results_are_read() -> None:
    storage, kind, retention, state = result_of("first")  # type: ignore[misc]
    assert (storage, kind, retention) == (LocalFileSystem(basepath="/data"), StateType.PAUSED, Retention())
    assert isinstance(state, State)
    assert isinstance(result_of("fails"), UpstreamTaskError)
    generated = result_of("items")
    assert list(generated) == [1, S3(bucket_path="b/p")]  # type: ignore[call-overload]
    assert generated.returned == "returned"  # type: ignore[attr-defined]


def test_blocks_variables_and_profiles_are_read() -> None:
    assert Secret.load("token").get() == "hidden"
    assert Block.load("local-file-system/data") == LocalFileSystem(basepath="/data")
    assert Variable.get("size") == [1, {"a": 2}]
    assert settings.current().task_default_retry_delay_seconds == 7


@pytest.mark.slow
def test_the_cached_result_of_a_call_with_values_of_ours_is_found(place: Path) -> None:
    assert run("-c", "import golden_program; golden_program.plain()", place=place) == []


@pytest.mark.slow
def test_the_crashed_run_is_resumed_with_its_arguments_and_steps(place: Path) -> None:
    known = session.current().orchestrator
    crashed = next(run for run in known.flow_runs(RunFilter()) if run.flow_name == "durable")
    session.close()
    assert run("-m", "perdure", "flow-run", "resume", crashed.id, place=place) == ["last"]
    settings.reload()
    assert get_result(crashed.id) == "3 done"
