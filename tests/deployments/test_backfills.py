from datetime import UTC, datetime

import pytest

from perdure import session
from perdure._platform.clock import from_datetime
from perdure._platform.ids import new_id
from perdure._rooms.deployments.backfills import (
    backfill_named,
    backfills,
    cancel_backfill,
    pause_backfill,
    planned,
    start_backfill,
    states_of_partitions,
)
from perdure._rooms.deployments.due_runs import make_due_runs, resume_schedules
from perdure._rooms.deployments.port import QueueFilter, WorkerRecord
from perdure.deployments import run_deployment
from perdure.errors import DeploymentError, DeploymentMissing
from perdure.partitions import InvalidPartition, daily
from perdure.records import RunFilter, StateRecord
from perdure.states import StateType
from tests.deployments import deployed

NOW = from_datetime(datetime(2026, 5, 11, 9, tzinfo=UTC))  # ten days are over


@pytest.fixture
def known():
    return session.current().orchestrator


@pytest.fixture
def of():
    return deployed.report.deploy("nightly", partitions=daily("2026-05-01"), parameters={"day": "{partition}"})


def keys(of, known, first=None, last=None, order="oldest", reprocess="none") -> list[str]:
    return [each.key[-2:] for each in planned(of, first, last, order, reprocess, NOW, known)]


def end(known, run_id: str, kind: StateType) -> None:
    known.commit([StateRecord(run_id, False, kind, kind.capitalize(), None, NOW)])


def claimed(known, most: int = 100) -> list[str]:
    worker = WorkerRecord(new_id(), "w", "default", "process", "0", "here", 1, None, 0, NOW, NOW)
    taken = known.deployments.claim(worker, most, NOW + 1_000_000, NOW + 2_000_000)
    return [each.partition[-2:] for each in taken]


def test_the_partitions_of_a_range_are_planned_in_order(of, known):
    assert keys(of, known, "2026-05-03", "2026-05-05") == ["03", "04", "05"]
    assert keys(of, known, "2026-05-08", order="newest") == ["10", "09", "08"]


def test_a_partition_that_has_a_run_is_no_hole_whoever_made_it(of, known):
    run_deployment("nightly", partition="2026-05-04", timeout=0)
    assert "04" not in keys(of, known)
    assert "04" in keys(of, known, reprocess="all")


def test_what_a_schedule_made_is_no_hole(of, known):
    of = deployed.report.deploy("nightly", cron="0 6 * * *", partitions=daily("2026-05-01"))
    resume_schedules(known.deployments.schedules(of.id), from_datetime(datetime(2030, 1, 1, tzinfo=UTC)), known)
    make_due_runs(from_datetime(datetime(2030, 1, 1, 6, tzinfo=UTC)), known)
    later = from_datetime(datetime(2030, 1, 2, tzinfo=UTC))
    left = planned(of, "2029-12-30", None, "oldest", "none", later, known)
    assert [each.key for each in left] == ["2029-12-30", "2030-01-01"]


def test_failed_ones_are_run_again_if_that_is_asked_for(of, known):
    failed = run_deployment("nightly", partition="2026-05-04", timeout=0)
    ended = run_deployment("nightly", partition="2026-05-05", timeout=0)
    end(known, failed.id, StateType.FAILED)
    end(known, ended.id, StateType.COMPLETED)
    assert keys(of, known, "2026-05-04", "2026-05-05") == []
    assert keys(of, known, "2026-05-04", "2026-05-05", reprocess="failed") == ["04"]
    assert keys(of, known, "2026-05-04", "2026-05-05", reprocess="all") == ["04", "05"]


def test_a_cancelled_run_leaves_a_hole(of, known):
    run = run_deployment("nightly", partition="2026-05-04", timeout=0)
    end(known, run.id, StateType.CANCELLED)
    assert "04" in keys(of, known)


