"""Deployments: flows that start by their name, at their times, on workers. `serve` and `deploy` make them.

if __name__ == "__main__":
    report.serve(name="nightly", cron="0 6 * * *", timezone="Europe/Oslo")
"""

import getpass
import signal
import socket
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from perdure import session as sessions
from perdure import settings
from perdure.core.clock import from_datetime
from perdure.core.deployments import DEFAULT_POOL, DEFAULT_PRIORITY, Deployment, DeploymentVersion, Overlap, WorkPool
from perdure.core.errors import DeploymentError, DeploymentMissing
from perdure.core.ids import new_id
from perdure.core.records import FlowRun, RunFilter
from perdure.core.states import FINAL
from perdure.deploying.definition import Definition, definition_of, definition_of_text
from perdure.deploying.runs import Wanted, deployment_named, make_runs
from perdure.deploying.ticks import scheduled
from perdure.scheduling.partitions import Partitions
from perdure.scheduling.schedule import Cron, Interval, RRule, Schedule
from perdure.session import Session
from perdure.workers.loop import Worker
from perdure.workers.process import ProcessInfrastructure

if TYPE_CHECKING:
    from perdure.core.options import FlowOptions

__all__ = ["DeployedFlow", "Deployment", "DeploymentError", "DeploymentMissing", "deploy", "run_deployment", "serve"]

_LOOK_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class DeployedFlow:
    """A flow with all that a deployment of it says; `serve` and `deploy` take it. Made by `Flow.to_deployment`.

    Attributes:
        name: The deployment's own name: with the flow's, "flow/name", it is known everywhere.
        definition: Where the flow is found, and what its runs are given.
        schedules: When it runs. None leaves those alone that it has already; an empty list removes them.
        work_pool: Where its runs wait for workers; None is the default one, or, served, a pool of its own.
        work_queue: A named limit within the pool.
        concurrency_limit: How many of its runs may run at once.
        overlap: What becomes of a run that is due while as many run as may: "queue", "skip", "queue_one",
            "cancel_running". With another one than "queue", the limit is 1 if none is given.
        priority: Of its runs; lower ones begin first.
        paused: Whether a new deployment begins paused. One that is there keeps what a person chose.
    """

    flow_name: str
    name: str
    definition: Definition
    schedules: Sequence[Schedule] | None = None
    work_pool: str | None = None
    work_queue: str | None = None
    concurrency_limit: int | None = None
    overlap: Overlap = "queue"
    priority: int = DEFAULT_PRIORITY
    paused: bool = False

    def apply(self) -> Deployment:
        """Make the deployment, or the next version of the one with its name; as it is kept.

        Raises:
            OrchestratorError: it could not be kept.
        """
        session = sessions.current()
        known, now = session.orchestrator.deployments, session.clock()
        pool = self.work_pool or DEFAULT_POOL
        if not any(each.name == pool for each in known.pools()):
            known.put_pool(WorkPool(pool, "process", None, None, "{}", now))
        text = self.definition.as_json()
        made = Deployment(
            new_id(),
            self.flow_name,
            self.name,
            1,
            pool,
            self.work_queue,
            self.priority,
            self.concurrency_limit,
            self.overlap,
            now if self.paused else None,
            text,
            now,
            now,
        )
        kept = known.put(made, DeploymentVersion(made.id, 1, self.definition.digest, text, now, _who()))
        if self.schedules is not None:
            known.put_schedules([scheduled(each, kept.id, now) for each in self.schedules], kept.id)
        return kept


def _who() -> str:
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # of a user id that no account has
        user = "somebody"
    return f"{user}@{socket.gethostname()}"


def deployed_flow(
    options: "FlowOptions",
    name: str,
    *,
    cron: str | Iterable[str] | None = None,
    interval: float | timedelta | Iterable[float | timedelta] | None = None,
    rrule: str | Iterable[str] | None = None,
    schedule: Schedule | None = None,
    schedules: Iterable[Schedule] | None = None,
    timezone: str = "UTC",
    parameters: Mapping[str, Any] | None = None,
    description: str | None = None,
    tags: Iterable[str] = (),
    partitions: Partitions | None = None,
    work_pool: str | None = None,
    work_queue: str | None = None,
    job_variables: Mapping[str, Any] | None = None,
    **chosen: Any,
) -> DeployedFlow:
    """What `Flow.to_deployment` makes."""
    if not name or "/" in name or len(name) > 200:
        raise DeploymentError(f"A deployment's name is text without '/', up to 200 characters: not {name!r}.")
    times = [
        *(Cron(each, timezone) for each in _each(cron)),
        *(Interval(each, timezone=timezone) for each in _each(interval)),
        *(RRule(each, timezone=timezone) for each in _each(rrule)),
        *_each(schedule),
        *(schedules or ()),
    ]
    asked = any(each is not None for each in (cron, interval, rrule, schedule, schedules))
    wrong = chosen.get("overlap", "queue")
    if wrong not in ("queue", "skip", "queue_one", "cancel_running"):
        raise DeploymentError(f"overlap= is 'queue', 'skip', 'queue_one' or 'cancel_running', not {wrong!r}.")
    limit = chosen.get("concurrency_limit")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise DeploymentError(f"concurrency_limit= is a number of runs from 1 on, not {limit!r}.")
    definition = definition_of(
        options,
        parameters=parameters,
        description=description,
        tags=tuple(tags),
        partitions=partitions,
        job=job_variables,
    )
    return DeployedFlow(
        flow_name=options.name,
        name=name,
        definition=definition,
        schedules=_with_own_slugs(times) if asked else None,
        work_pool=work_pool,
        work_queue=work_queue,
        **chosen,
    )


