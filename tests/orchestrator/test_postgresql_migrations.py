import psycopg
import pytest

from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.sql import migrations, schema
from perdure._store.sql.postgresql import PostgreSQL
from perdure.errors import OrchestratorError
from perdure.records import RunFilter
from perdure.testing._sample_records import flow_run, task_run
from tests.postgresql_server import new_database

pytestmark = pytest.mark.slow


def layout(url: str) -> set[tuple[object, ...]]:
    """Every column and index, as PostgreSQL sees them."""
    columns = "table_name, column_name, data_type, collation_name, is_nullable, character_maximum_length"
    with psycopg.connect(url) as connection:
        found = connection.execute(
            f"SELECT {columns} FROM information_schema.columns WHERE table_schema = 'public'"  # type: ignore[arg-type]
        ).fetchall()
        found += connection.execute("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'").fetchall()
    return set(found)


def test_each_migration_since_the_first_there_can_be_undone_and_done_again(postgresql: str) -> None:
    with new_database(postgresql) as url:
        database = PostgreSQL(url, 10)
        database.connect().close()
        revisions = [each for each in migrations.known_revisions() if each >= "0005"]
        layouts = {}
        for revision in revisions[::-1]:
            database.migrate(revision)
            assert database.revision() == revision
            layouts[revision] = layout(url)
        for revision in revisions:
            database.migrate(revision)
            assert layout(url) == layouts[revision]
        assert database.differences() == []


def test_a_database_is_upgraded_by_whoever_connects(postgresql: str) -> None:
    with new_database(postgresql) as url:
        known = EmbeddedOrchestrator(PostgreSQL(url, 10))
        known.commit([flow_run(tags='["a", "ü"]'), task_run(tags='["a"]')])
        known.close()
        PostgreSQL(url, 10).migrate("0005")
        known = EmbeddedOrchestrator(PostgreSQL(url, 10))
        assert len(known.flow_runs(RunFilter(tags=("ü", "a")))) == 1
        assert len(known.task_runs(RunFilter(tags=("a",)))) == 1
        known.close()
        assert PostgreSQL(url, 10).revision() == schema.HEAD


def test_migrations_from_before_postgresql_are_refused(postgresql: str) -> None:
    with new_database(postgresql) as url, pytest.raises(OrchestratorError, match="they begin at 0005"):
        PostgreSQL(url, 10).migrate("0004")


def test_a_postgresql_database_of_a_newer_perdure_is_left_alone(postgresql: str) -> None:
    with new_database(postgresql) as url:
        PostgreSQL(url, 10).connect().close()
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(OrchestratorError, match=r"was written by a newer Perdure \(revision 9999\)"):
            PostgreSQL(url, 10).connect()
