"""Limits are read and changed by the calls that users of Prefect make."""

import asyncio

import pytest

from perdure import concurrency, flow, get_client, runtime, tags, task
from perdure.client.schemas.actions import GlobalConcurrencyLimitCreate, GlobalConcurrencyLimitUpdate
from perdure.errors import LimitError, LimitExists, NotFound
from perdure.exceptions import ObjectAlreadyExists, ObjectNotFound

client = get_client(sync_client=True)
DB = GlobalConcurrencyLimitCreate(name="db", limit=2)


def test_a_limit_is_made_read_changed_and_deleted() -> None:
    assert client.create_global_concurrency_limit(DB) == "db"
    made = client.read_global_concurrency_limit_by_name("db")
    assert (made.name, made.limit, made.active_slots, made.slot_decay_per_second) == ("db", 2, 0, 0.0)
    client.update_global_concurrency_limit("db", GlobalConcurrencyLimitUpdate(limit=5, slot_decay_per_second=0.5))
    [changed] = client.read_global_concurrency_limits()
    assert (changed.limit, changed.slot_decay_per_second) == (5, 0.5)
    client.delete_global_concurrency_limit_by_name("db")
    assert client.read_global_concurrency_limits() == []


def test_a_limit_that_is_there_already_is_another_error_than_one_that_is_not() -> None:
    client.create_global_concurrency_limit(DB)
    with pytest.raises(ObjectAlreadyExists, match="a limit 'db' already") as error:
        client.create_global_concurrency_limit(DB)
    assert error.type is LimitExists
    with pytest.raises(ObjectNotFound, match="no limit 'api'") as missing:
        client.update_global_concurrency_limit("api", GlobalConcurrencyLimitUpdate(limit=1))
    assert missing.type is NotFound


@pytest.mark.parametrize("change", [{"name": "api"}, {"active": False}, {"active_slots": 1}])
def test_what_no_limit_can_have_is_refused(change: dict[str, object]) -> None:
    client.create_global_concurrency_limit(DB)
    with pytest.raises(LimitError):
        client.update_global_concurrency_limit("db", GlobalConcurrencyLimitUpdate(**change))  # type: ignore[arg-type]
    assert client.read_global_concurrency_limit_by_name("db").limit == 2


def test_a_limit_whose_slots_are_taken_becomes_no_rate_limit() -> None:
    client.create_global_concurrency_limit(DB)
    with concurrency("db"):
        assert client.read_global_concurrency_limit_by_name("db").active_slots == 1
        with pytest.raises(LimitError, match="in use"):
            client.update_global_concurrency_limit("db", GlobalConcurrencyLimitUpdate(slot_decay_per_second=1))


def test_the_limit_of_a_tag_is_made_or_changed_and_names_the_runs_that_hold_it() -> None:
    client.create_concurrency_limit("db", 1)
    client.create_concurrency_limit("db", 3)
    seen: list[object] = []

    @task
    def query() -> str:
        seen.extend(client.read_concurrency_limit_by_tag("db").active_slots)  # type: ignore[arg-type]
        return str(runtime.task_run.id)

    @flow
    def nightly() -> str:
        with tags("db"):
            return query()

    run_id = nightly()
    assert seen == [run_id]
    assert [each.concurrency_limit for each in client.read_concurrency_limits()] == [3]
    client.delete_concurrency_limit_by_tag("db")
    with pytest.raises(NotFound):
        client.read_concurrency_limit_by_tag("db")


def test_in_coroutines_the_calls_are_awaited() -> None:
    async def main() -> tuple[int, list[str]]:
        async with get_client() as client:
            await client.create_global_concurrency_limit(DB)
            await client.upsert_global_concurrency_limit_by_name("db", 4)
            await client.upsert_global_concurrency_limit_by_name("api", 1)
            await client.update_global_concurrency_limit("api", GlobalConcurrencyLimitUpdate(limit=2))
            await client.create_concurrency_limit("tagged", 7)
            limits = await client.read_global_concurrency_limits(limit=2)
            found = await client.read_global_concurrency_limit_by_name("db")
            tagged = await client.read_concurrency_limit_by_tag("tagged")
            assert [each.name for each in await client.read_concurrency_limits(offset=2)] == ["tagged"]
            await client.delete_concurrency_limit_by_tag("tagged")
            await client.delete_global_concurrency_limit_by_name("api")
            assert [each.name for each in await client.read_global_concurrency_limits()] == ["db"]
            return found.limit + tagged.limit, [each.name for each in limits]

    assert asyncio.run(main()) == (11, ["api", "db"])