def _each(given: Any) -> Iterable[Any]:
    if given is None:
        return ()
    return (given,) if isinstance(given, str | int | float | timedelta | Schedule) else given


def _with_own_slugs(schedules: Sequence[Schedule]) -> list[Schedule]:
    """The schedules, those that were given no slug of their own with a number where they are several."""
    slugs = [each.slug for each in schedules]
    made = []
    for place, each in enumerate(schedules):
        before = slugs[:place].count(each.slug)
        made.append(replace(each, slug=f"{each.slug}-{before + 1}") if before else each)
    if len({each.slug for each in made}) < len(made):
        raise DeploymentError(f"Two schedules have one slug, of {', '.join(slugs)}. Give each a slug= of its own.")
    return made


def deploy(*flows: DeployedFlow, work_pool: str | None = None) -> list[Deployment]:
    """Make deployments of flows, as `Flow.to_deployment` gives them: for workers of a work pool to run.

    What a deployment with the same name has that is not given here stays, such as its schedules.
    """
    return [(replace(each, work_pool=work_pool) if work_pool else each).apply() for each in flows]


def serve(*flows: DeployedFlow, limit: int | None = None, print_starting_message: bool = True) -> None:
    """Make deployments of flows, and run them here, each run in a process of its own, until Ctrl-C or SIGTERM.

    Nothing else needs to be started: without a server, this process makes the runs of schedules too. `limit` is how
    many run at once. When it is stopped, runs that have begun may end first, for half a minute.

    Raises:
        DeploymentError: none is given.
    """
    if not flows:
        raise DeploymentError("There is nothing to serve: serve(a.to_deployment('one'), b.to_deployment('two')).")
    session = sessions.current()
    # Pools of their own: other workers may not have the code.
    served = [replace(each, work_pool=f"serve:{each.flow_name}/{each.name}").apply() for each in flows]
    pools = [each.work_pool for each in served]
    worker = Worker(
        session, pools, ProcessInfrastructure(), limit=limit, makes_ticks=settings.current().api_url is None
    )
    if print_starting_message:
        print(_greeting(served), flush=True)
    _until_stopped(worker)


def _greeting(served: Sequence[Deployment]) -> str:
    names = [f"{each.flow_name}/{each.name}" for each in served]
    shown = "\n".join(f"  {name}" for name in names)
    return f"Serving:\n{shown}\nRun one now:  perdure deployment run {names[0]!r}    Stop with Ctrl-C."


def _until_stopped(worker: Worker) -> None:
    """Work until this process is asked to end; the second time, at once."""
    before: dict[int, Any] = {}

    def stop(*_: object) -> None:
        worker.stop()
        for number, handler in before.items():
            signal.signal(number, handler)

    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        worker.run()
    finally:
        for number, handler in before.items():
            with suppress(ValueError, TypeError):
                signal.signal(number, handler)


def run_deployment(
    name: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    scheduled_time: datetime | None = None,
    flow_run_name: str | None = None,
    timeout: float | None = None,
    poll_interval: float = 5.0,
    tags: Iterable[str] = (),
    idempotency_key: str | None = None,
    work_queue_name: str | None = None,
    priority: int | None = None,
    partition: str | None = None,
) -> FlowRun:
    """Make a run of a deployment, "flow/name", and wait until it has ended; the flow run as it is then.

    Args:
        parameters: Over those of the deployment.
        scheduled_time: When it is to begin; now if it is not given.
        timeout: Seconds to wait for its end; None waits for ever, 0 not at all.
        poll_interval: Seconds at most between two looks.
        idempotency_key: Of runs of the flow with one key, one is made: that one is waited for.
        partition: The key of the slice of data that it is about.

    Raises:
        DeploymentMissing: there is no such deployment.
        ParameterTypeError: its flow does not take these parameters.
        InvalidPartition: it has no such partition.
    """
    session = sessions.current()
    of = deployment_named(name, session.orchestrator)
    now = session.clock()
    slices = definition_of_text(of.definition).slices()
    if partition is not None and slices is None:
        raise DeploymentError(
            f"The deployment {name!r} has no partitions, so that partition={partition!r} says nothing."
        )
    wanted = Wanted(
        due=now if scheduled_time is None else max(now, from_datetime(scheduled_time)),
        parameters=parameters or {},
        key=idempotency_key,
        partition=None if partition is None or slices is None else slices.partition(partition),
        name=flow_run_name,
        tags=tuple(tags),
        priority=priority,
        work_queue=work_queue_name,
    )
    made = make_runs(of, [wanted], now, session.orchestrator)
    id = made[0] if made else session.orchestrator.transactions.run_of_key(of.flow_name, idempotency_key or "")
    if id is None:
        raise DeploymentError(f"The run of {name!r} with the key {idempotency_key!r} is gone. Use another key.")
    return _ended(id, session, timeout, poll_interval)


def _ended(id: str, session: Session, timeout: float | None, poll_interval: float) -> FlowRun:
    deadline = None if timeout is None else time.monotonic() + timeout
    pause = min(_LOOK_SECONDS, poll_interval)
    while True:
        (run,) = session.orchestrator.flow_runs(RunFilter(ids=(id,)))
        if run.state_type in FINAL or (deadline is not None and time.monotonic() >= deadline):
            return run
        left = pause if deadline is None else min(pause, max(0.0, deadline - time.monotonic()))
        time.sleep(left)
        pause = min(2 * pause, poll_interval)
