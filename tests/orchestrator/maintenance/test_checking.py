from contextlib import closing

import pytest
from rich_runs import report_much

from perdure._platform.ids import new_id
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.maintenance.checking import Dangling, check
from perdure._store.sql.database import Database
from perdure._store.sql.sqlite import SQLite
from perdure.states import StateType
from perdure.testing._sample_records import state, task_run
from tests.orchestrator.maintenance.conftest import NewDatabase


def test_a_whole_database_is_whole(database: Database) -> None:
    report_much(database)
    checked = check(database)
    assert (checked.is_whole, checked.damage, checked.differences) == (True, [], [])


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("DROP INDEX task_run_by_task", "task_run_by_task"),
        ("CREATE INDEX stray ON task_run (created)", "stray"),
        ("ALTER TABLE log ADD COLUMN stray text", "log.stray"),
        ("DROP TABLE run_wait", "run_wait"),
    ],
)
def test_tables_that_somebody_changed_are_reported(database: Database, statement: str, named: str) -> None:
    report_much(database)
    with closing(database.connect()) as connection:
        connection.execute(statement)
    assert named in " ".join(check(database).differences)


@pytest.mark.slow
def test_tables_of_others_in_the_same_database_are_passed_over(database: Database) -> None:
    report_much(database)
    with closing(database.connect()) as connection:
        connection.execute("CREATE TABLE theirs (a int)")
    assert check(database).is_whole


def test_rows_that_lead_to_nothing_are_reported_and_do_no_harm(database: Database) -> None:
    known = EmbeddedOrchestrator(database)
    alone = task_run(new_id())
    known.commit([alone, state(alone, StateType.COMPLETED)])
    known.close()
    checked = check(database)
    assert (checked.is_whole, checked.dangling) == (
        True,
        [Dangling("task_run", "flow_run_id", 1, alone.flow_run_id or "")],
    )


def test_damaged_pages_are_reported(new: NewDatabase) -> None:
    database = new("sqlite")
    assert isinstance(database, SQLite)
    report_much(database)
    with closing(database.connect()) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'task_run_by_task'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with database.path.open("r+b") as file:
        file.seek((page - 1) * size + size // 2)
        file.write(b"\xff" * (size // 2))
    checked = check(database)
    assert not checked.is_whole
    assert checked.damage
