"""Runs of deployments that code asks for: by `run_deployment`, in plain code and in coroutines."""

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from perdure._client.orchestration import SyncRunsClient
from perdure._client.runs_seen import FlowRunSeen
from perdure._model.colour import caller_is_async
from perdure._model.errors import DeploymentError, FlowRunWaitTimeout
from perdure._model.flow_names import deployment_spellings
from perdure._model.state_types import FINAL, StateType
from perdure._platform.clock import from_datetime
from perdure._platform.named import NamedTuple
from perdure._rooms.deployments.definition import definition_of_text
from perdure._rooms.deployments.port import Deployment
from perdure._rooms.deployments.runs import Wanted, deployment_named, make_run
from perdure._rooms.runs.records import FlowRun, RunFilter
from perdure._run.context import FlowRunContext, current_run
from perdure._run.log_reporting import run_log
from perdure._session import session as sessions
from perdure._session.session import Session

if TYPE_CHECKING:
    from uuid import UUID  # which takes a while to import

__all__ = ["run_deployment", "run_now", "wait_for_flow_run"]

_LOOK_SECONDS = 0.2


def run_deployment(
    name: "str | UUID",
    parameters: Mapping[str, object] | None = None,
    scheduled_time: datetime | None = None,
    flow_run_name: str | None = None,
    timeout: float | None = None,
    poll_interval: float = 5.0,
    tags: Iterable[str] | None = None,
    idempotency_key: str | None = None,
    work_queue_name: str | None = None,
    as_subflow: bool = True,
    job_variables: Mapping[str, object] | None = None,
    *,
    priority: int | None = None,
    partition: str | None = None,
) -> Any:
    """Make a run of a deployment, "flow/name", and wait until it has ended; the flow run as it is then.

    It has an `id`, a `name`, a `state` with its result, and `state_name`. In coroutines the call is awaited.

    Args:
        parameters: Over those of the deployment.
        scheduled_time: When it is to begin; now if it is not given.
        timeout: Seconds to wait for its end; None waits for ever, 0 not at all.
        poll_interval: Seconds at most between two looks.
        idempotency_key: Of runs of the flow with one key, one is made: that one is waited for.
        as_subflow: In a flow, whether the call belongs to its run: one that is resumed or tried again waits for the
            run that the same call made before, unless that one failed. It is a run of its own all the same.
        job_variables: Refused: they are the deployment's.
        partition: The key of the slice of data that it is about.

    Raises:
        DeploymentMissing: there is no such deployment.
        ParameterTypeError: its flow does not take these parameters.
        InvalidPartition: it has no such partition.
    """
    if job_variables:
        raise DeploymentError(
            "job_variables= are those of a deployment, not of one run: flow.deploy(name, job_variables={...}), or give"
            " what differs as a parameter."
        )
    asked = _Asked(
        *(str(name), parameters or {}, scheduled_time, flow_run_name, tuple(tags or ())),
        *(idempotency_key, work_queue_name, priority, partition),
    )
    calls = _calls(asked.name) if as_subflow and idempotency_key is None else []
    if caller_is_async():
        return _arun(asked, calls, timeout, poll_interval)
    session = sessions.current()
    id, waiting = _run_of(asked, calls, session), _Waiting(timeout, poll_interval)
    while True:
        run = run_now(id, session)
        if (pause := waiting.pause(run)) is None:
            return FlowRunSeen(run)
        time.sleep(pause)


async def _arun(asked: "_Asked", calls: Sequence[str], timeout: float | None, poll_interval: float) -> FlowRunSeen:
    import asyncio

    session = sessions.current()
    id, waiting = await asyncio.to_thread(_run_of, asked, calls, session), _Waiting(timeout, poll_interval)
    while True:
        run = await asyncio.to_thread(run_now, id, session)
        if (pause := waiting.pause(run)) is None:
            return FlowRunSeen(run)
        await asyncio.sleep(pause)