def test_no_more_runs_than_asked_for_run_at_once_in_order(of, known):
    start_backfill(of, planned(of, None, None, "newest", "none", NOW, known), NOW, known, max_active=2)
    assert claimed(known) == ["10", "09"]
    assert claimed(known) == []
    end(known, known.deployments.queued(QueueFilter(phases=("claimed",)))[0].flow_run_id, StateType.COMPLETED)
    assert claimed(known) == ["08"]


def test_its_runs_wait_behind_those_of_schedules(of, known):
    start_backfill(of, planned(of, None, "2026-05-03", "oldest", "none", NOW, known), NOW, known)
    run = run_deployment("nightly", partition="2026-05-09", timeout=0)
    known.deployments.queued(QueueFilter(flow_run_ids=(run.id,)))
    worker = WorkerRecord(new_id(), "w", "default", "process", "0", "here", 1, None, 0, NOW, NOW)
    later = session.current().clock() + 1_000_000
    assert [each.partition for each in known.deployments.claim(worker, 1, later, later)] == ["2026-05-09"]


def test_a_second_backfill_of_the_range_has_nothing_to_fill(of, known):
    start_backfill(of, planned(of, None, None, "oldest", "none", NOW, known), NOW, known)
    with pytest.raises(DeploymentError, match="nothing to fill"):
        start_backfill(of, planned(of, None, None, "oldest", "none", NOW, known), NOW, known)


def test_a_backfill_says_how_far_it_is(of, known):
    id = start_backfill(of, planned(of, None, "2026-05-04", "oldest", "none", NOW, known), NOW, known, max_active=3)
    claimed(known, 2)
    for place in known.deployments.queued(QueueFilter(phases=("claimed",))):
        end(known, place.flow_run_id, StateType.COMPLETED)
    (each,) = backfills(known)
    assert (each.id, each.first, each.last, each.max_active) == (id, "2026-05-01", "2026-05-04", 3)
    assert (each.done, each.total) == (2, 4)


def test_a_paused_backfill_begins_nothing_until_it_is_resumed(of, known):
    id = start_backfill(of, planned(of, None, "2026-05-02", "oldest", "none", NOW, known), NOW, known)
    pause_backfill(backfill_named(id, known), NOW, known)
    assert claimed(known) == []
    pause_backfill(backfill_named(id[:30], known), None, known)
    assert claimed(known) == ["01", "02"]


def test_a_cancelled_backfill_leaves_what_runs_alone_and_its_partitions_are_holes_again(of, known):
    id = start_backfill(of, planned(of, None, "2026-05-03", "oldest", "none", NOW, known), NOW, known, max_active=1)
    claimed(known)
    assert cancel_backfill(backfill_named(id, known), NOW, known) == 2
    assert keys(of, known, None, "2026-05-03") == ["02", "03"]
    assert len(known.flow_runs(RunFilter(states=(StateType.SCHEDULED,)))) == 1


def test_the_newest_run_of_a_partition_says_how_it_is(of, known):
    first = run_deployment("nightly", partition="2026-05-04", timeout=0)
    end(known, first.id, StateType.FAILED)
    second = run_deployment("nightly", partition="2026-05-04", timeout=0)
    assert states_of_partitions(of, known)["2026-05-04"].flow_run_id == second.id


def test_what_has_no_partitions_or_no_such_one_is_refused(of, known):
    with pytest.raises(InvalidPartition, match="2026-13-01"):
        planned(of, "2026-13-01", None, "oldest", "none", NOW, known)
    plain = deployed.slow.deploy("plain")
    with pytest.raises(DeploymentError, match="no partitions"):
        planned(plain, None, None, "oldest", "none", NOW, known)
    with pytest.raises(DeploymentMissing):
        backfill_named("0", known)


@pytest.mark.slow
def test_ten_thousand_partitions_are_planned_and_counted(known):
    of = deployed.report.deploy("long", partitions=daily("1998-12-01"))
    wanted = planned(of, None, None, "oldest", "none", NOW, known)
    assert len(wanted) > 10_000
    start_backfill(of, wanted, NOW, known, max_active=1)
    (each,) = backfills(known)
    assert each.total == len(wanted) == len(states_of_partitions(of, known))
