"""`get_client`: reading runs, from the database or the server of the settings, as users of Prefect do."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, Self, TypeVar, overload
from uuid import UUID

from perdure._client.answers import OrchestrationResult
from perdure._client.artifacts import ArtifactCalls, SyncArtifactCalls
from perdure._client.deployments import DeploymentCalls, DeploymentSeen, WorkPoolSeen
from perdure._client.expected import passing
from perdure._client.limits import LimitCalls, SyncLimitCalls
from perdure._client.log_reading import LogCalls, SyncLogCalls
from perdure._client.runs_seen import FlowRunSeen, FlowSeen, TaskRunSeen
from perdure._client.translation import Filter, wanted
from perdure._model.errors import ClientError, NotFound, RunMissing
from perdure._model.records import StateRecord
from perdure._model.state_types import StateType
from perdure._model.states import State
from perdure._platform import providers
from perdure._results.lookup import find_run, known_runs
from perdure._rooms.runs.records import FlowRun, RunFilter, TaskRun
from perdure._scheduling.schedule import Schedule

__all__ = ["FlowRunSeen", "FlowSeen", "RunsClient", "SyncRunsClient", "TaskRunSeen", "get_client"]

T = TypeVar("T")
RunT = TypeVar("RunT", FlowRun, TaskRun)
_LIMIT = 200  # of a list, unless it is said
_PAGE = 1_000


class SyncRunsClient(SyncLogCalls, SyncLimitCalls, SyncArtifactCalls):
    """Reads runs in plain code: `with get_client(sync_client=True) as client: client.read_flow_runs()`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def read_flow_run(self, flow_run_id: str | UUID) -> FlowRunSeen:
        """A flow run.

        Raises:
            RunMissing: no flow run has the id.
        """
        run = find_run(known_runs(), str(flow_run_id))
        if not isinstance(run, FlowRun):
            raise RunMissing(f"{flow_run_id} is the id of a task run: call read_task_run.")
        return FlowRunSeen(run)

    def read_task_run(self, task_run_id: str | UUID) -> TaskRunSeen:
        """A task run.

        Raises:
            RunMissing: no task run has the id.
        """
        run = find_run(known_runs(), str(task_run_id))
        if not isinstance(run, TaskRun):
            raise RunMissing(f"{task_run_id} is the id of a flow run: call read_flow_run.")
        return TaskRunSeen(run)

    def read_flow_runs(
        self,
        *,
        flow_filter: Filter | None = None,
        flow_run_filter: Filter | None = None,
        sort: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[FlowRunSeen]:
        """Flow runs, the newest first unless `sort` ends in ASC; at most 200, unless `limit` is given.

        Raises:
            ValueError: a filter is not known.
        """
        found = _found(known_runs().flow_runs, flow_run_filter, flow_filter, sort, limit, offset)
        return [FlowRunSeen(run) for run in found]

    def read_task_runs(
        self,
        *,
        flow_run_filter: Filter | None = None,
        task_run_filter: Filter | None = None,
        sort: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[TaskRunSeen]:
        """Task runs, those of the flow runs that a filter lets through, or all; for the rest as `read_flow_runs`."""
        chosen = dict(task_run_filter or {})
        if flow_run_filter is not None:
            above = _found(known_runs().flow_runs, flow_run_filter, None, None, _PAGE, 0)
            if not above:
                return []
            chosen["parent_flow_run_id"] = {"any_": [run.id for run in above]}
        found = _found(known_runs().task_runs, chosen, None, sort, limit, offset)
        return [TaskRunSeen(run) for run in found]

    def read_flows(self, *, limit: int | None = None) -> list[FlowSeen]:
        """The flows that have runs, by name. It goes through the runs."""
        names = sorted({run.flow_name for run in _all_flow_runs()})
        return [FlowSeen(name) for name in names[:limit]]

    def read_flow_run_states(self, flow_run_id: str | UUID) -> list[State[Any]]:
        """All states of a flow run, oldest first, without results."""
        return [_state_of(record) for record in known_runs().states(str(flow_run_id))]

    def read_task_run_states(self, task_run_id: str | UUID) -> list[State[Any]]:
        """All states of a task run, oldest first, without results."""
        return [_state_of(record) for record in known_runs().states(str(task_run_id))]

    def set_flow_run_state(
        self, flow_run_id: str | UUID, state: State[object], force: bool = False
    ) -> OrchestrationResult:
        """Cancel a flow run, and wait until it has ended: `state` is Cancelling() or Cancelled().

        Raises:
            ClientError: it is another state: these are what runs themselves come to.
            SteeringError: the run has ended, is part of another one, or does not end.
        """
        if state.type not in (StateType.CANCELLING, StateType.CANCELLED):
            raise ClientError(
                f"A flow run is not set to {state!r} from outside: it comes to its states itself. Only Cancelling() and"
                " Cancelled() can be set, which is `cancel_flow_run`."
            )
        providers.cancel(str(flow_run_id), force)
        return OrchestrationResult(self.read_flow_run(flow_run_id).state)

    def create_flow_run_from_deployment(
        self,
        deployment_id: str | UUID,
        *,
        parameters: Mapping[str, object] | None = None,
        state: State[object] | None = None,
        name: str | None = None,
        tags: Iterable[str] | None = None,
        idempotency_key: str | None = None,
        work_queue_name: str | None = None,
    ) -> FlowRunSeen:
        """Make a run of a deployment, to begin now or when `state`, a `Scheduled(scheduled_time=...)`, says.

        Raises:
            DeploymentMissing: there is no such deployment.
            ParameterTypeError: its flow does not take these parameters.
        """
        id = _calls().make_run(deployment_id, parameters, state, name, tags, idempotency_key, work_queue_name)
        return self.read_flow_run(id)

    def read_deployment(self, deployment_id: str | UUID) -> DeploymentSeen:
        """A deployment.

        Raises:
            DeploymentMissing: there is none with the id.
        """
        return _calls().seen(_calls().one(deployment_id))

    def read_deployment_by_name(self, name: str) -> DeploymentSeen:
        """A deployment by "flow/name".

        Raises:
            DeploymentMissing: there is none.
        """
        return self.read_deployment(name)

    def read_deployments(
        self,
        *,
        flow_filter: Filter | None = None,
        deployment_filter: Filter | None = None,
        limit: int | None = None,
        offset: int = 0,
        sort: str | None = None,  # noqa: ARG002
    ) -> list[DeploymentSeen]:
        """Deployments, by flow and name, whatever `sort` says.

        Raises:
            ValueError: a condition of a filter is not known.
        """
        return _calls().found(deployment_filter, flow_filter, limit, offset)

    def read_deployment_schedules(self, deployment_id: str | UUID) -> list[Schedule]:
        """The schedules of a deployment."""
        return self.read_deployment(deployment_id).schedules

    def update_deployment(
        self,
        deployment_id: Any,
        deployment: Mapping[str, object] | None = None,
        schedule: Schedule | None = None,
        is_schedule_active: bool | None = None,
    ) -> None:
        """Change what a `DeploymentUpdate` says of a deployment; a changed definition is a new version.

        Raises:
            DeploymentError: something of that cannot be changed.
        """
        changes = {"schedule": schedule, "is_schedule_active": is_schedule_active, **(deployment or {})}
        _calls().update(deployment_id, changes)

    def set_deployment_paused_state(self, deployment_id: str | UUID, paused: bool) -> None:
        """Have a deployment's schedules make no runs, or make them again."""
        _calls().pause(deployment_id, paused)

    def pause_deployment(self, deployment_id: str | UUID) -> None:
        """Have a deployment's schedules make no runs."""
        _calls().pause(deployment_id, True)

    def resume_deployment(self, deployment_id: str | UUID) -> None:
        """Have a deployment's schedules make runs again; what came meanwhile is passed over."""
        _calls().pause(deployment_id, False)

    def delete_deployment(self, deployment_id: str | UUID) -> None:
        """Delete a deployment with its schedules; runs of it that have not begun are cancelled."""
        _calls().delete(deployment_id)

    def read_work_pools(self, *, limit: int | None = None, offset: int = 0) -> list[WorkPoolSeen]:
        """The work pools, by name."""
        return _calls().pools()[offset : None if limit is None else offset + limit]

    def read_work_pool(self, work_pool_name: str) -> WorkPoolSeen:
        """A work pool.

        Raises:
            NotFound: there is none of the name.
        """
        found = next((each for each in _calls().pools() if each.name == work_pool_name), None)
        if found is None:
            raise NotFound(f"There is no work pool {work_pool_name!r}. `perdure work-pool ls` lists them.")
        return found


class RunsClient(LogCalls, LimitCalls, ArtifactCalls):
    """Reads runs in coroutines: `async with get_client() as client: await client.read_flow_runs()`.

    Its methods are those of `SyncRunsClient`, and they take and raise the same.
    """

    _known: SyncRunsClient

    def __init__(self) -> None:
        self._known = SyncRunsClient()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is open."""

    async def read_flow_run(self, flow_run_id: str | UUID) -> FlowRunSeen:
        """A flow run."""
        return await asyncio.to_thread(self._known.read_flow_run, flow_run_id)

    async def read_task_run(self, task_run_id: str | UUID) -> TaskRunSeen:
        """A task run."""
        return await asyncio.to_thread(self._known.read_task_run, task_run_id)

    async def read_flow_runs(self, **wanted: Any) -> list[FlowRunSeen]:
        """Flow runs, the newest first."""
        return await asyncio.to_thread(self._known.read_flow_runs, **wanted)

    async def read_task_runs(self, **wanted: Any) -> list[TaskRunSeen]:
        """Task runs, the newest first."""
        return await asyncio.to_thread(self._known.read_task_runs, **wanted)

    async def read_flows(self, *, limit: int | None = None) -> list[FlowSeen]:
        """The flows that have runs, by name."""
        return await asyncio.to_thread(self._known.read_flows, limit=limit)

    async def read_flow_run_states(self, flow_run_id: str | UUID) -> list[State[Any]]:
        """All states of a flow run, oldest first."""
        return await asyncio.to_thread(self._known.read_flow_run_states, flow_run_id)

    async def read_task_run_states(self, task_run_id: str | UUID) -> list[State[Any]]:
        """All states of a task run, oldest first."""
        return await asyncio.to_thread(self._known.read_task_run_states, task_run_id)

    async def set_flow_run_state(
        self, flow_run_id: str | UUID, state: State[object], force: bool = False
    ) -> OrchestrationResult:
        """Cancel a flow run, and wait until it has ended."""
        return await asyncio.to_thread(self._known.set_flow_run_state, flow_run_id, state, force)

    async def create_flow_run_from_deployment(self, deployment_id: str | UUID, **wanted: Any) -> FlowRunSeen:
        """Make a run of a deployment."""
        return await asyncio.to_thread(self._known.create_flow_run_from_deployment, deployment_id, **wanted)

    async def read_deployment(self, deployment_id: str | UUID) -> DeploymentSeen:
        """A deployment."""
        return await asyncio.to_thread(self._known.read_deployment, deployment_id)

    async def read_deployment_by_name(self, name: str) -> DeploymentSeen:
        """A deployment by "flow/name"."""
        return await asyncio.to_thread(self._known.read_deployment_by_name, name)

    async def read_deployments(self, **wanted: Any) -> list[DeploymentSeen]:
        """Deployments, by flow and name."""
        return await asyncio.to_thread(self._known.read_deployments, **wanted)

    async def read_deployment_schedules(self, deployment_id: str | UUID) -> list[Schedule]:
        """The schedules of a deployment."""
        return await asyncio.to_thread(self._known.read_deployment_schedules, deployment_id)

    async def update_deployment(self, deployment_id: Any, *changes: Any, **more: Any) -> None:
        """Change what a `DeploymentUpdate` says of a deployment."""
        await asyncio.to_thread(self._known.update_deployment, deployment_id, *changes, **more)

    async def set_deployment_paused_state(self, deployment_id: str | UUID, paused: bool) -> None:
        """Have a deployment's schedules make no runs, or make them again."""
        await asyncio.to_thread(self._known.set_deployment_paused_state, deployment_id, paused)

    async def pause_deployment(self, deployment_id: str | UUID) -> None:
        """Have a deployment's schedules make no runs."""
        await asyncio.to_thread(self._known.pause_deployment, deployment_id)

    async def resume_deployment(self, deployment_id: str | UUID) -> None:
        """Have a deployment's schedules make runs again."""
        await asyncio.to_thread(self._known.resume_deployment, deployment_id)

    async def delete_deployment(self, deployment_id: str | UUID) -> None:
        """Delete a deployment with its schedules."""
        await asyncio.to_thread(self._known.delete_deployment, deployment_id)

    async def read_work_pools(self, **wanted: Any) -> list[WorkPoolSeen]:
        """The work pools, by name."""
        return await asyncio.to_thread(self._known.read_work_pools, **wanted)

    async def read_work_pool(self, work_pool_name: str) -> WorkPoolSeen:
        """A work pool."""
        return await asyncio.to_thread(self._known.read_work_pool, work_pool_name)


@overload
def get_client(*, sync_client: Literal[False] = False) -> RunsClient: ...
@overload
def get_client(*, sync_client: Literal[True]) -> SyncRunsClient: ...
def get_client(*, sync_client: bool = False) -> RunsClient | SyncRunsClient:
    """What reads runs, from the database or the server of the settings; for coroutines, unless `sync_client` is given.

    `perdure.client.Client` reads and controls the runs of a server of your choice, and has all that servers offer.
    """
    return SyncRunsClient() if sync_client else RunsClient()


def _calls() -> DeploymentCalls:
    known: Any = known_runs()
    return DeploymentCalls(known)


def _found(
    ask: Callable[[RunFilter], Sequence[RunT]],
    runs: Filter | None,
    of: Filter | None,
    sort: str | None,
    limit: int | None,
    offset: int,
) -> list[RunT]:
    which = wanted(runs, of)
    most = (_LIMIT if limit is None else limit) + offset
    oldest_first = sort is not None and str(getattr(sort, "value", sort)).endswith("ASC")
    enough = None if which.state_names else most
    filters = (each._replace(limit=enough, oldest_first=oldest_first) for each in which.filters)
    span = which.expected
    found = {
        run.id: run
        for each in filters
        for run in (ask(each) if span is None else passing(span, each, ask))
        if not which.state_names or run.state_name in which.state_names
    }
    return sorted(found.values(), key=lambda run: run.id, reverse=not oldest_first)[offset:most]


def _all_flow_runs() -> Iterator[FlowRun]:
    last: str | None = None
    while True:
        page = known_runs().flow_runs(RunFilter(limit=_PAGE, older_than=last))
        yield from page
        if len(page) < _PAGE:
            return
        last = page[-1].id


def _state_of(record: StateRecord) -> State[Any]:
    flow_run_id, task_run_id = (None, record.run_id) if record.of_task else (record.run_id, None)
    return State(record.type, record.name, record.message, None, record.time, flow_run_id, task_run_id)
