"""Events of results under keys of the user's, and automations that start deployments from them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perdure import flow, session, settings, task
from perdure._platform.ids import new_id
from perdure._rooms.events.port import EventFilter, Service
from perdure._rooms.results.records import ResultFilter
from perdure._server.services import named_results
from perdure._server.services.automations import AutomationService
from perdure._server.services.named_results import events_of_results
from perdure._server.services.runtime import ServiceRuntime
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.protocol import Orchestrator
from perdure._store.sql.postgresql import PostgreSQL
from perdure._store.sql.sqlite import SQLite
from perdure.automations import Automation, EventTrigger, RunDeployment
from perdure.records import RunFilter
from tests.deployments import deployed
from tests.postgresql_server import new_database


@task(persist_result=True, result_serializer="json", result_storage_key="prices/{parameters[city]}.json")
def price(city: str, value: int) -> int:
    return value


@task(persist_result=True)
def unnamed(value: int) -> int:
    return value


@flow
def prices(city: str, *values: int) -> None:
    for each in values:
        price(city, each)
        unnamed(each)


class Made:
    """The events of results that a service has made until now; each look is by one that began anew."""

    def __init__(self, known: Orchestrator) -> None:
        self.known = known
        self.runtime = ServiceRuntime(known, settings.current())

    def __call__(self) -> list[dict[str, Any]]:
        self.known.flush()
        events_of_results(self.runtime)
        found = self.known.services.events(EventFilter(kind="result.created"))
        return [json.loads(each.payload) for each in found][::-1]


def make_events(known: Orchestrator) -> None:
    """Have a service make events from now on."""
    service = Service("events", new_id(), 10)
    known.services.claim(service, 1, None)
    known.services.finish(service._replace(ended=2, outcome="Events begin now", cursor=1))


@pytest.fixture
def made(home: Path) -> Iterator[Made]:
    known = session.current().orchestrator
    make_events(known)
    found = Made(known)
    yield found
    found.runtime.close()


def test_each_new_version_under_a_users_key_is_an_event_and_the_same_bytes_again_are_none(made: Made) -> None:
    prices("Oslo", 4)
    assert [each["payload"]["key"] for each in made()] == ["prices/Oslo.json"]
    prices("Oslo", 4)
    assert len(made()) == 1
    prices("Oslo", 4, 5, 5, 4)  # all of it before anybody looks
    (first, second, third) = (each["payload"] for each in made())
    assert first["previous_digest"] is None
    assert first["digest"] == second["previous_digest"] == third["digest"]
    assert second["digest"] == third["previous_digest"] != first["digest"]


def test_the_event_says_where_the_result_is_and_which_run_made_it(made: Made) -> None:
    prices("Lima", 3)
    (event,) = made()
    (run,) = made.known.task_runs(RunFilter(of="price"))
    (record,) = made.known.results(ResultFilter(storage_keys=("prices/Lima.json",)))
    payload = event["payload"]
    assert (payload["type"], payload["digest"], payload["size"]) == ("builtins.int", record.digest, record.size)
    assert payload["storage"] == record.storage_id
    assert Path(payload["url"]).is_file()
    assert (event["run"]["id"], event["run"]["flow_name"], event["run"]["task_name"]) == (run.id, "prices", "price")


def test_an_automation_starts_a_deployment_with_the_key(made: Made) -> None:
    deployed.report.deploy("nightly")
    Automation(
        name="on-prices",
        trigger=EventTrigger(expect="result.created", match={"payload.key": "prices/*"}),
        actions=[RunDeployment(deployment="report/nightly", parameters={"day": "{event.payload.key}"})],
    ).apply()
    for value in (4, 4, 5):
        prices("Oslo", value)
        made()
        AutomationService()(made.runtime, None)
    runs = made.known.flow_runs(RunFilter(of="report"))
    assert [json.loads(each.parameters) for each in runs] == [{"day": "prices/Oslo.json"}] * 2


def test_results_from_before_anybody_made_events_are_none(home: Path) -> None:
    known = session.current().orchestrator
    prices("Oslo", 4)
    known.flush()
    make_events(known)
    assert Made(known)() == []


class Killed(BaseException):
    """A server ends here."""


def test_what_is_killed_around_its_statement_makes_each_event_once(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(named_results, "_PAGE", 2)
    settle, calls = made.known.services.settle_results, 0

    def killed(*arguments: Any) -> bool:
        nonlocal calls
        calls += 1
        if calls % 3 == 1:
            raise Killed
        done: bool = settle(*arguments)
        if calls % 3 == 2:
            raise Killed
        return done

    monkeypatch.setattr(made.known.services, "settle_results", killed)
    prices("Oslo", *range(9))
    for _ in range(15):
        try:
            made()
        except Killed:
            continue
    assert len({each["payload"]["digest"] for each in made()}) == len(made()) == 9
    assert calls > 6


@pytest.mark.slow
def test_results_that_wait_are_found_by_keys_on_both_databases(made: Made, home: Path, postgresql: str) -> None:
    query = EmbeddedOrchestrator(home / "perdure.db").services._results
    connection = SQLite(home / "perdure.db", 5).connect()
    plan = str(connection.execute(f"EXPLAIN QUERY PLAN {query}", (10,)).fetchall())
    connection.close()
    assert "TEMP B-TREE" not in plan
    with new_database(postgresql) as url:
        known = EmbeddedOrchestrator(PostgreSQL(url))
        connection = PostgreSQL(url).connect()
        connection.execute("SET enable_seqscan = off")  # the tables are empty
        plan = str(connection.execute(f"EXPLAIN {known.services._results}", (10,)).fetchall())
        connection.close()
        known.close()
    assert "named_result_pkey" in plan
    assert "result_version_pkey" in plan
