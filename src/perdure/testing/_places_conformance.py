"""What every orchestrator must do with the places of runs in queues, and what tests of deployments share."""

from typing import Any

import pytest

from perdure._model.errors import RecordRefused
from perdure._model.records import NOBODY, FlowKeyRecord, FlowRunRecord, Record, StartRecord, StateRecord
from perdure._model.state_types import StateType
from perdure._platform.ids import new_id
from perdure._rooms.deployments.port import (
    SCHEDULED,
    Deployment,
    DeploymentVersion,
    QueuedRun,
    QueueFilter,
    WorkerRecord,
    WorkPool,
)
from perdure._rooms.runs.records import RunFilter
from perdure._store.protocol import Orchestrator

NOW = 1_700_000_000_000_000
LEASE = NOW + 30_000_000
POOL = WorkPool("default", "process", None, None, "{}", NOW)


def deployment(**fields: Any) -> Deployment:
    """A deployment that has no id in the database yet."""
    made = Deployment(new_id(), "nightly", "prod", 0, "default", None, 100, None, "queue", None, "{}", NOW, NOW)
    return made._replace(**fields)


def version_of(made: Deployment, text: str = "{}") -> DeploymentVersion:
    """A version of a deployment, whose definition is any text."""
    return DeploymentVersion(made.id, 0, text, text, NOW, "somebody@here")


def worker(**fields: Any) -> WorkerRecord:
    """A worker of the default pool."""
    made = WorkerRecord(new_id(), "w", "default", "process", "0", "here", 1, None, 0, NOW, NOW)
    return made._replace(**fields)


