"""Deployments of the flows of tests.ui.flows, and runs of theirs: what the pages on them have to show."""

import contextlib
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from perdure import session, settings
from perdure._model.records import StateRecord
from perdure._model.state_types import StateType
from perdure._platform.clock import system_clock
from perdure._platform.ids import new_id
from perdure._platform.version import VERSION
from perdure._rooms.deployments.backfills import planned, start_backfill
from perdure._rooms.deployments.due_runs import make_due_runs
from perdure._rooms.deployments.port import QueuedRun, QueueFilter, WorkerRecord, WorkPool, WorkQueue
from perdure._server.services.automations import AutomationService
from perdure._server.services.runtime import ServiceRuntime
from perdure.automations import (
    AbsenceTrigger,
    Automation,
    EventTrigger,
    FileTrigger,
    Notify,
    Pause,
    RateLimit,
    RunDeployment,
)
from perdure.deployments import run_deployment
from perdure.events import emit_event
from perdure.partitions import daily, static
from perdure.schedules import Cron, Interval
from tests.ui import flows

_TICKS = (0, 3, 3.5, 4, 5, 7.25, 8, 12, 16, 20)  # hours of a day, UTC, at which schedules below tick
_LEASE = 60_000_000  # µs
_POOLS = ("batch", "reports")


def deploy() -> None:
    """Deployments with schedules of each kind, with and without partitions; paused ones; one that is run by hand."""
    known, now = session.current().orchestrator.deployments, system_clock()
    for name, limit in (("batch", 8), ("reports", None), ("field", 2)):
        known.put_pool(WorkPool(name, "process", limit, None, "{}", now))
    known.put_queue(WorkQueue("batch", "orders-api", 4, None))
    known.put_queue(WorkQueue("batch", "training", 2, None))
    known.put_queue(WorkQueue("batch", "archive", None, now))
    today = datetime.fromtimestamp(now / 1_000_000)
    flows.sales_report.deploy(
        "north-daily",
        work_pool="reports",
        cron="0 6 * * *",
        timezone="Europe/Oslo",
        parameters={"region": "north", "day": "{partition}"},
        partitions=daily(f"{today - timedelta(days=30):%Y-%m-%d}", timezone="Europe/Oslo"),
        tags=["production", "sales"],
    )
    flows.sales_report.deploy(
        "regions",
        work_pool="reports",
        interval=timedelta(hours=12),
        parameters={"region": "{partition}", "day": f"{today:%Y-%m-%d}"},
        partitions=static("north", "south", "east", "west"),
    )
    flows.ingest_orders.deploy(
        "shop",
        work_pool="batch",
        work_queue="orders-api",
        overlap="skip",
        schedules=[
            Interval(timedelta(hours=4), slug="often"),
            Cron("30 22 * * 5", slug="weekly-in-full", timezone="Europe/Oslo", parameters={"pages": 12}),
        ],
        parameters={"pages": 4},
    )
    flows.train_model.deploy(
        "retrain",
        work_pool="batch",
        work_queue="training",
        priority=200,
        schedules=[
            Cron("0 3 * * *", slug="churn", parameters={"model": "churn"}),
            Cron("30 3 * * *", slug="credit-risk", parameters={"model": "credit-risk", "rate": 40.0}),
            Cron("0 5 1 * *", slug="monthly", parameters={"model": "demand", "epochs": 20}, paused=True),
        ],
        parameters={"model": "churn", "epochs": 4},
    )
    flows.back_up_database.deploy("minutely", work_pool="batch", cron="*/5 * * * *", paused=True)
    flows.sensor_calibration.deploy("stations", work_pool="field", parameters={"station": "alp"}, cron="15 7 * * 1-5")
    flows.publish_release.deploy("release", work_pool="batch", description="Started by whoever is on duty.")


