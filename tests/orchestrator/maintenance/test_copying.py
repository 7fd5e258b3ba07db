import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from rich_runs import report_much

from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.maintenance import copying
from perdure._store.maintenance.checking import check
from perdure._store.maintenance.copying import backup, copy
from perdure._store.sql.database import Database
from perdure._store.sql.sqlite import SQLite
from perdure._store.sql.tables import metadata
from perdure.errors import OrchestratorError
from perdure.records import RunFilter
from perdure.testing._sample_records import flow_run
from tests.orchestrator.maintenance.conftest import NewDatabase


def contents(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables."""
    found = {}
    with closing(database.connect()) as connection:
        connection.execute(database.begin_view)
        for name, table in metadata.tables.items():
            key = ", ".join(f'"{column.name}"' for column in table.primary_key)
            columns = ", ".join(f'"{column.name}"' for column in table.columns)
            rows = connection.execute(f"SELECT {columns} FROM {name} ORDER BY {key}").fetchall()
            found[name] = [tuple(row) for row in rows]
        connection.execute("ROLLBACK")
    return found


@pytest.mark.parametrize(
    ("origin", "goal"),
    [
        ("sqlite", "sqlite"),
        pytest.param("sqlite", "postgresql", marks=pytest.mark.slow),
        pytest.param("postgresql", "sqlite", marks=pytest.mark.slow),
        pytest.param("postgresql", "postgresql", marks=pytest.mark.slow),
    ],
)
def test_a_copy_has_everything_in_it(new: NewDatabase, origin: str, goal: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "_PAGE", 2)
    source, target = new(origin), new(goal)
    report_much(source)
    reported: dict[str, int] = {}
    counts = copy(source, target, lambda table, rows: reported.update({table: rows}))
    assert contents(target) == contents(source)
    assert counts == {name: len(rows) for name, rows in contents(source).items()}
    assert reported == counts  # no table is left out of this test
    assert check(target).is_whole


def test_a_copy_can_be_resumed(database: Database, new: NewDatabase) -> None:
    source = new("sqlite")
    report_much(source)
    copy(source, database)
    report_much_more = EmbeddedOrchestrator(database)
    report_much_more.commit([flow_run(tags='["nightly"]')])
    assert len(report_much_more.flow_runs(RunFilter(tags=("nightly",)))) == 4
    report_much_more.close()


def test_what_the_target_cannot_hold_is_spelled_out(database: Database, new: NewDatabase) -> None:
    source = new("sqlite")
    known = EmbeddedOrchestrator(source)
    known.commit([flow_run(name="a\0b")])
    known.close()
    copy(source, database)
    known = EmbeddedOrchestrator(database)
    assert known.flow_runs(RunFilter())[0].name == ("a\0b" if database.kind == "sqlite" else "a\\x00b")
    known.close()


def test_a_target_that_is_not_empty_is_refused(database: Database, new: NewDatabase) -> None:
    source = new("sqlite")
    report_much(source)
    report_much(database)
    before = contents(database)
    with pytest.raises(OrchestratorError, match="is not empty: it has rows in"):
        copy(source, database)
    assert contents(database) == before


def test_a_database_is_not_copied_into_itself(database: Database) -> None:
    with pytest.raises(OrchestratorError, match="cannot be copied into itself"):
        copy(database, database)


def test_a_copy_that_is_interrupted_leaves_the_target_empty(database: Database, new: NewDatabase) -> None:
    source = new("sqlite")
    report_much(source)

    def interrupt(table: str, _: int) -> None:
        if table == "task_run":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy(source, database, interrupt)
    assert not any(contents(database).values())
    copy(source, database)
    assert contents(database)["task_run"] == contents(source)["task_run"]


def test_what_is_reported_meanwhile_is_left_out_of_a_copy(database: Database, new: NewDatabase) -> None:
    target = new("sqlite")
    report_much(database)
    before = contents(database)
    known = EmbeddedOrchestrator(database)
    copy(database, target, lambda _, __: known.commit([flow_run()]))
    known.close()
    assert contents(target) == before


def test_a_backup_has_everything_in_it(database: Database, tmp_path: Path) -> None:
    report_much(database)
    file = tmp_path / "backup.db"
    assert backup(database, file) == file.stat().st_size
    assert [each.name for each in tmp_path.glob("*backup*")] == ["backup.db"]
    assert contents(SQLite(file, 1)) == contents(database)


@pytest.mark.slow
def test_a_backup_is_consistent_while_flows_run(database: Database, tmp_path: Path) -> None:
    ended = threading.Event()
    known = EmbeddedOrchestrator(database)
    known.commit([flow_run()])

    def tell() -> None:
        while not ended.is_set():
            known.commit([flow_run(), flow_run()])  # always two together

    thread = threading.Thread(target=tell)
    thread.start()
    try:
        for number in range(3):
            file = tmp_path / f"backup {number}.db"
            backup(database, file)
            with closing(sqlite3.connect(file)) as connection:
                assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                assert connection.execute("SELECT count(*) FROM flow_run").fetchone()[0] % 2 == 1
    finally:
        ended.set()
        thread.join()
        known.close()


def test_a_backup_replaces_no_file(database: Database, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("precious")
    with pytest.raises(OrchestratorError, match="there is there already"):
        backup(database, tmp_path / "there")
    assert (tmp_path / "there").read_text() == "precious"


def test_a_backup_that_cannot_be_written_is_reported(database: Database, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OrchestratorError, match=r"cannot be (written|made)|unable to open"):
        backup(database, tmp_path / "file" / "backup.db")
