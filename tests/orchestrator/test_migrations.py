import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.sql import migrations, schema
from perdure._store.sql.sqlite import SQLite
from perdure._store.sql.tables import metadata
from perdure.errors import DatabaseCorrupt, OrchestratorError
from perdure.records import RunFilter, Standing
from perdure.states import StateType
from perdure.testing._places_conformance import deployment, version_of
from perdure.testing._sample_records import FIRST, SECOND, flow_run, state, task_run


def layout(connection: sqlite3.Connection) -> dict[str, set[tuple[object, ...]]]:
    """Every table and index with its columns, as SQLite sees them."""
    names = connection.execute("SELECT name, type FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
    pragma = {"table": "table_xinfo", "index": "index_xinfo"}
    return {name: set(connection.execute(f"PRAGMA {pragma[kind]}({name})")) for name, kind in names}


def behind(path: Path) -> Path:
    """A database from before the first migration."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    connection.close()
    return path


def test_the_migrations_end_in_the_declared_tables(tmp_path: Path) -> None:
    path = behind(tmp_path / "perdure.db")
    SQLite(path, 1).connect().close()
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_a_new_file_has_the_layout_that_the_migrations_end_in(tmp_path: Path) -> None:
    migrated = SQLite(behind(tmp_path / "migrated.db"), 1).connect()
    fresh = SQLite(tmp_path / "fresh.db", 1).connect()
    assert layout(fresh) == layout(migrated)
    migrated.close()
    fresh.close()


@pytest.mark.slow
def test_each_migration_can_be_undone_and_done_again(tmp_path: Path) -> None:
    path = tmp_path / "perdure.db"
    connection = SQLite(path, 1).connect()
    database, revisions = SQLite(path, 1), migrations.known_revisions()
    layouts = {}
    for revision in [*revisions[::-1], migrations.BASE]:
        database.migrate(revision)
        assert database.revision() == ("" if revision == migrations.BASE else revision)
        layouts[revision] = layout(connection)
    assert set(layouts.pop(migrations.BASE)) == {"alembic_version"}
    for revision in revisions:
        database.migrate(revision)
        assert layout(connection) == layouts[revision]
    connection.close()


def test_earlier_versions_find_deployments_again_by_the_names_that_they_gave_them(tmp_path: Path) -> None:
    path = tmp_path / "perdure.db"
    known = EmbeddedOrchestrator(path)
    for flow, name in (("my-flow", "my-flow"), ("my-flow", "nightly"), ("a-b", "nightly")):
        made = deployment(flow_name=flow, name=name)
        known.deployments.put(made, version_of(made), "my_flow" if flow == "my-flow" else None)
    known.close()
    SQLite(path, 1).migrate("0011")
    with closing(sqlite3.connect(path)) as connection:
        found = set(connection.execute("SELECT flow_name, name FROM deployment"))
    assert found == {("my_flow", "my_flow"), ("my_flow", "nightly"), ("a-b", "nightly")}


def test_tags_from_before_they_had_a_table_are_found(tmp_path: Path) -> None:
    path = tmp_path / "perdure.db"
    known = EmbeddedOrchestrator(path)
    known.commit([flow_run(tags='["a", "ü"]'), task_run(tags='["a"]'), task_run()])
    known.close()
    database = SQLite(path, 1)
    database.migrate("0005")
    assert len(EmbeddedOrchestrator(path).flow_runs(RunFilter(tags=("ü", "a")))) == 1
    assert len(EmbeddedOrchestrator(path).task_runs(RunFilter(tags=("a",)))) == 1


def test_the_schemas_text_is_written_from_the_tables() -> None:
    assert schema.SCHEMA_FILE.read_text() == schema.render_schema()
    assert migrations.head() == schema.HEAD


def test_a_database_of_a_newer_perdure_is_left_alone(tmp_path: Path) -> None:
    path = behind(tmp_path / "perdure.db")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    connection.close()
    with pytest.raises(OrchestratorError, match=r"perdure\.db was written by a newer Perdure \(revision 9999\)"):
        EmbeddedOrchestrator(path).flow_runs(RunFilter())


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    with pytest.raises(DatabaseCorrupt, match=r"theirs\.db is a SQLite database, but not one of Perdure's"):
        EmbeddedOrchestrator(path).commit([flow_run()])


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "perdure.db"
    path.write_bytes(b"not a database, but long enough to look at " * 100)
    with pytest.raises(DatabaseCorrupt, match=r"perdure\.db is damaged or is not a SQLite database .* Move it away"):
        EmbeddedOrchestrator(path).commit([flow_run()])
    assert path.read_bytes().startswith(b"not a database")


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "perdure.db"
    orchestrator = EmbeddedOrchestrator(path)
    orchestrator.commit(flow_run() for _ in range(500))
    orchestrator.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(DatabaseCorrupt, match=r"perdure\.db is damaged .* restore it from a backup"):
        EmbeddedOrchestrator(path).flow_runs(RunFilter())


def test_a_run_of_an_older_database_has_an_owner_that_can_lose_it(tmp_path: Path) -> None:
    path = tmp_path / "perdure.db"
    run = flow_run()
    seen = state(run, StateType.RUNNING)
    orchestrator = EmbeddedOrchestrator(path)
    orchestrator.commit([run, seen])
    orchestrator.close()
    SQLite(path, 1).migrate("0006")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO flow_start VALUES (?, ?, NULL, NULL, NULL)", (run.id, FIRST))
    connection.close()
    orchestrator = EmbeddedOrchestrator(path)
    assert orchestrator.standing(run.id) == Standing(FIRST, 1, StateType.RUNNING, None)
    assert orchestrator.claim(seen, FIRST, SECOND, (), (1, 2))
    orchestrator.close()
