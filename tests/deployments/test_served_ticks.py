"""Ticks of served deployments, while their programs are there and while they are down."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from perdure import session
from perdure._platform.clock import Micros, from_datetime
from perdure._platform.ids import new_id
from perdure._rooms.deployments.due_runs import make_due_runs, resume_schedules
from perdure._rooms.deployments.port import Deployment, QueueFilter, WorkerRecord
from perdure._rooms.deployments.serving import Serving
from perdure._rooms.events.port import EventFilter
from perdure.schedules import Interval
from tests.deployments import deployed

POOL = "serve:report/often"
LEASE = 30.0
START = from_datetime(datetime(2030, 1, 1, tzinfo=UTC))
_MINUTE: Micros = 60_000_000


class Clock:
    """Time by a clock that is never set."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def known():
    return session.current().orchestrator


def served(known, **schedule: object) -> Deployment:
    """A deployment that a program serves, each minute; it was seen up to the start."""
    of = deployed.report.deploy("often", work_pool=POOL, schedules=[Interval(60, slug="minutely", **schedule)])
    resume_schedules(known.deployments.schedules(of.id), START, known)
    return of


def worker(seen: Micros, pool: str = POOL, id: str = "") -> WorkerRecord:
    return WorkerRecord(id or new_id(), "w", pool, "process", "0", "host", 1, None, 0, seen, seen)


def made(known) -> Sequence[int]:
    """The minutes after the start of the ticks whose runs were made."""
    return sorted((place.tick - START) // _MINUTE for place in known.deployments.queued(QueueFilter()))


def test_a_program_that_is_down_gets_no_runs_whoever_else_is_up(known, clock):
    of = served(known)
    for minute in range(1, 200):
        make_due_runs(START + minute * _MINUTE, known, Serving(LEASE, own=["default"], monotonic=clock))
    assert made(known) == []
    make_due_runs(START + 200 * _MINUTE + _MINUTE // 2, known, Serving(LEASE, own=[of.work_pool], monotonic=clock))
    assert made(known) == [200]


@pytest.mark.parametrize(
    ("catchup", "runs"),
    [("latest", [200]), ("none", [200]), ("all", [*range(191, 201)])],
)
def test_the_catch_up_policy_says_what_is_made_when_the_program_is_back(known, clock, catchup, runs):
    served(known, catchup=catchup, catchup_window=timedelta(minutes=10))
    serving = Serving(LEASE, monotonic=clock)
    for minute in range(1, 200):
        clock.now += 60
        make_due_runs(START + minute * _MINUTE, known, serving)
    back = START + 200 * _MINUTE + _MINUTE // 2
    known.deployments.beat(worker(back))
    clock.now += 60
    make_due_runs(back, known, serving)
    assert made(known) == runs
    (missed,) = known.services.events(EventFilter(kind="schedule.missed"))
    assert json.loads(missed.payload)["ticks"] == 200 - len(runs)


def test_a_tick_of_a_program_that_is_down_is_an_event_once_each_time_it_is_down(known, clock):
    of = served(known)
    serving = Serving(LEASE, monotonic=clock)

    def look(minutes: range) -> int:
        for minute in minutes:
            clock.now += 60
            make_due_runs(START + minute * _MINUTE, known, serving)
        return len(known.services.events(EventFilter(kind="schedule.unserved")))

    assert look(range(1, 9)) == 1
    record = worker(START + 9 * _MINUTE)
    known.deployments.beat(record)
    assert look(range(9, 11)) == 1
    known.deployments.forget_worker(record.id)
    assert look(range(11, 20)) == 2
    (event, _) = known.services.events(EventFilter(kind="schedule.unserved"))
    assert json.loads(event.payload) == {
        "schedule": "report/often/minutely",
        "deployment": "report/often",
        "work_pool": of.work_pool,
    }


def test_runs_of_a_work_pool_are_made_though_no_worker_is_there(known, clock):
    of = deployed.report.deploy("often", work_pool="batch", schedules=[Interval(60, slug="minutely")])
    resume_schedules(known.deployments.schedules(of.id), START, known)
    make_due_runs(START + _MINUTE, known, Serving(LEASE, monotonic=clock))
    assert made(known) == [1]


def pools(known, serving: Serving, clock: Clock, now: Micros, after: float = 2.0) -> Sequence[str]:
    """The pools whose programs are there, so many seconds later."""
    clock.now += after
    return serving.pools(known.deployments, now)


def test_a_program_is_there_while_its_heartbeat_changes_whatever_its_clock_says(known, clock):
    serving, id = Serving(LEASE, monotonic=clock), new_id()
    for beat in range(5):
        known.deployments.beat(worker(START - 3_600_000_000 + beat, id=id))  # an hour behind
        assert pools(known, serving, clock, START) == ([] if beat == 0 else [POOL])
    assert pools(known, serving, clock, START, LEASE - 3) == [POOL]
    assert pools(known, serving, clock, START, 4) == []


def test_a_program_that_was_killed_is_gone_after_a_lease_for_who_sees_it_first_then(known, clock):
    known.deployments.beat(worker(START))
    later = START + int((LEASE - 5) * 1_000_000)
    serving = Serving(LEASE, monotonic=clock)
    assert pools(known, serving, clock, later) == [POOL]
    assert pools(known, serving, clock, later + 6_000_000, 6) == []
    assert pools(known, Serving(LEASE, monotonic=clock), clock, later + 6_000_000) == []


def test_workers_of_work_pools_serve_nothing(known, clock):
    known.deployments.beat(worker(START, "batch"))
    serving = Serving(LEASE, own=["batch", POOL], monotonic=clock)
    assert pools(known, serving, clock, START) == [POOL]
