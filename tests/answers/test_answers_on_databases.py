"""A database that cannot be used is named, with what to do; and once that is done, nothing reported is lost."""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from perdure import flow, session, task
from perdure._results.store import result_from_record
from perdure._store.embedded import EmbeddedOrchestrator
from perdure.errors import DatabaseCorrupt, OrchestratorError, PerdureError, ResultCorrupt
from perdure.records import ResultFilter, RunFilter
from perdure.results import get_result


@flow
def nightly() -> int:
    return 1


@flow
async def anightly() -> int:
    return 1


@task
def alone() -> int:
    return 1


@task(persist_result=True)
def kept() -> int:
    return 1


def run_nightly() -> int:
    return nightly()


def run_anightly() -> int:
    return asyncio.run(anightly())


CALLS = pytest.mark.parametrize("call", [run_nightly, run_anightly, kept], ids=["flow", "async flow", "persisted task"])


def random_bytes(database: Path) -> None:
    database.write_bytes(os.urandom(20_000))


def text(database: Path) -> None:
    database.write_text("not a database, " * 100)


def cut_short(database: Path) -> None:
    whole = EmbeddedOrchestrator(database)
    whole.flush()
    whole.blocks()
    whole.close()
    database.write_bytes(database.read_bytes()[:5_000])


def of_others(database: Path) -> None:
    with closing(sqlite3.connect(database)) as theirs, theirs:
        theirs.execute("CREATE TABLE customers (name TEXT)")
    theirs.close()


def of_the_future(database: Path) -> None:
    whole = EmbeddedOrchestrator(database)
    whole.blocks()
    whole.close()
    with closing(sqlite3.connect(database)) as newer, newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
    newer.close()


Damage = Callable[[Path], None]
DAMAGED = pytest.mark.parametrize(
    ("damage", "kind", "rule", "mend"),
    [
        (random_bytes, DatabaseCorrupt, "is damaged or is not a SQLite database", "Move it away to start over"),
        (text, DatabaseCorrupt, "is damaged or is not a SQLite database", "restore it from a backup"),
        (cut_short, DatabaseCorrupt, "is damaged", "restore it from a backup"),
        (of_others, DatabaseCorrupt, "not one of Perdure's", "set another PERDURE_HOME"),
        (of_the_future, OrchestratorError, "was written by a newer Perdure (revision 9999)", "upgrade perdure"),
    ],
    ids=["random", "text", "cut", "others", "future"],
)


@pytest.fixture
def database(home: Path) -> Path:
    """Where the database is to be. At the end it is out of the way, so that what was reported can be kept."""
    home.mkdir()
    return home / "perdure.db"


