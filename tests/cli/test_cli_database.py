import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from command_line import Perdure, Program

from perdure import session, settings

FLOW = """
@task(tags=["t"])
def one():
    return 1

@flow
def numbers():
    one()
    return 2
"""


@pytest.fixture
def database(home: Path, perdure: Perdure, program: Program) -> Path:
    """The database's file, with one flow run in it."""
    assert perdure("run", program(FLOW)).exit_code == 0
    return home / "perdure.db"


def printed(perdure: Perdure, *arguments: object) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(perdure("database", *arguments, "--json").output)
    return shown


@pytest.mark.usefixtures("database")
def test_info_shows_what_the_database_has(perdure: Perdure) -> None:
    assert printed(perdure, "info")["rows"]["flow_run"] == 1
    shown = perdure("database", "info").output
    assert "perdure.db" in "".join(shown.split())  # wherever the line broke
    assert "SQLite 3" in shown


def test_the_database_can_be_taken_back_and_forth(perdure: Perdure, database: Path) -> None:
    assert printed(perdure, "downgrade", "0004", "--yes")["after"] == "0004"
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0004",)
    known = printed(perdure, "upgrade")
    assert (known["before"], known["after"] > "0004") == ("0004", True)
    assert "is at the migration" in perdure("database", "upgrade").output
    assert printed(perdure, "check")["whole"]


@pytest.mark.usefixtures("database")
def test_going_back_is_asked_for_and_unknown_migrations_are_refused(perdure: Perdure) -> None:
    assert perdure("database", "downgrade", "0004").exit_code == 1
    refused = perdure("database", "downgrade", "1234")
    assert "There is no migration '1234'. They are 0001, " in refused.output


def test_check_reports_a_missing_index_by_its_exit_code(perdure: Perdure, database: Path) -> None:
    assert "is whole" in perdure("database", "check").output
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DROP INDEX task_run_by_task")
    checked = perdure("database", "check")
    assert checked.exit_code == 1
    assert "task_run_by_task" in checked.output


def test_a_backup_can_be_looked_into(
    perdure: Perdure, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "backup.db"
    assert "is backed up in" in perdure("database", "backup", file).output
    session.close()
    database.unlink()
    monkeypatch.setenv("PERDURE_DATABASE", str(file))
    settings.reload()
    assert printed(perdure, "info")["rows"]["flow_run"] == 1


@pytest.mark.usefixtures("database")
def test_a_copy_shows_how_much_it_copied(perdure: Perdure, tmp_path: Path) -> None:
    assert printed(perdure, "copy", tmp_path / "other.db")["rows"]["task_run"] == 1
    again = perdure("database", "copy", tmp_path / "other.db")
    assert (again.exit_code, "is not empty" in again.output) == (1, True)
    assert "is not a known kind of database" in perdure("database", "copy", "mysql://x/y").output


@pytest.mark.usefixtures("database")
def test_prune_removes_old_runs_and_shows_what_is_free(perdure: Perdure) -> None:
    shown = perdure("database", "prune", "--older-than=0s", "--dry-run").output
    assert "Would remove 1 flow run and 1 task run." in shown
    assert "Removed 0 flow runs" in perdure("database", "prune", "--older-than=90d").output
    assert "Removed 1 flow run and 1 task run." in perdure("database", "prune", "--older-than=0s", "--vacuum").output
    assert printed(perdure, "info")["rows"]["state"] == 0


def test_prune_refuses_states_that_are_no_end_and_ages_that_are_none(perdure: Perdure) -> None:
    assert "is no end of a run" in perdure("database", "prune", "--older-than=1d", "--state=running").output
    assert "is no age" in perdure("database", "prune", "--older-than=soon").output
