"""Two processes at one PostgreSQL: what one commits while the other's statement waits for it is seen by the other."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from perdure._rooms.deployments.port import ScheduleRecord
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.sql.postgresql import PostgreSQL
from perdure.records import CacheRecord, Owner, ReleaseRecord, StartRecord
from perdure.states import StateType as S
from perdure.testing._sample_records import FIRST, SECOND, claim, flow_run, literal, state, task_run
from perdure.testing.deployments_conformance import deployment, version_of
from tests.postgresql_server import new_database

pytestmark = pytest.mark.slow


class Held(PostgreSQL):
    """One whose next commit waits until it may."""

    def __init__(self, url: str) -> None:
        super().__init__(url, timeout_seconds=10)
        self.url_of_test = url
        self.may_commit = threading.Event()
        self.may_commit.set()
        self.is_held = threading.Event()

    def commit(self, connection: Any, **how: Any) -> None:
        if not self.may_commit.is_set():
            self.is_held.set()
            assert self.may_commit.wait(10)
        super().commit(connection, **how)

    def wait_for_a_wait(self) -> None:
        """Return when some statement waits for a lock."""
        with psycopg.connect(self.url_of_test, autocommit=True) as connection:
            query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            while connection.execute(query).fetchone() == (0,):
                pass


@pytest.fixture
def database(postgresql: str) -> Iterator[Held]:
    with new_database(postgresql) as url:
        yield Held(url)


@contextmanager
def orchestrators(database: Held) -> Iterator[tuple[EmbeddedOrchestrator, EmbeddedOrchestrator]]:
    first = EmbeddedOrchestrator(database)
    second = EmbeddedOrchestrator(PostgreSQL(database.url_of_test, timeout_seconds=10))
    try:
        yield first, second
    finally:
        database.may_commit.set()
        first.close()
        second.close()


def while_held(database: Held, held: Callable[[], object], waits: Callable[[], bool]) -> bool:
    """What the second call gives, which comes while the first one's transaction is about to be committed."""
    with ThreadPoolExecutor(2) as threads:
        database.may_commit.clear()
        first: Future[object] = threads.submit(held)
        assert database.is_held.wait(10)
        second = threads.submit(waits)
        database.wait_for_a_wait()
        database.may_commit.set()
        first.result()
        return second.result()


def test_a_key_whose_result_is_just_being_committed_is_not_claimed(database: Held) -> None:
    with orchestrators(database) as (one, other):
        result, late = literal(task_run()), claim()
        assert one.claim_key(claim()._replace(run_id=result.run_id))
        done = [result, CacheRecord("key", result.run_id, 0, None), ReleaseRecord("key", result.run_id)]

        assert not while_held(database, lambda: one.commit(done), lambda: other.claim_key(late))
        assert other.claim_of("key") is None
        assert other.find_cached("key", 0) == result


def test_a_key_that_is_let_go_of_without_a_result_is_claimed_by_who_waits_for_that(database: Held) -> None:
    with orchestrators(database) as (one, other):
        first, late = claim(), claim()
        assert one.claim_key(first)

        release = [ReleaseRecord("key", first.run_id)]
        assert while_held(database, lambda: one.commit(release), lambda: other.claim_key(late))
        assert other.claim_of("key") == late


def test_a_flow_run_whose_end_is_just_being_committed_is_not_taken_over(database: Held) -> None:
    with orchestrators(database) as (one, other):
        run = flow_run()
        seen = state(run, S.RUNNING)
        one.own(Owner(run.id, 1))
        one.commit([run, seen, StartRecord(run.id, FIRST, None, None, None)])
        end, taken = state(run, S.COMPLETED), state(run, S.CRASHED)

        def take() -> bool:
            return other.claim(seen, FIRST, SECOND, [taken], (1, 2))

        assert not while_held(database, lambda: one.commit([end]), take)
        assert [each.type for each in other.states(run.id)] == [S.RUNNING, S.COMPLETED]


def test_a_first_deploy_while_another_one_is_committed_is_the_same_deployment(database: Held) -> None:
    with orchestrators(database) as (one, other):
        first, second = deployment(), deployment(definition='{"a": 1}')

        def deployed() -> bool:
            kept = other.deployments.put(second, version_of(second, '{"a": 1}'))
            return (kept.id, kept.version) == (first.id, 2)

        assert while_held(database, lambda: one.deployments.put(first, version_of(first)), deployed)
        assert [each.number for each in one.deployments.versions(first.id)] == [2, 1]


def test_schedules_that_are_put_while_others_are_committed_replace_them(database: Held) -> None:
    with orchestrators(database) as (one, other):
        kept = one.deployments.put(made := deployment(), version_of(made))
        daily = ScheduleRecord(kept.id, "daily", "{}", 1, 2, None, 1)
        weekly = daily._replace(slug="weekly")

        def put() -> bool:
            other.deployments.put_schedules([daily, weekly], kept.id)
            return True

        assert while_held(database, lambda: one.deployments.put_schedules([daily], kept.id), put)
        assert list(one.deployments.schedules()) == [daily, weekly]