def move_away(database: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


@DAMAGED
@CALLS
def test_a_database_that_cannot_be_used_is_named_and_moved_away_loses_nothing(
    damage: Damage, kind: type, rule: str, mend: str, call: Any, database: Path, assert_clear: Any
) -> None:
    damage(database)
    with pytest.raises(kind) as caught:
        call()
    error = caught.value
    assert type(error) is kind
    text = str(error)
    assert str(database) in text
    assert rule in text
    assert mend in text
    assert "\n" not in text

    move_away(database)
    known = session.current().orchestrator
    runs = [*known.flow_runs(RunFilter()), *known.task_runs(RunFilter())]
    assert len(runs) == 1
    assert runs[0].state_name in ("Completed", "Crashed")


@DAMAGED
def test_get_result_names_a_database_that_cannot_be_used(
    damage: Damage, kind: type, rule: str, mend: str, database: Path, assert_clear: Any
) -> None:
    damage(database)
    with pytest.raises(kind) as caught:
        get_result("01a2047b-079e-7293-a54f-52a3bb9f4278")
    assert_clear(caught.value, value=str(database), rule=rule, mend=mend)


@DAMAGED
@pytest.mark.parametrize("command", [("flow-run", "ls"), ("result", "get", "abc"), ("block", "ls")], ids=" ".join)
def test_the_command_line_names_a_database_that_cannot_be_used_in_one_line(
    damage: Damage, kind: type, rule: str, mend: str, command: tuple[str, ...], database: Path, perdure: Any
) -> None:
    damage(database)
    ended = perdure(*command)
    assert (ended.exit_code, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("Error: ")
    for part in (str(database), rule, mend):
        assert part in line


def test_a_task_that_persists_nothing_runs_without_the_database(database: Path) -> None:
    random_bytes(database)
    assert alone() == 1
    move_away(database)


def test_a_full_disk_is_named_and_what_was_reported_is_kept_once_there_is_space(
    home: Path, full_after: Any, assert_clear: Any
) -> None:
    assert nightly() == 1
    with full_after((home / "perdure.db-wal").stat().st_size), pytest.raises(OrchestratorError) as caught:
        nightly()
    text = str(caught.value)
    assert text.startswith(f"The database {home / 'perdure.db'} failed: disk I/O error.")
    assert text.endswith("Look at its health, space, quota and `ulimit -f`.")

    assert nightly() == 1

    runs = session.current().orchestrator.flow_runs(RunFilter())
    assert [run.state_name for run in runs] == ["Completed", "Crashed", "Completed"]  # the second one never began


def test_a_persisted_task_on_a_full_disk_does_not_return_before_it_is_committed(home: Path, full_after: Any) -> None:
    kept()
    with full_after((home / "perdure.db-wal").stat().st_size), pytest.raises(OrchestratorError):
        kept()
    runs = session.current().orchestrator.task_runs(RunFilter())
    assert [run.state_name for run in runs][1:] == ["Completed"]
    assert all(run.state_name in ("Completed", "Crashed") for run in runs)


def test_a_state_that_perdure_never_wrote_is_damage(home: Path, assert_clear: Any) -> None:
    alone()
    session.close()
    with closing(sqlite3.connect(home / "perdure.db")) as damaged, damaged:
        damaged.execute("UPDATE task_run SET state_type = 'nOMPLETED'")
    damaged.close()
    with pytest.raises(DatabaseCorrupt) as caught:
        session.current().orchestrator.task_runs(RunFilter())
    assert_clear(caught.value, value="'nOMPLETED'", rule="is damaged", mend="restore it from a backup")


@pytest.mark.parametrize("value", ["{", "[1", '{"uuid": 3}', '{"uuid": "x"}', "{}"])
def test_a_literal_that_perdure_never_wrote_is_corrupt(value: str, home: Path, assert_clear: Any) -> None:
    state = task(persist_result=True)(lambda: True)(return_state=True)
    session.close()
    with closing(sqlite3.connect(home / "perdure.db")) as damaged, damaged:
        damaged.execute("UPDATE result SET value = ?", (value,))
    damaged.close()
    with pytest.raises(ResultCorrupt) as caught:
        get_result(state.run_id)
    assert_clear(caught.value, value=repr(value), rule="is not a literal", mend="Run the task again")


@pytest.fixture
def whole(home: Path) -> bytes:
    """The bytes of a database that knows some runs."""
    for _ in range(3):
        nightly()
        kept()
    session.close()
    return (home / "perdure.db").read_bytes()


def ask_all(database: Path) -> None:
    """Ask every question; each has an answer or an error of Perdure's."""
    known = EmbeddedOrchestrator(database)
    runs: list[Any] = []
    questions: list[Callable[[], object]] = [
        lambda: runs.extend(known.flow_runs(RunFilter())),
        lambda: runs.extend(known.task_runs(RunFilter())),
        lambda: [result_from_record(each) for each in known.results(ResultFilter())],
        *(known.logs, known.blocks, lambda: known.find_cached("key", 0)),
        lambda: [known.states(run.id) for run in runs],
    ]
    for question in questions:
        with contextlib.suppress(PerdureError):
            question()
    known.close()


@pytest.mark.slow
@given(place=st.integers(0, 2**20), change=st.integers(1, 255))
@hypothesis_settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_database_with_any_byte_changed_raises_only_errors_of_perdure(
    whole: bytes, place: int, change: int, tmp_path: Path
) -> None:
    changed = bytearray(whole)
    written = [at for at, byte in enumerate(whole) if byte]
    changed[written[place % len(written)]] ^= change
    database = tmp_path / "changed.db"
    move_away(database)
    database.write_bytes(changed)
    ask_all(database)


@pytest.mark.slow
def test_a_database_cut_short_anywhere_raises_only_errors_of_perdure(whole: bytes, tmp_path: Path) -> None:
    database = tmp_path / "cut.db"
    for length in range(1, len(whole), 4_000):
        move_away(database)
        database.write_bytes(whole[:length])
        ask_all(database)


def test_a_home_below_a_file_that_cannot_be_made_is_named(a_file: Path, assert_clear: Any) -> None:
    known = EmbeddedOrchestrator(a_file / "home" / "perdure.db")
    with pytest.raises(OrchestratorError) as caught:
        known.blocks()
    assert_clear(caught.value, value=str(a_file), rule="Not a directory", mend="Make its parent writable")
    known.close()
