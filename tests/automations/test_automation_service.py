"""Automations by the service that a server runs, on a real database."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perdure import session, settings
from perdure._model.records import FlowRunRecord, StateRecord
from perdure._rooms.automations.port import Automations, LogEntry, LogFilter
from perdure._rooms.deployments.port import QueueFilter
from perdure._rooms.events.port import EventFilter
from perdure._server.services.automations import AutomationService
from perdure._server.services.events import Events
from perdure._server.services.runtime import ServiceRuntime
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.sql.postgresql import PostgreSQL
from perdure.automations import (
    AbsenceTrigger,
    Automation,
    CancelRun,
    EventTrigger,
    Notify,
    Pause,
    Resume,
    RunDeployment,
)
from perdure.deployments import run_deployment
from perdure.errors import AutomationError
from perdure.events import emit_event
from perdure.partitions import daily
from perdure.records import RunFilter
from perdure.states import StateType
from perdure.testing.clock import ManualClock
from tests.automations.exactly_once_events import story
from tests.deployments import deployed
from tests.postgresql_server import new_database

ORDER = {"perdure.resource.id": "order.4711"}


class Server:
    """The services of events and automations, at a time that tests set."""

    def __init__(self) -> None:
        self.known = session.current().orchestrator
        self.clock = ManualClock()
        self._runtime = ServiceRuntime(self.known, settings.current(), clock=self.clock)
        self._events, self._cursor = Events(), None
        self._automations = AutomationService()
        self.look()

    def close(self) -> None:
        self._runtime.close()

    def look(self) -> None:
        outcome = self._events(self._runtime, self._cursor)
        self._cursor = outcome.cursor
        while not self._automations(self._runtime, None).is_done:
            pass

    def log(self, name: str = "orders") -> list[LogEntry]:
        room = self.known.room(Automations)
        of = room.named(name)
        assert of is not None
        return list(room.log(LogFilter(automation_id=of.id)))[::-1]

    def outcomes(self, name: str = "orders") -> list[str]:
        return [each.outcome for each in self.log(name)]

    def runs(self, flow: str = "report") -> list[dict[str, Any]]:
        found = self.known.flow_runs(RunFilter(of=flow, oldest_first=True))
        return [json.loads(run.parameters) for run in found]


@pytest.fixture
def server(home: Path) -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def nightly() -> Any:
    return deployed.report.deploy("nightly")


def on_order(*actions: Any, name: str = "orders", **options: Any) -> Automation:
    trigger = {each: options.pop(each) for each in list(options) if each in EventTrigger.model_fields}
    return Automation(name=name, trigger=EventTrigger(expect="order.*", **trigger), actions=actions, **options).apply()


RUN = RunDeployment(deployment="report/nightly", parameters={"x": "{event.payload.boxes}", "day": "of {event.kind}"})


def test_an_event_starts_a_deployment_with_what_it_says(server: Server, nightly: Any) -> None:
    on_order(RUN)
    emit_event("order.shipped", ORDER, payload={"boxes": 3})
    server.look()
    server.look()
    assert server.runs() == [{"x": 3, "day": "of order.shipped"}]
    (line,) = server.log()
    (action,) = json.loads(line.details)["actions"]
    (place,) = server.known.deployments.queued(QueueFilter())
    assert (line.outcome, line.phase, action["run"]) == ("acts", "done", place.flow_run_id)


def test_texts_of_events_are_no_templates_of_the_deployment(server: Server, nightly: Any) -> None:
    on_order(RunDeployment(deployment="report/nightly", parameters={"day": "{event.payload.text}"}))
    emit_event("order.shipped", ORDER, payload={"text": "{partition} {scheduled_time.__class__}"})
    server.look()
    assert server.runs() == [{"day": "{partition} {scheduled_time.__class__}"}]


def test_a_partition_comes_from_the_event(server: Server) -> None:
    deployed.report.deploy("nightly", partitions=daily("2026-01-01"), parameters={"day": "{partition}"})
    on_order(RunDeployment(deployment="report/nightly", partition="{event.payload.day}"))
    emit_event("order.shipped", ORDER, payload={"day": "2026-01-03"})
    server.look()
    assert [place.partition for place in server.known.deployments.queued(QueueFilter())] == ["2026-01-03"]


def test_what_fails_is_in_the_log_and_other_actions_are_done(server: Server, nightly: Any) -> None:
    on_order(RunDeployment(deployment="report/none"), RUN, RUN)
    emit_event("order.shipped", ORDER, payload={"boxes": 3})
    emit_event("order.shipped", ORDER, payload={"boxes": "many"})
    emit_event("order.shipped", ORDER, payload={})
    server.look()
    assert server.runs() == [{"x": 3, "day": "of order.shipped"}] * 2
    lines = server.log()
    assert [line.outcome for line in lines] == ["failed"] * 3
    errors = [[each.get("error", "") for each in json.loads(line.details)["actions"]] for line in lines]
    assert "report/none" in errors[0][0]
    assert errors[0][1:] == ["", ""]
    assert "boxes" in errors[2][1]


def test_another_deployments_end_starts_one(server: Server, nightly: Any) -> None:
    deployed.slow.deploy("first")
    ends = EventTrigger(expect="flow-run.completed", deployment="slow/first")
    Automation(name="next", trigger=ends, actions=[RunDeployment(deployment="report/nightly")]).apply()
    for name in ("slow/first", "report/nightly"):
        run = run_deployment(name, timeout=0)
        now = session.current().clock()
        server.known.commit([StateRecord(run.id, False, StateType.COMPLETED, "Completed", None, now)])
    server.look()
    assert server.outcomes("next") == ["ignored", "acts"] or server.outcomes("next") == ["acts", "ignored"]
    assert len(server.runs()) == 2


def test_a_run_that_an_automation_led_to_does_not_start_it_again(server: Server, nightly: Any) -> None:
    ends = EventTrigger(expect="flow-run.completed")
    for name in ("a", "b"):
        Automation(name=name, trigger=ends, actions=[RunDeployment(deployment="report/nightly")]).apply()
    run_deployment("report/nightly", timeout=0)
    ended: set[str] = set()
    for _ in range(6):
        now = session.current().clock()
        waiting = [each for each in server.known.flow_runs(RunFilter(of="report")) if each.id not in ended]
        ended |= {each.id for each in waiting}
        server.known.commit(
            [StateRecord(each.id, False, StateType.COMPLETED, "Completed", None, now) for each in waiting]
        )
        server.look()
    # One by hand; of it a and b each start one; of a's b does, and of b's a does; then each has been in the chain.
    assert len(server.runs()) == 5
    assert sorted(server.outcomes("a")) == ["acts", "acts", "loop", "loop", "loop"]


def test_a_run_below_one_that_an_automation_led_to_counts_as_well(server: Server, nightly: Any) -> None:
    ends = EventTrigger(expect="flow-run.failed")
    Automation(name="again", trigger=ends, actions=[RunDeployment(deployment="report/nightly")]).apply()
    outer = run_deployment("report/nightly", timeout=0, tags=["automation:again"])
    now = session.current().clock()
    below = "0192f0c1-8d4e-7a31-8f0e-5d0c9a7b6e21"
    server.known.commit(
        [
            FlowRunRecord(below, "below", "part", None, str(outer.id), None, "[]", "{}", now),
            StateRecord(below, False, StateType.FAILED, "Failed", "no", now),
        ]
    )
    server.look()
    assert server.outcomes("again") == ["loop"]


def test_it_pauses_and_resumes_deployments_pools_and_automations(server: Server, nightly: Any) -> None:
    on_order(Notify(), name="other")
    on_order(Pause(deployment="report/nightly"), Pause(work_pool="default"), Pause(automation="other"))
    emit_event("order.bad", ORDER)
    server.look()
    known = server.known
    other = known.room(Automations).named("other")
    assert other is not None
    assert all((known.deployments.all()[0].paused, known.deployments.pools()[0].paused, other.paused))
    on_order(Resume(deployment="report/nightly"), Resume(work_pool="default"), Resume(automation="other"))
    emit_event("order.good", ORDER)
    server.look()
    other = known.room(Automations).named("other")
    assert other is not None
    assert not any((known.deployments.all()[0].paused, known.deployments.pools()[0].paused, other.paused))


def test_it_cancels_the_run_of_the_event(server: Server, nightly: Any) -> None:
    on_order(CancelRun(run="{event.payload.run}"))
    run = run_deployment("report/nightly", timeout=0)
    for _ in range(2):  # the second time it has ended
        emit_event("order.cancelled", ORDER, payload={"run": str(run.id)})
        server.look()
    (now,) = server.known.flow_runs(RunFilter(ids=(str(run.id),)))
    assert (now.state_type, now.state_message) == (StateType.CANCELLED, "Cancelled by the automation orders.")
    assert server.outcomes() == ["acts", "acts"]


def test_it_notifies_by_an_event_that_webhooks_want(server: Server) -> None:
    on_order(Notify(subject="Order {event.resource.perdure.resource.id}", body="{event.payload.boxes} boxes"))
    emit_event("order.shipped", ORDER, payload={"boxes": 3})
    server.look()
    (event,) = server.known.services.events(EventFilter(kind="automation.orders"))
    said = json.loads(event.payload)["payload"]
    assert (said["subject"], said["body"], said["chain"]) == ("Order order.4711", "3 boxes", ["orders"])


def test_what_did_not_come_by_a_time_is_seen_once(server: Server) -> None:
    absent = AbsenceTrigger(expect="order.*", by="* * * * *")
    Automation(name="late", trigger=absent, actions=[Notify(subject="{event.payload.reason}")]).apply()
    for _ in range(4):
        server.clock.move(60)
        server.look()
        server.look()
    first, *others = server.outcomes("late")
    assert (first, set(others)) == ("waits", {"acts"})  # of the first minute, it saw a part only
    assert 2 <= len(others) <= 3
    assert len(server.known.services.events(EventFilter(kind="automation.late"))) == len(others)


def test_one_that_is_paused_sees_nothing_of_what_came_meanwhile(server: Server) -> None:
    made = on_order(Notify())
    made.pause()
    emit_event("order.shipped", ORDER)
    server.look()
    made.resume()
    server.look()
    assert server.outcomes() == []
    emit_event("order.shipped", ORDER)
    server.look()
    assert server.outcomes() == ["acts"]


def test_one_that_cannot_be_read_holds_up_no_other(server: Server) -> None:
    on_order(Notify())
    room = server.known.room(Automations)
    kept = room.named("orders")
    assert kept is not None
    room.put(kept._replace(id="0192f0c1-8d4e-7a31-8f0e-5d0c9a7b6e21", name="newer", definition='{"from": "later"}'))
    emit_event("order.shipped", ORDER)
    server.look()
    assert server.outcomes() == ["acts"]


def test_automations_are_made_read_and_deleted_by_code(home: Path) -> None:
    made = on_order(Notify(), debounce=3, description="of orders")
    assert Automation.read("orders") == made
    made.delete()
    with pytest.raises(AutomationError, match="There is no automation 'orders'"):
        made.pause()
    with pytest.raises(AutomationError, match="'Bad Name'.*name"):
        on_order(Notify(), name="Bad Name")


@pytest.mark.parametrize("payload", [{"chain": 1}, {"chain": [1, None]}, {"chain": {"a": 1}}, {"chain": "orders"}])
def test_a_payload_may_have_a_chain_of_its_own(server: Server, payload: dict[str, Any]) -> None:
    on_order(Notify())
    emit_event("order.shipped", ORDER, payload=payload)
    server.look()
    assert server.outcomes() == ["acts"]


@pytest.mark.slow
def test_each_event_is_acted_on_once_by_servers_that_are_killed(tmp_path: Path, home: Path) -> None:
    counted = story(lambda: EmbeddedOrchestrator(tmp_path / "perdure.db"), 60, seed=1)
    assert (counted.missing, counted.twice) == (0, 0)
    assert counted.failures > 0


@pytest.mark.slow
def test_each_event_is_acted_on_once_on_postgresql(postgresql: str, home: Path) -> None:
    with new_database(postgresql) as url:
        counted = story(lambda: EmbeddedOrchestrator(PostgreSQL(url)), 60, seed=2)
    assert (counted.missing, counted.twice) == (0, 0)
