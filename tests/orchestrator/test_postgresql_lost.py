"""PostgreSQL that is restarted, cut off, full, or not what the URL says."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
from lossy_proxy import LossyProxy

from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.sql import postgresql as module
from perdure._store.sql.postgresql import PostgreSQL
from perdure._store.sql.postgresql_connection import PostgreSQLConnection
from perdure.errors import OrchestratorError, OrchestratorUnreachable
from perdure.records import RunFilter, StateRecord
from perdure.states import StateType
from perdure.testing._sample_records import claim, flow_run, ids, state
from tests.postgresql_server import control, new_database, server_in

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    """One that may be restarted."""
    with TemporaryDirectory(prefix="perdure-postgresql-", ignore_cleanup_errors=True) as folder:
        server = server_in(Path(folder, "data"))
        yield server
        server.cleanup()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_of_the_server_loses_nothing_and_fails_nobody(server: Any, mode: str) -> None:
    with new_database(server.get_uri()) as url:
        known = EmbeddedOrchestrator(PostgreSQL(url, timeout_seconds=30), report_interval_seconds=0.01)
        reported, ended = [], threading.Event()

        def tell() -> None:
            while not ended.is_set():
                run = flow_run()
                known.commit([run, state(run, StateType.COMPLETED)])
                reported.append(run.id)
                assert known.flow_runs(RunFilter(ids=(run.id,)))

        failures: list[BaseException] = []
        threads = [threading.Thread(target=_watched, args=(tell, failures)) for _ in range(3)]
        for thread in threads:
            thread.start()
        while not reported and not failures:  # one that was never reached is not waited for
            time.sleep(0.01)
        for _ in range(3):
            control(server, "restart", "-m", mode)
            time.sleep(0.3)
        ended.set()
        for thread in threads:
            thread.join()
        assert failures == []
        assert set(reported) == set(ids(known.flow_runs(RunFilter())))
        assert all(len(known.states(id)) == 1 for id in reported[::20])
        known.close()


@pytest.mark.parametrize("ended", [True, False], ids=["connections end", "connections stay"])
def test_a_server_that_takes_no_writes_for_a_while_loses_nothing_and_doubles_nothing(server: Any, ended: bool) -> None:
    with new_database(server.get_uri()) as url:
        known = EmbeddedOrchestrator(PostgreSQL(url, timeout_seconds=30), report_interval_seconds=0.01)
        reported: list[str] = []
        failures: list[BaseException] = []
        committing = threading.Semaphore(0)

        def tell() -> None:
            for _ in range(40):
                run = flow_run()
                known.report([state(run, StateType.RUNNING)])
                known.commit([run, state(run, StateType.COMPLETED)])
                reported.append(run.id)
                committing.release()

        threads = [threading.Thread(target=_watched, args=(tell, failures)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for read_only in ("on", "off", "on", "off"):
            committing.acquire(timeout=10) if read_only == "on" else time.sleep(0.3)
            set_read_only(server.get_uri(), url if ended else None, read_only)
        for thread in threads:
            thread.join()
        assert failures == []
        assert len(reported) == 80
        assert set(reported) == set(ids(known.flow_runs(RunFilter())))
        assert all(len(known.states(id)) == 2 for id in reported)
        known.close()


def set_read_only(url: str, end: str | None, to: str) -> None:
    """Have a server refuse writes, or take them again, as in a failover; `end` the connections of a database."""
    with psycopg.connect(url, autocommit=True, options="-c default_transaction_read_only=off") as connection:
        connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {to}")  # type: ignore[arg-type]
        connection.execute("SELECT pg_reload_conf()")
        if end is not None:
            name = psycopg.conninfo.conninfo_to_dict(end)["dbname"]
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))


def test_a_server_that_never_takes_writes_is_reported_with_what_to_do(server: Any) -> None:
    with new_database(server.get_uri()) as url:
        PostgreSQL(url, 10).connect().close()
        set_read_only(server.get_uri(), None, "on")
        try:
            reported = error_of(url)
            assert "It does not accept writes now" in reported
            assert "target_session_attrs=any" in reported
            known = EmbeddedOrchestrator(PostgreSQL(f"{url}&target_session_attrs=any", timeout_seconds=0.2))
            assert list(known.flow_runs(RunFilter())) == []
            with pytest.raises(OrchestratorUnreachable, match="It does not accept writes now"):
                known.commit([flow_run()])
        finally:
            set_read_only(server.get_uri(), None, "off")
        known.close()


@pytest.fixture
def slow_log() -> Iterator[Any]:
    """A server that writes its log to the disk when something is committed, and seldom else."""
    with TemporaryDirectory(prefix="perdure-postgresql-", ignore_cleanup_errors=True) as folder:
        server = server_in(Path(folder, "data"))
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
        control(server, "restart")
        yield server
        server.cleanup()


@pytest.mark.parametrize("is_given_anew", [False, True], ids=["is given to nobody yet", "is another's by then"])
def test_what_a_crash_undid_counts_as_undone_though_its_number(slow_log: Any, is_given_anew: bool) -> None:
    with new_database(slow_log.get_uri()) as url:
        database = PostgreSQL(url, timeout_seconds=30)
        lost = database.connect()
        assert isinstance(lost, PostgreSQLConnection)
        lost.execute("BEGIN")
        lost.execute("CREATE TABLE something (number int)")
        row = lost.execute("SELECT pg_current_xact_id()::text, pg_current_wal_insert_lsn()::text").fetchone()
        lost.transaction, lost.written_to = row
        control(slow_log, "restart", "-m", "immediate")
        with psycopg.connect(url, autocommit=True) as others:
            given = 0
            while is_given_anew and given < int(lost.transaction or ""):
                (given,) = others.execute("SELECT pg_current_xact_id()::text::bigint").fetchone() or (0,)
        assert not database._has_committed(lost)
        lost.close()


def _watched(call: Any, failures: list[BaseException]) -> None:
    try:
        call()
    except BaseException as error:
        failures.append(error)


@pytest.fixture
def proxy(postgresql: str) -> Iterator[LossyProxy]:
    with new_database(postgresql) as url, closing(LossyProxy(url)) as proxy:
        yield proxy


@pytest.mark.parametrize("lose", ["answer", "request"])
def test_a_connection_that_breaks_at_the_commit_neither_loses_nor_doubles(proxy: LossyProxy, lose: str) -> None:
    known = EmbeddedOrchestrator(PostgreSQL(proxy.url, timeout_seconds=10), report_interval_seconds=60)
    run = flow_run()
    known.commit([run])
    proxy.lose = lose
    states = [state(run, StateType.RUNNING)]
    known.commit(states)
    assert proxy.lost == 1
    assert list(known.states(run.id)) == states
    assert known.flow_runs(RunFilter())[0].run_count == 1
    known.close()


@pytest.mark.parametrize("lose", ["answer", "request"])
def test_whoever_claims_a_key_over_a_breaking_connection_has_it(proxy: LossyProxy, lose: str) -> None:
    known = EmbeddedOrchestrator(PostgreSQL(proxy.url, timeout_seconds=10))
    known.commit([flow_run()])
    proxy.lose = lose
    wanted = claim()
    assert known.claim_key(wanted)
    assert (proxy.lost, known.claim_of("key")) == (1, wanted)
    known.close()


def test_transactions_that_lock_each_other_are_tried_again(postgresql: str) -> None:
    with new_database(postgresql) as url:
        known, others = EmbeddedOrchestrator(PostgreSQL(url, 10)), psycopg.connect(url)
        first, second = flow_run(), flow_run()
        known.commit([first, second])
        others.execute("UPDATE flow_run SET name = 'x' WHERE id = %s", (second.id,))
        reported = [state(run, StateType.RUNNING) for run in (first, second)]
        thread = threading.Thread(target=known.commit, args=(reported,))
        thread.start()
        time.sleep(0.3)
        try:
            others.execute("UPDATE flow_run SET name = 'x' WHERE id = %s", (first.id,))
            others.commit()
        except psycopg.errors.DeadlockDetected:
            others.rollback()
        thread.join()
        others.close()
        assert [run.run_count for run in known.flow_runs(RunFilter())] == [1, 1]
        known.close()


def test_no_more_than_eight_connections_read_at_once(postgresql: str) -> None:
    with new_database(postgresql) as url:
        known = EmbeddedOrchestrator(PostgreSQL(url, 10))
        known.commit([flow_run()])
        threads = [threading.Thread(target=known._read, args=("SELECT pg_sleep(0.1)", ())) for _ in range(30)]
        for thread in threads:
            thread.start()
        with psycopg.connect(url) as connection:
            (count,) = connection.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE application_name LIKE 'perdure %' AND datname = current_database()"
            ).fetchone() or (0,)
        for thread in threads:
            thread.join()
        assert count <= 8 + 1  # and one that writes
        known.close()


def error_of(url: str, timeout_seconds: float = 1) -> str:
    """The error that whoever connects gets."""
    with pytest.raises(OrchestratorError) as error:
        PostgreSQL(url, timeout_seconds).connect()
    return str(error.value)


def test_a_wrong_password_is_reported(server: Any) -> None:
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("CREATE USER ada PASSWORD 's3cret'")
    rules = server.pgdata / "pg_hba.conf"
    rules.write_text("local all ada scram-sha-256\n" + rules.read_text())
    control(server, "restart", "-m", "fast")
    reported = error_of(server.get_uri().replace("postgres:@", "ada:wr0ng@"))
    assert "password authentication failed" in reported
    assert "See that the user and the password in the URL are right." in reported
    assert "wr0ng" not in reported


def test_a_database_that_is_not_there_is_reported(postgresql: str) -> None:
    reported = error_of(postgresql.replace("/postgres?", "/nothing?"))
    assert "Make it first: createdb" in reported


def test_a_server_that_is_not_there_is_reported_at_once(tmp_path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(OrchestratorUnreachable, match="See that the server runs, and that its host and port are right"):
        PostgreSQL(f"postgresql://ada:s3cret@/runs?host={tmp_path}", 30).connect()
    assert time.monotonic() - begun < 25  # it would be waited for 30


def test_an_old_server_is_reported(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_OLDEST", 990_000)
    with new_database(postgresql) as url:
        assert "14 or newer is needed" in error_of(url)


def test_a_url_that_is_malformed_is_reported_without_its_password() -> None:
    with pytest.raises(OrchestratorError, match="URL is malformed. Write it as postgresql://") as error:
        PostgreSQL("postgresql://ada:s3cret%zz@host/runs")
    assert "s3cret" not in str(error.value)


def test_a_server_without_free_connections_is_waited_for_and_reported(server: Any) -> None:
    with new_database(server.get_uri()) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE USER eve")
            connection.execute(f"ALTER DATABASE {connection.info.dbname} OWNER TO eve")  # type: ignore[arg-type]
            connection.execute("ALTER USER eve CONNECTION LIMIT 2")
        url = url.replace("postgres:@", "eve:@")
        taken = [psycopg.connect(url) for _ in range(2)]
        assert "Raise max_connections of the server" in error_of(url)
        threading.Timer(0.5, taken[0].close).start()
        PostgreSQL(url, 10).connect().close()
        taken[1].close()


def test_records_wait_for_a_server_that_is_away(server: Any) -> None:
    with new_database(server.get_uri()) as url:
        known = EmbeddedOrchestrator(PostgreSQL(url, timeout_seconds=0.2), report_interval_seconds=0.05)
        run = flow_run()
        known.commit([run])
        control(server, "stop", "-m", "fast")
        reported: list[StateRecord] = [state(run, kind) for kind in (StateType.RUNNING, StateType.COMPLETED)]
        known.report(reported[:1])
        with pytest.raises(OrchestratorUnreachable):
            known.commit(reported[1:])
        control(server, "start", "-o", f'-h "" -k {server.pgdata}')
        known.flush()
        assert list(known.states(run.id)) == reported
        known.close()
