"""Ticks that come faster than runs end: what waits is bounded, and nothing of it is lost in silence."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from perdure import session
from perdure._platform.clock import Micros, from_datetime
from perdure._platform.ids import new_id
from perdure._rooms.deployments.due_runs import make_due_runs, resume_schedules
from perdure._rooms.deployments.port import Deployment, QueueFilter, WorkerRecord
from perdure._rooms.events.port import EventFilter
from perdure.deployments import run_deployment
from perdure.partitions import static
from perdure.schedules import Interval
from tests.deployments import deployed

START = from_datetime(datetime(2030, 1, 1, tzinfo=UTC))
_MINUTE: Micros = 60_000_000
DAY = timedelta(days=1)


@pytest.fixture
def known():
    return session.current().orchestrator


def each_minute(known, **options: object) -> Deployment:
    schedules = options.pop("schedules", None) or [Interval(60, slug="minutely", **options)]
    of = deployed.report.deploy("often", work_pool="batch", schedules=schedules)
    resume_schedules(known.deployments.schedules(of.id), START, known)
    return of


def look(known, minutes: Sequence[int], most: int = 3) -> None:
    for minute in minutes:
        make_due_runs(START + minute * _MINUTE, known, most_waiting=most)


def made(known) -> list[int]:
    """The minutes after the start of the ticks whose runs were made."""
    return sorted((each.tick - START) // _MINUTE for each in known.deployments.queued(QueueFilter()) if each.tick)


def end_first(known, now: int, runs: int = 1) -> None:
    """Have a worker take the first ones that wait, and end them."""
    at = START + now * _MINUTE
    worker = WorkerRecord(new_id(), "w", "batch", "process", "0", "host", 1, None, 0, at, at)
    for run in known.deployments.claim(worker, runs, at, at + _MINUTE):
        assert known.deployments.let_go(run.flow_run_id, worker.id, None)


def payloads(known, kind: str) -> list[dict[str, object]]:
    return [json.loads(event.payload) for event in known.services.events(EventFilter(kind=kind))]


def test_no_more_ticks_make_runs_than_may_wait_and_that_is_one_event(known):
    each_minute(known)
    look(known, range(1, 50))
    assert made(known) == [1, 2, 3]
    (event,) = payloads(known, "schedule.held")
    assert (event["schedule"], event["waiting"]) == ("report/often/minutely", 3)


@pytest.mark.parametrize(("catchup", "caught_up", "missed"), [("all", 4, []), ("latest", 49, [45]), ("none", 49, [45])])
def test_once_there_is_room_the_policy_says_what_is_made_up_for_and_the_rest_is_counted(
    known, catchup: str, caught_up: int, missed: list[int]
):
    each_minute(known, catchup=catchup, catchup_window=DAY)
    look(known, range(1, 50))
    end_first(known, 50)
    look(known, [50])
    assert made(known) == [1, 2, 3, caught_up]
    assert [event["ticks"] for event in payloads(known, "schedule.missed")] == missed


def test_with_all_made_up_for_no_tick_is_lost_and_none_is_made_twice(known):
    each_minute(known, catchup="all", catchup_window=DAY)
    for minute in range(1, 120):
        look(known, [minute])
        if minute % 2 or minute > 40:  # at first the ticks come twice as fast as the runs end
            end_first(known, minute, runs=2 if minute > 40 else 1)
    assert made(known) == list(range(1, 120))
    assert payloads(known, "schedule.held")


def test_of_many_ticks_in_one_look_as_many_make_runs_as_may_wait(known):
    each_minute(known, catchup="all", catchup_window=DAY)
    look(known, [200])
    assert made(known) == [1, 2, 3]


def test_schedules_of_one_deployment_share_what_may_wait(known):
    each_minute(known, schedules=[Interval(60, slug=slug) for slug in ("a", "b")])
    look(known, range(1, 10))
    assert len(made(known)) == 3


def test_runs_that_somebody_asks_for_are_made_however_many_wait_and_do_not_count(known):
    each_minute(known)
    for _ in range(4):
        run_deployment("often", timeout=0)
    look(known, range(1, 10))
    run_deployment("often", timeout=0)
    assert made(known) == [1, 2, 3]
    assert len(known.deployments.queued(QueueFilter())) == 8


def test_a_tick_makes_the_runs_of_all_of_its_partitions_though_they_are_more(known):
    of = deployed.report.deploy("often", work_pool="batch", schedule=Interval(60), partitions=static(*"abcde"))
    resume_schedules(known.deployments.schedules(of.id), START, known)
    look(known, range(1, 10))
    assert made(known) == [1] * 5


def test_ticks_that_wait_hold_up_no_other_deployment(known, monkeypatch):
    monkeypatch.setattr("perdure._rooms.deployments.due_runs._AT_ONCE", 1)  # schedules in one look
    each_minute(known)
    look(known, range(1, 10))
    other = deployed.ordered.deploy("daily", work_pool="batch", schedule=Interval(600, parameters={"when": "now"}))
    resume_schedules(known.deployments.schedules(other.id), START, known)
    look(known, [10, 10])
    assert [each.deployment_id for each in known.deployments.queued(QueueFilter())].count(other.id) == 1


def test_without_a_limit_as_many_wait_as_come(known):
    each_minute(known)
    look(known, range(1, 10), most=0)
    assert made(known) == list(range(1, 10))