async def wait_for_flow_run(
    flow_run_id: "str | UUID",
    timeout: float | None = 10_800.0,
    poll_interval: float = 5.0,
    client: object = None,  # noqa: ARG001 - it is that of the settings
    log_states: bool = False,
) -> FlowRunSeen:
    """Wait until a flow run has ended; the flow run as it is then.

    Args:
        timeout: Seconds to wait; None waits for ever.
        poll_interval: Seconds at most between two looks.
        client: Taken for users of Prefect 3: runs are looked up where the settings say.
        log_states: Whether to log each state that is seen.

    Raises:
        FlowRunWaitTimeout: it has not ended in that time.
        RunMissing: no flow run has the id.
    """
    import asyncio

    client_here, waiting, seen = SyncRunsClient(), _Waiting(timeout, poll_interval), None
    while True:
        run = await asyncio.to_thread(client_here.read_flow_run, flow_run_id)
        if log_states and run.state_name != seen:
            seen = run.state_name
            run_log("flow_runs").info("Flow run '%s' is in state %s.", run.name, seen)
        if run.state_type in FINAL:
            return run
        if (pause := waiting.pause(run)) is None:
            raise FlowRunWaitTimeout(
                f"Flow run '{run.name}' is {run.state_name} and has not ended in {timeout} seconds. Wait longer by"
                " timeout=."
            )
        await asyncio.sleep(pause)


class _Asked(NamedTuple):
    """A run that is asked for, as `run_deployment` takes it."""

    name: str
    parameters: Mapping[str, Any] = MappingProxyType({})
    scheduled_time: datetime | None = None
    flow_run_name: str | None = None
    tags: tuple[str, ...] = ()
    idempotency_key: str | None = None
    work_queue: str | None = None
    priority: int | None = None
    partition: str | None = None


def _run_of(asked: _Asked, calls: Sequence[str], session: Session) -> str:
    """Make the run; its id, or that of the run that has its key. `calls` name the call in the flow that makes it."""
    of = deployment_named(asked.name, session.orchestrator)
    if not calls:
        return _made_run(asked, of, session)
    orchestrator, number = session.orchestrator, 0
    while True:
        keys = [f"{call} {number}" for call in calls]
        found = (orchestrator.deployments.run_of_key(of.id, key) for key in keys)
        before = next(filter(None, found), None)
        if before is None or run_now(before, session).state_type not in _FAILED:
            return before or _made_run(asked._replace(idempotency_key=keys[0]), of, session)
        number += 1


_FAILED = (StateType.FAILED, StateType.CRASHED, StateType.CANCELLED)


def _made_run(asked: _Asked, of: Deployment, session: Session) -> str:
    now = session.clock()
    slices = definition_of_text(of.definition).slices()
    if asked.partition is not None and slices is None:
        raise DeploymentError(
            f"The deployment {asked.name!r} has no partitions, so that partition={asked.partition!r} says nothing."
        )
    wanted = Wanted(
        due=now if asked.scheduled_time is None else max(now, from_datetime(asked.scheduled_time)),
        parameters=asked.parameters,
        key=asked.idempotency_key,
        partition=None if asked.partition is None or slices is None else slices.partition(asked.partition),
        name=asked.flow_run_name,
        tags=asked.tags,
        priority=asked.priority,
        work_queue=asked.work_queue,
    )
    return make_run(of, wanted, now, session.orchestrator)


def _calls(name: str) -> list[str]:
    """What names a call in the code of a flow, in each attempt and process alike, by each name of the deployment.

    None elsewhere.
    """
    run = current_run.get()
    if not isinstance(run, FlowRunContext):
        return []
    flow, slash, own = name.partition("/")
    names = sorted("/".join(each) for each in deployment_spellings(flow, own)) if slash else [name]
    occurrence = run.occurrence(f"{run.id} run_deployment {names[0]}")
    return [f"{run.id} run_deployment {each} {occurrence}" for each in names]


def run_now(id: str, session: Session) -> FlowRun:
    """A flow run as it is now."""
    (run,) = session.orchestrator.flow_runs(RunFilter(ids=(id,)))
    return run


class _Waiting:
    """How long to wait between looks at a run, ever longer."""

    def __init__(self, timeout: float | None, poll_interval: float) -> None:
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._longest = poll_interval
        self._next = min(_LOOK_SECONDS, poll_interval)

    def pause(self, run: FlowRun | FlowRunSeen) -> float | None:
        """Seconds until the next look; None if the run has ended, or the time is over."""
        left = None if self._deadline is None else self._deadline - time.monotonic()
        if run.state_type in FINAL or (left is not None and left <= 0):
            return None
        now, self._next = self._next, min(2 * self._next, self._longest)
        return now if left is None else min(now, left)