class PlacesConformance:
    """A suite for pytest: what becomes of the places of runs in queues."""

    @pytest.fixture
    def orchestrator(self) -> Orchestrator:
        """The orchestrator, empty."""
        raise NotImplementedError

    def _deployed(self, orchestrator: Orchestrator, **fields: object) -> Deployment:
        orchestrator.deployments.put_pool(POOL)
        made = deployment(**fields)
        return orchestrator.deployments.put(made, version_of(made))

    def _run(
        self, orchestrator: Orchestrator, of: Deployment, key: str | None = None, **fields: Any
    ) -> QueuedRun | None:
        """A run in the queue, as it is kept; None if its key had one."""
        id = new_id()
        queued = QueuedRun(id, of.id, of.version, of.work_pool, of.work_queue, of.priority, NOW, None, None, None, NOW)
        queued = queued._replace(**fields)
        records = (
            FlowRunRecord(id, "r", of.flow_name, None, None, None, "[]", "{}", NOW),
            StateRecord(id, False, StateType.SCHEDULED, SCHEDULED, None, NOW),
            StartRecord(id, NOBODY, None, None, None),
        )
        keys = () if key is None else (FlowKeyRecord(of.flow_name, key, id),)
        made = orchestrator.deployments.enqueue([queued], list(keys), records)
        return queued if list(made) == [id] else None

    def _end(self, orchestrator: Orchestrator, *runs: QueuedRun) -> None:
        state = StateRecord("", False, StateType.COMPLETED, "Completed", None, NOW + 1)
        orchestrator.commit([state._replace(run_id=run.flow_run_id) for run in runs])

    def _claimed(self, orchestrator: Orchestrator, most: int = 10, now: int = NOW) -> list[str]:
        taken = orchestrator.deployments.claim(worker(), most, now, LEASE)
        return [run.flow_run_id for run in taken]

    def test_no_place_is_kept_for_a_run_that_is_not_created(self, orchestrator: Orchestrator) -> None:
        of, id, other = self._deployed(orchestrator), new_id(), new_id()
        place = QueuedRun(id, of.id, of.version, of.work_pool, None, 100, NOW, None, None, None, NOW)
        run = FlowRunRecord(id, "r", of.flow_name, None, None, None, "[]", "{}", NOW)
        state = StateRecord(id, False, StateType.SCHEDULED, SCHEDULED, None, NOW)
        key = FlowKeyRecord(of.flow_name, "k", id)
        wrong: list[tuple[FlowKeyRecord, list[Record]]] = [
            (key, []),
            (key, [run]),
            (key._replace(flow_run_id=other), [run, state]),
            (key, [run._replace(id=other), state._replace(run_id=other)]),
        ]
        for given, records in wrong:
            with pytest.raises(RecordRefused):
                orchestrator.deployments.enqueue([place], [given], records)
        assert not orchestrator.deployments.queued(QueueFilter())
        assert orchestrator.transactions.run_of_key(of.flow_name, "k") is None

    def test_a_run_that_is_let_go_waits_again(self, orchestrator: Orchestrator) -> None:
        kept = self._deployed(orchestrator)
        run = self._run(orchestrator, kept)
        assert run is not None
        mine = worker()
        orchestrator.deployments.claim(mine, 1, NOW, LEASE)
        assert not orchestrator.deployments.let_go(run.flow_run_id, worker().id, NOW)
        assert orchestrator.deployments.let_go(run.flow_run_id, mine.id, NOW + 7)
        (again,) = orchestrator.deployments.claim(mine, 1, NOW + 7, LEASE)
        assert (again.flow_run_id, again.starts) == (run.flow_run_id, 2)
        assert orchestrator.deployments.let_go(run.flow_run_id, mine.id, None)
        assert orchestrator.deployments.queued(QueueFilter())[0].phase == "ended"

    def test_the_places_of_runs_that_a_worker_has_end_together(self, orchestrator: Orchestrator) -> None:
        kept, mine = self._deployed(orchestrator), worker()
        runs = [run.flow_run_id for _ in range(3) if (run := self._run(orchestrator, kept)) is not None]
        orchestrator.deployments.claim(mine, 2, NOW, LEASE)
        orchestrator.deployments.end_claimed(runs, worker().id)
        assert len(orchestrator.deployments.queued(QueueFilter(phases=("claimed",)))) == 2
        orchestrator.deployments.end_claimed(runs, mine.id)
        phases = {each.flow_run_id: each.phase for each in orchestrator.deployments.queued(QueueFilter())}
        assert [phases[id] for id in runs] == ["ended", "ended", "waiting"]

    def test_runs_that_a_worker_gives_back_are_as_if_it_had_not_claimed_them(self, orchestrator: Orchestrator) -> None:
        kept, mine = self._deployed(orchestrator), worker()
        runs = [run for _ in range(3) if (run := self._run(orchestrator, kept)) is not None]
        orchestrator.deployments.claim(mine, 2, NOW, LEASE)
        orchestrator.deployments.give_back([run.flow_run_id for run in runs], worker().id)
        assert len(orchestrator.deployments.queued(QueueFilter(phases=("claimed",)))) == 2
        orchestrator.deployments.give_back([runs[1].flow_run_id, runs[2].flow_run_id], mine.id)
        (claimed,) = orchestrator.deployments.queued(QueueFilter(phases=("claimed",)))
        assert claimed.flow_run_id == runs[0].flow_run_id
        waiting = orchestrator.deployments.queued(QueueFilter(phases=("waiting",)))
        assert sorted(waiting) == sorted(runs[1:])

    def test_how_runs_were_begun_is_known_of_many_at_once(self, orchestrator: Orchestrator) -> None:
        kept = self._deployed(orchestrator)
        runs = [run.flow_run_id for _ in range(3) if (run := self._run(orchestrator, kept)) is not None]
        starts = orchestrator.starts([runs[2], new_id(), runs[0]])
        assert starts == [orchestrator.start(id) for id in (runs[0], runs[2])]
        assert not orchestrator.starts([])

    def test_the_place_of_a_run_that_has_ended_while_it_waited_ends(self, orchestrator: Orchestrator) -> None:
        of = self._deployed(orchestrator)
        ended, again = self._run(orchestrator, of), self._run(orchestrator, of)
        assert ended is not None
        assert again is not None
        for each in orchestrator.deployments.claim(worker(), 2, NOW, LEASE):
            orchestrator.deployments.let_go(each.flow_run_id, each.worker_id or "", NOW)
        self._end(orchestrator, ended)
        assert self._claimed(orchestrator) == [again.flow_run_id]
        (place,) = orchestrator.deployments.queued(QueueFilter(phases=("ended",)))
        assert place.flow_run_id == ended.flow_run_id

    def test_runs_that_wait_are_ended_and_those_that_a_worker_has_are_left_alone(
        self, orchestrator: Orchestrator
    ) -> None:
        kept = self._deployed(orchestrator)
        first, second = self._run(orchestrator, kept, priority=1), self._run(orchestrator, kept, priority=2)
        assert first is not None
        assert second is not None
        assert self._claimed(orchestrator, 1) == [first.flow_run_id]
        end = StateRecord("", False, StateType.CANCELLED, "Cancelled", None, NOW + 1)
        ended = orchestrator.deployments.end_waiting([end._replace(run_id=run.flow_run_id) for run in (first, second)])
        assert list(ended) == [second.flow_run_id]
        states = [orchestrator.flow_runs(RunFilter(ids=(run.flow_run_id,)))[0].state_type for run in (first, second)]
        assert states == [StateType.SCHEDULED, StateType.CANCELLED]

    def test_a_run_that_was_cancelled_while_it_waited_is_never_begun(self, orchestrator: Orchestrator) -> None:
        kept = self._deployed(orchestrator)
        run = self._run(orchestrator, kept)
        assert run is not None
        orchestrator.commit([StateRecord(run.flow_run_id, False, StateType.CANCELLED, "Cancelled", None, NOW + 1)])
        assert self._claimed(orchestrator) == []
