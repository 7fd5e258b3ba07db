"""What every orchestrator must do with deployments and queues: subclass it and give it a fixture `orchestrator`."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from perdure._model.records import StateRecord, WaitRecord
from perdure._model.state_types import StateType
from perdure._rooms.deployments.port import (
    SKIPPED,
    Deployment,
    PartitionRun,
    QueueCount,
    QueueFilter,
    ScheduleRecord,
    WaitingRuns,
    WorkQueue,
)
from perdure._rooms.runs.records import RunFilter
from perdure._store.protocol import Orchestrator
from perdure.testing._places_conformance import LEASE, NOW, POOL, PlacesConformance, deployment, version_of, worker

__all__ = ["DeploymentsConformance"]

_PARTITIONS = ((2, "c"), (1, "a"), (3, "b"))  # when they are due, and which


class DeploymentsConformance(PlacesConformance):
    """A suite for pytest."""

    def test_a_deployment_is_kept_by_the_names_of_its_flow_and_its_own(self, orchestrator: Orchestrator) -> None:
        kept = self._deployed(orchestrator)
        assert kept.version == 1
        assert orchestrator.deployments.named("nightly", "prod") == kept
        assert orchestrator.deployments.one(kept.id) == kept
        assert orchestrator.deployments.named("nightly", "other") is None

    def test_another_definition_is_the_next_version_and_the_same_one_is_none(self, orchestrator: Orchestrator) -> None:
        first = self._deployed(orchestrator)
        other = deployment(definition='{"a": 1}')
        second = orchestrator.deployments.put(other, version_of(other, '{"a": 1}'))
        again = orchestrator.deployments.put(other, version_of(other, '{"a": 1}'))
        assert (second.id, second.version, again.version) == (first.id, 2, 2)
        assert [each.number for each in orchestrator.deployments.versions(first.id)] == [2, 1]

    def test_a_pause_survives_a_deploy(self, orchestrator: Orchestrator) -> None:
        kept = self._deployed(orchestrator)
        assert orchestrator.deployments.pause(kept.id, NOW)
        other = deployment(priority=5)
        assert orchestrator.deployments.put(other, version_of(other)).paused == NOW
        assert orchestrator.deployments.pause(kept.id, None)
        found = orchestrator.deployments.one(kept.id)
        assert found is not None
        assert (found.paused, found.priority) == (None, 5)

    def test_deployments_are_sorted_by_flow_and_name(self, orchestrator: Orchestrator) -> None:
        for flow, name in (("b", "x"), ("a", "z"), ("a", "y")):
            self._deployed(orchestrator, flow_name=flow, name=name)
        assert [(d.flow_name, d.name) for d in orchestrator.deployments.all()] == [("a", "y"), ("a", "z"), ("b", "x")]
        assert [d.name for d in orchestrator.deployments.all("a")] == ["y", "z"]

    def test_a_deleted_deployment_takes_its_schedules_and_waiting_runs_along(self, orchestrator: Orchestrator) -> None:
        kept = self._deployed(orchestrator)
        self._schedule(orchestrator, kept)
        run = self._run(orchestrator, kept)
        assert run is not None
        assert orchestrator.deployments.delete(kept.id, NOW) == [run.flow_run_id]
        assert orchestrator.deployments.delete(kept.id, NOW) is None
        assert not orchestrator.deployments.schedules()
        assert not orchestrator.deployments.queued(QueueFilter())
        assert orchestrator.flow_runs(RunFilter(ids=(run.flow_run_id,)))[0].state_type is StateType.CANCELLED

    def test_a_run_that_is_made_while_its_deployment_is_deleted_is_cancelled_by_who_claims(
        self, orchestrator: Orchestrator
    ) -> None:
        kept, other = self._deployed(orchestrator), self._deployed(orchestrator, name="other")
        assert orchestrator.deployments.delete(kept.id, NOW) == []
        late, run = self._run(orchestrator, kept, due=NOW - 1), self._run(orchestrator, other)
        assert late is not None
        assert run is not None
        assert self._claimed(orchestrator) == [run.flow_run_id]
        (after,) = orchestrator.flow_runs(RunFilter(ids=(late.flow_run_id,)))
        assert (after.state_type, after.state_message) == (StateType.CANCELLED, "Its deployment was deleted.")
        (place,) = orchestrator.deployments.queued(QueueFilter(flow_run_ids=(late.flow_run_id,)))
        assert place.phase == "ended"

    def test_a_run_that_a_worker_has_is_left_alone_when_its_deployment_is_deleted(
        self, orchestrator: Orchestrator
    ) -> None:
        kept = self._deployed(orchestrator)
        run = self._run(orchestrator, kept)
        assert run is not None
        assert self._claimed(orchestrator) == [run.flow_run_id]
        assert orchestrator.deployments.delete(kept.id, NOW) == []
        assert orchestrator.flow_runs(RunFilter(ids=(run.flow_run_id,)))[0].state_type is StateType.SCHEDULED

    def _schedule(self, orchestrator: Orchestrator, of: Deployment, **fields: Any) -> ScheduleRecord:
        made = ScheduleRecord(of.id, "daily", "{}", NOW, NOW + 100, None, NOW)._replace(**fields)
        orchestrator.deployments.put_schedules([made], of.id)
        return made

    def test_a_schedule_is_due_at_its_time_unless_it_is_paused(self, orchestrator: Orchestrator) -> None:
        kept = self._deployed(orchestrator)
        made = self._schedule(orchestrator, kept)
        assert orchestrator.deployments.due_schedules(NOW + 99, 10) == []
        assert list(orchestrator.deployments.due_schedules(NOW + 100, 10)) == [made]
        assert orchestrator.deployments.pause_schedule(kept.id, "daily", NOW)
        assert orchestrator.deployments.due_schedules(NOW + 100, 10) == []
        orchestrator.deployments.pause_schedule(kept.id, "daily", None)
        orchestrator.deployments.pause(kept.id, NOW)
        assert orchestrator.deployments.due_schedules(NOW + 100, 10) == []

    def test_of_served_deployments_those_are_due_whose_programs_are_there(self, orchestrator: Orchestrator) -> None:
        made = {
            pool: self._schedule(orchestrator, self._deployed(orchestrator, name=name, work_pool=pool))
            for name, pool in (("a", "default"), ("b", "serve:nightly/b"), ("c", "serve:nightly/c"))
        }

        def due(served: Sequence[str] | None) -> set[str]:
            found = orchestrator.deployments.due_schedules(NOW + 100, 10, served)
            return {pool for pool, record in made.items() if record in found}

        assert due(None) == set(made)
        assert due(()) == {"default"}
        assert due(["serve:nightly/c", "default"]) == {"default", "serve:nightly/c"}

    def test_a_schedule_that_is_put_again_stays_as_far_seen_as_it_was(self, orchestrator: Orchestrator) -> None:
        kept = self._deployed(orchestrator)
        made = self._schedule(orchestrator, kept)
        orchestrator.deployments.note_seen([made._replace(seen=NOW + 500, due=NOW + 900)])
        self._schedule(orchestrator, kept, seen=NOW + 1, due=NOW + 2)
        assert list(orchestrator.deployments.schedules(kept.id)) == [made._replace(seen=NOW + 500, due=NOW + 900)]
        orchestrator.deployments.put_schedules([], kept.id)
        assert not orchestrator.deployments.schedules(kept.id)

    def test_what_has_been_seen_of_a_schedule_never_goes_back(self, orchestrator: Orchestrator) -> None:
        kept = self._deployed(orchestrator)
        made = self._schedule(orchestrator, kept)
        orchestrator.deployments.note_seen([made._replace(seen=NOW + 500, due=NOW + 900)])
        orchestrator.deployments.note_seen([made._replace(seen=NOW + 400, due=NOW + 450)])
        assert orchestrator.deployments.schedules()[0].seen == NOW + 500

    def test_of_runs_with_one_key_the_first_is_made(self, orchestrator: Orchestrator) -> None:
        kept = self._deployed(orchestrator)
        first = self._run(orchestrator, kept, "tick:1")
        assert first is not None
        assert self._run(orchestrator, kept, "tick:1") is None
        assert self._run(orchestrator, kept, "tick:2") is not None
        assert len(orchestrator.flow_runs(RunFilter())) == 2

    def test_of_many_that_make_a_run_with_one_key_at_once_one_does(self, orchestrator: Orchestrator) -> None:
        kept = self._deployed(orchestrator)
        with ThreadPoolExecutor(4) as pool:
            made = list(pool.map(lambda _: self._run(orchestrator, kept, "tick:1"), range(8)))
        assert sum(each is not None for each in made) == 1

    def test_a_deployment_of_an_earlier_version_is_renamed_and_its_keys_hold(self, orchestrator: Orchestrator) -> None:
        before = self._deployed(orchestrator, flow_name="my_flow")
        first, made = self._run(orchestrator, before, "k"), deployment(flow_name="my-flow")
        after = orchestrator.deployments.put(made, version_of(made), "my_flow")
        assert after == before._replace(flow_name="my-flow")
        assert all(orchestrator.deployments.named(each, "prod") == after for each in ("my_flow", "my-flow"))
        assert self._run(orchestrator, after, "k") is None
        assert first is not None
        assert orchestrator.deployments.run_of_key(after.id, "k") == first.flow_run_id
        assert orchestrator.deployments.run_of_key(after.id, "other") is None

    def test_of_many_that_deploy_and_run_one_by_both_names_at_once_there_is_one(
        self, orchestrator: Orchestrator
    ) -> None:
        self._deployed(orchestrator, flow_name="my_flow")

        def run(place: int) -> bool:
            name = "my_flow" if place % 2 else "my-flow"
            made = deployment(flow_name=name)
            of = orchestrator.deployments.put(made, version_of(made), None if place % 2 else "my_flow")
            return self._run(orchestrator, of, f"tick:{name}/prod/slug/1") is not None

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(run, range(8))) == 1
        assert len(orchestrator.deployments.all()) == 1

    def test_runs_are_claimed_once_when_they_are_due(self, orchestrator: Orchestrator) -> None:
        kept = self._deployed(orchestrator)
        run = self._run(orchestrator, kept, due=NOW + 5)
        assert run is not None
        assert self._claimed(orchestrator) == []
        assert self._claimed(orchestrator, now=NOW + 5) == [run.flow_run_id]
        assert self._claimed(orchestrator, now=NOW + 5) == []

    def test_of_many_workers_one_has_each_run(self, orchestrator: Orchestrator) -> None:
        kept = self._deployed(orchestrator)
        runs = [self._run(orchestrator, kept) for _ in range(12)]
        with ThreadPoolExecutor(4) as pool:
            taken = [id for ids in pool.map(lambda _: self._claimed(orchestrator, 2), range(12)) for id in ids]
        assert sorted(taken) == sorted(run.flow_run_id for run in runs if run is not None)

    def test_runs_are_claimed_by_priority_and_then_by_time(self, orchestrator: Orchestrator) -> None:
        kept = self._deployed(orchestrator)
        made = [
            self._run(orchestrator, kept, priority=priority, due=due)
            for priority, due in ((100, NOW), (100, NOW - 5), (1, NOW), (200, NOW - 9))
        ]
        late, early, urgent, last = (run.flow_run_id for run in made if run is not None)
        assert self._claimed(orchestrator) == [urgent, early, late, last]

    def test_no_more_runs_of_a_deployment_run_than_its_limit(self, orchestrator: Orchestrator) -> None:
        kept = self._deployed(orchestrator, concurrency_limit=2)
        runs = [run for _ in range(4) if (run := self._run(orchestrator, kept)) is not None]
        assert len(self._claimed(orchestrator)) == 2
        assert self._claimed(orchestrator) == []
        self._end(orchestrator, runs[0])
        assert self._claimed(orchestrator) == [runs[2].flow_run_id]

    def test_what_waits_for_its_deployment_does_not_hold_up_others(self, orchestrator: Orchestrator) -> None:
        full = self._deployed(orchestrator, concurrency_limit=1, priority=1)
        for _ in range(60):
            self._run(orchestrator, full)
        other = self._deployed(orchestrator, name="other", priority=200)
        run = self._run(orchestrator, other)
        assert run is not None
        assert len(self._claimed(orchestrator, 1)) == 1
        assert self._claimed(orchestrator, 1) == [run.flow_run_id]

    @pytest.mark.parametrize("overlap", ["queue_one", "cancel_running"])
    def test_one_that_waits_for_each_of_many_deployments_does_not_hold_up_others(
        self, orchestrator: Orchestrator, overlap: object
    ) -> None:
        for number in range(30):
            full = self._deployed(orchestrator, name=f"full-{number}", overlap=overlap, priority=1)
            self._run(orchestrator, full)
        assert len(self._claimed(orchestrator, 30)) == 30
        for kept in orchestrator.deployments.all():
            self._run(orchestrator, kept)
        run = self._run(orchestrator, self._deployed(orchestrator, name="other", priority=200))
        assert run is not None
        assert self._claimed(orchestrator, 1) == [run.flow_run_id]

    def test_a_run_is_skipped_while_an_earlier_one_runs(self, orchestrator: Orchestrator) -> None:
        kept = self._deployed(orchestrator, overlap="skip")
        first, second = self._run(orchestrator, kept), self._run(orchestrator, kept)
        assert first is not None
        assert second is not None
        assert self._claimed(orchestrator) == [first.flow_run_id]
        (run,) = orchestrator.flow_runs(RunFilter(ids=(second.flow_run_id,)))
        assert (run.state_type, run.state_name) == (StateType.CANCELLED, SKIPPED)
        self._end(orchestrator, first)
        assert self._claimed(orchestrator) == []

    def test_of_runs_that_may_wait_one_by_one_the_first_waits_and_later_ones_are_skipped(
        self, orchestrator: Orchestrator
    ) -> None:
        kept = self._deployed(orchestrator, overlap="queue_one")
        runs = [run for _ in range(4) if (run := self._run(orchestrator, kept)) is not None]
        assert self._claimed(orchestrator) == [runs[0].flow_run_id]
        self._end(orchestrator, runs[0])
        assert self._claimed(orchestrator) == [runs[1].flow_run_id]
        skipped = [orchestrator.flow_runs(RunFilter(ids=(run.flow_run_id,)))[0].state_name for run in runs[2:]]
        assert skipped == [SKIPPED, SKIPPED]

    def test_a_run_has_those_cancelled_that_run_and_begins_when_they_have_ended(
        self, orchestrator: Orchestrator
    ) -> None:
        kept = self._deployed(orchestrator, overlap="cancel_running")
        first = self._run(orchestrator, kept)
        assert first is not None
        self._claimed(orchestrator)
        runs = [run for _ in range(2) if (run := self._run(orchestrator, kept)) is not None]
        assert self._claimed(orchestrator) == []
        assert orchestrator.cancellation(first.flow_run_id) is not None
        self._end(orchestrator, first)
        assert self._claimed(orchestrator) == [runs[1].flow_run_id]

    def test_a_pool_has_no_more_runs_than_its_limit_and_none_while_it_is_paused(
        self, orchestrator: Orchestrator
    ) -> None:
        kept = self._deployed(orchestrator)
        orchestrator.deployments.put_pool(POOL._replace(concurrency_limit=2))
        runs = [run for _ in range(3) if (run := self._run(orchestrator, kept)) is not None]
        assert len(self._claimed(orchestrator)) == 2
        self._end(orchestrator, runs[0])
        assert orchestrator.deployments.pause_pool("default", NOW)
        assert self._claimed(orchestrator) == []
        orchestrator.deployments.pause_pool("default", None)
        assert self._claimed(orchestrator) == [runs[2].flow_run_id]

    def test_a_queue_is_a_limit_within_its_pool(self, orchestrator: Orchestrator) -> None:
        narrow = self._deployed(orchestrator, work_queue="gpu", priority=1)
        wide = self._deployed(orchestrator, name="wide")
        orchestrator.deployments.put_queue(WorkQueue("default", "gpu", 1, None))
        for _ in range(40):
            self._run(orchestrator, narrow)
        other = self._run(orchestrator, wide)
        assert other is not None
        taken = self._claimed(orchestrator, 3)
        assert len(taken) == 2
        assert taken[1] == other.flow_run_id
        assert [queue.name for queue in orchestrator.deployments.queues("default")] == ["gpu"]

    def test_a_lease_is_renewed_by_who_has_it(self, orchestrator: Orchestrator) -> None:
        kept = self._deployed(orchestrator)
        run = self._run(orchestrator, kept)
        assert run is not None
        mine = worker()
        orchestrator.deployments.claim(mine, 1, NOW, LEASE)
        assert list(orchestrator.deployments.renew(mine.id, [run.flow_run_id], LEASE + 5)) == [run.flow_run_id]
        assert list(orchestrator.deployments.renew(worker().id, [run.flow_run_id], LEASE + 9)) == []
        assert not orchestrator.deployments.expired("default", LEASE + 5)
        assert [each.flow_run_id for each in orchestrator.deployments.expired("default", LEASE + 6)] == [
            run.flow_run_id
        ]

    def test_a_run_whose_lease_has_ended_is_taken_over_once(self, orchestrator: Orchestrator) -> None:
        run = self._run(orchestrator, self._deployed(orchestrator))
        assert run is not None
        mine, other = worker(), worker()
        take_over = orchestrator.deployments.take_over
        assert not take_over(run.flow_run_id, other.id, LEASE + 1, LEASE + 9)  # it waits, and is nobody's
        orchestrator.deployments.claim(mine, 1, NOW, LEASE)
        assert not take_over(run.flow_run_id, other.id, LEASE, LEASE + 9)
        assert take_over(run.flow_run_id, other.id, LEASE + 1, LEASE + 9)
        assert not take_over(run.flow_run_id, mine.id, LEASE + 1, LEASE + 9)
        assert not orchestrator.deployments.let_go(run.flow_run_id, mine.id, None)
        (place,) = orchestrator.deployments.queued(QueueFilter())
        assert (place.worker_id, place.lease, place.starts) == (other.id, LEASE + 9, 1)

    def test_a_suspended_run_waits_again_once_it_is_continued(self, orchestrator: Orchestrator) -> None:
        kept = self._deployed(orchestrator)
        run = self._run(orchestrator, kept)
        assert run is not None
        mine, id = worker(), run.flow_run_id
        orchestrator.deployments.claim(mine, 1, NOW, LEASE)
        orchestrator.commit(
            [
                StateRecord(id, False, StateType.PAUSED, "Suspended", None, NOW + 1),
                WaitRecord(id, "pause 1", NOW + 99, asks="{}"),
            ]
        )
        wake = orchestrator.deployments.wake
        assert not wake("default", NOW)
        orchestrator.deployments.let_go(id, mine.id, None)
        assert not wake("default", NOW)
        assert orchestrator.answer(id, "pause 1", "true")
        assert not wake("other", NOW)
        assert [list(wake("default", NOW + 5)), list(wake("default", NOW + 5))] == [[id], []]
        (again,) = orchestrator.deployments.claim(mine, 1, NOW + 5, LEASE)
        assert (again.flow_run_id, again.starts) == (id, 2)

    def test_runs_of_partitions_are_counted_by_queue(self, orchestrator: Orchestrator) -> None:
        kept = self._deployed(orchestrator)
        queue: dict[str, str] = {"work_queue": "backfill/1"}
        later, first, done = (self._run(orchestrator, kept, due=NOW + n, partition=p, **queue) for n, p in _PARTITIONS)
        hand = self._run(orchestrator, kept, due=NOW + 9, partition="a")
        self._run(orchestrator, kept, work_queue="backfills", partition="x")
        assert later
        assert first
        assert done
        assert hand
        self._end(orchestrator, done)
        runs = orchestrator.deployments.partition_runs
        scheduled = StateType.SCHEDULED
        own = [(each, scheduled) for each in (first, later)]
        assert [(each.flow_run_id, each.state_type) for each in runs(kept.id, "backfill/1")] == [
            *((each.flow_run_id, state) for each, state in [*own, (done, StateType.COMPLETED)])
        ]
        assert runs(kept.id)[-1] == PartitionRun("a", hand.flow_run_id, scheduled)
        assert sorted(orchestrator.deployments.counted("backfill/"), key=str) == sorted(
            [
                QueueCount("default", "backfill/1", kept.id, scheduled, 2, "a", "c", NOW),
                QueueCount("default", "backfill/1", kept.id, StateType.COMPLETED, 1, "b", "b", NOW),
            ],
            key=str,
        )

    def test_the_latest_run_of_each_deployment_is_known(self, orchestrator: Orchestrator) -> None:
        first, second = self._deployed(orchestrator), self._deployed(orchestrator, name="other")
        self._deployed(orchestrator, name="none")
        runs = [self._run(orchestrator, of, due=NOW + due) for of in (first, second) for due in (2, 5, 1, 9)]
        latest = orchestrator.deployments.latest(NOW + 5)
        assert sorted(latest) == sorted([runs[1], runs[5]])  # type: ignore[type-var]

    def test_runs_that_schedules_made_and_that_wait_are_counted(self, orchestrator: Orchestrator) -> None:
        first, second = self._deployed(orchestrator), self._deployed(orchestrator, name="other")
        for due in (3, 2, 5):
            self._run(orchestrator, first, due=NOW + due, schedule="daily")
        self._run(orchestrator, second, schedule="daily", due=NOW - 1)
        self._run(orchestrator, second, schedule="daily", due=NOW + 9)
        self._run(orchestrator, second)  # asked for by hand
        self._claimed(orchestrator, 2)
        found = orchestrator.deployments.waiting([POOL.name, "elsewhere"])
        assert sorted(found) == sorted([WaitingRuns(first.id, 3, NOW + 2), WaitingRuns(second.id, 1, NOW + 9)])
        assert not orchestrator.deployments.waiting(["elsewhere"])

    def test_places_in_queues_are_filtered(self, orchestrator: Orchestrator) -> None:
        kept = self._deployed(orchestrator)
        days = [self._run(orchestrator, kept, partition=f"2024-05-0{day}", due=NOW + day) for day in range(1, 5)]
        find = orchestrator.deployments.queued
        assert [each.partition for each in find(QueueFilter(limit=2))] == ["2024-05-04", "2024-05-03"]
        assert len(find(QueueFilter(partitions=("2024-05-01", "2024-05-02")))) == 2
        assert len(find(QueueFilter(since=NOW + 2, before=NOW + 4, deployment_id=kept.id))) == 2
        assert days[0] is not None
        assert find(QueueFilter(flow_run_ids=(days[0].flow_run_id,), phases=("waiting",))) == [days[0]]
        assert not find(QueueFilter(work_pool="other"))

    def test_workers_are_listed_until_they_end(self, orchestrator: Orchestrator) -> None:
        one = worker(name="b")
        two = worker(name="a", running=2)
        orchestrator.deployments.beat(one)
        orchestrator.deployments.beat(two)
        orchestrator.deployments.beat(one._replace(seen=NOW + 9, running=1))
        assert list(orchestrator.deployments.workers()) == [two, one._replace(seen=NOW + 9, running=1)]
        orchestrator.deployments.forget_worker(two.id)
        assert [each.name for each in orchestrator.deployments.workers("default")] == ["b"]

    def test_a_pool_is_changed_and_deleted(self, orchestrator: Orchestrator) -> None:
        orchestrator.deployments.put_pool(POOL)
        changed = POOL._replace(concurrency_limit=3, template=json.dumps({"image": "x"}), created=NOW + 5)
        orchestrator.deployments.put_pool(changed)
        assert list(orchestrator.deployments.pools()) == [changed._replace(created=NOW)]
        assert orchestrator.deployments.delete_pool("default")
        assert not orchestrator.deployments.delete_pool("default")