def tick_times(since: float, until: float) -> Iterator[float]:
    """When schedules tick, in seconds since 1970."""
    first = int(since // 86_400)
    for day in range(first, int(until // 86_400) + 1):
        yield from (time for hour in _TICKS if since < (time := day * 86_400 + hour * 3_600) < until)


def run_due(chance: random.Random) -> None:
    """Make the runs of all ticks that are due, and run them here, one after the other."""
    known = session.current().orchestrator
    make_due_runs(system_clock(), known)
    if chance.random() < 0.3:  # by hand, while another one is due: one of the two is skipped
        works_at = chance.choice([1, 5])
        run_deployment("ingest-orders/shop", {"works_at": works_at}, timeout=0)
    for worker in map(_worker, _POOLS):
        for place in known.deployments.claim(worker, 100, system_clock(), system_clock() + _LEASE):
            _run(place)


def _run(place: QueuedRun) -> None:
    known = session.current().orchestrator.deployments
    of = known.one(place.deployment_id)
    assert of is not None
    flow: Any = getattr(flows, of.flow_name.replace("-", "_"))
    with contextlib.suppress(Exception):
        flow.resume(place.flow_run_id, return_state=True)
    known.let_go(place.flow_run_id, place.worker_id or "", None)


def _worker(pool: str) -> WorkerRecord:
    now = system_clock()
    return WorkerRecord(new_id(), f"{pool}-1", pool, "process", VERSION, "runner-7", 4_711, 4, 0, now, now)


def automate() -> None:
    """Automations of each kind, with what they made of some events; and a backfill of which a part is done."""
    failures = EventTrigger(expect=["flow-run.failed", "flow-run.crashed"], match={"run.tags": "production"})
    shipped = EventTrigger(expect="order.shipped", match={"payload.works_at": ["1", "5"]})
    late = AbsenceTrigger(
        expect="flow-run.completed", deployment="sales-report/north-daily", by="0 7 * * *", timezone="Europe/Oslo"
    )
    orders = RunDeployment(deployment="ingest-orders/shop", parameters={"works_at": "{event.payload.works_at}"})
    broken = RunDeployment(deployment="ingest-orders/shop", parameters={"pages": "{event.payload.none}"})
    for name, trigger, actions in (
        ("failures", failures, [Notify(subject="{event.run.name} failed")]),
        ("orders-shipped", shipped, [orders, Notify(subject="Works at {event.payload.works_at}")]),
        ("report-is-late", late, [Notify(subject="The report is late"), Pause(work_pool="field")]),
        ("new-readings", FileTrigger(storage="/data/incoming", pattern="*.csv"), [broken]),
        ("without-a-field", EventTrigger(expect="order.*"), [broken]),
    ):
        limit = RateLimit(count=2, seconds=60) if name == "without-a-field" else None
        Automation(name=name, trigger=trigger, actions=actions, rate_limit=limit).apply()
    Automation.read("new-readings").pause()
    for works_at in (1, 2, 5, 3):
        emit_event("order.shipped", {"perdure.resource.id": f"order.{works_at}"}, payload={"works_at": works_at})
    runtime = ServiceRuntime(session.current().orchestrator, settings.current())
    while not AutomationService()(runtime, None).is_done:
        pass
    known, now = session.current().orchestrator, system_clock()
    of = flows.sales_report.deploy(
        "history",
        work_pool="reports",
        parameters={"region": "north", "day": "{partition}"},
        partitions=daily(f"{datetime.fromtimestamp(now / 1_000_000) - timedelta(days=400):%Y-%m-%d}"),
    )
    start_backfill(of, planned(of, None, None, "oldest", "none", now, known), now, known, max_active=4)
    worker = _worker("reports")
    for number, place in enumerate(known.deployments.claim(worker, 4, now + 1_000, now + _LEASE)):
        _run(place) if number < 3 else None
    ended = [each.flow_run_id for each in known.deployments.queued(QueueFilter(deployment_id=of.id))[::-1][4:240]]
    kinds = [StateType.FAILED if number % 37 == 5 else StateType.COMPLETED for number in range(len(ended))]
    pairs = zip(ended, kinds, strict=True)
    known.commit([StateRecord(id, False, kind, kind.capitalize(), None, now + 1) for id, kind in pairs])


def leave_traces() -> None:
    """What is there beside runs: workers of which one has gone, runs that wait, automations, and a backfill."""
    automate()
    known = session.current().orchestrator.deployments
    for pool in _POOLS:
        known.beat(_worker(pool))
    gone = _worker("field")
    known.beat(gone._replace(name="field-2", host="alp-gateway", seen=gone.seen - 86_400_000_000, running=1))
    run_deployment("sensor-calibration/stations", {"station": "rhine"}, timeout=0)
    run_deployment("publish-release/release", {"version": "2.0.0"}, timeout=0)
