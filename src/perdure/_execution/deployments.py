"""Deployments: flows that start by their name, at their times, on workers. `serve` and `deploy` make them.

if __name__ == "__main__":
    report.serve(name="nightly", cron="0 6 * * *", timezone="Europe/Oslo")
"""

import getpass
import json
import signal
import socket
import threading
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from perdure._engine.recovery.start_record import entry_point_of
from perdure._execution.deployment_runs import run_deployment
from perdure._model.colour import caller_is_async
from perdure._model.errors import DeploymentError, DeploymentMissing
from perdure._model.flow_names import deployment_spellings
from perdure._platform.ids import new_id
from perdure._results.storage_by_name import storage_at
from perdure._rooms.deployments.bundles import Bundle, Packed, bundled
from perdure._rooms.deployments.code_origin import copied_folder
from perdure._rooms.deployments.definition import Definition, check_schedule, definition_of
from perdure._rooms.deployments.due_runs import scheduled
from perdure._rooms.deployments.job_templates import job_of
from perdure._rooms.deployments.keeping import check_definition_to_keep, keep, keep_pool, keep_schedules
from perdure._rooms.deployments.port import DEFAULT_POOL, DEFAULT_PRIORITY, SERVED, DeploymentVersion, Overlap, WorkPool
from perdure._rooms.deployments.port import Deployment as DeploymentRecord
from perdure._rooms.deployments.prefect_options import ConcurrencyLimitConfig, translated
from perdure._rooms.deployments.serving import is_served
from perdure._rooms.deployments.signatures import signed_definition
from perdure._scheduling.partitions import Partitions
from perdure._scheduling.schedule import Cron, Interval, RRule, Schedule
from perdure._session import session as sessions
from perdure._session.session import Session
from perdure._session.storage_and_serializer import storage_of
from perdure._settings import settings
from perdure._worker.loop import Worker
from perdure._worker.process import ProcessInfrastructure

if TYPE_CHECKING:
    from perdure._model.options import FlowOptions

__all__ = [
    "Applied",
    "Bundle",
    "DeployedFlow",
    "Deployment",
    "DeploymentError",
    "DeploymentMissing",
    "deploy",
    "run_deployment",
    "serve",
]


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
        bundle: Its code, if that is kept in a storage: `apply` puts it there.
        function_name: The name of the flow's function, if the flow was given none: earlier versions have it under that.

    It may be awaited, which changes nothing: so coroutines may be written either way.
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
    bundle: Packed | None = None
    function_name: str | None = None

    def __await__(self) -> Generator[object, None, Self]:
        return self
        yield

    def is_deployed_as(self, there: DeploymentRecord) -> bool:
        """Whether a deployment is the one that `apply` makes a version of: earlier versions may have made it."""
        names = [(self.flow_name, self.name)]
        if self.function_name is not None:
            names = deployment_spellings(self.flow_name, self.name)
        return (there.flow_name, there.name) in names

    def apply(self) -> "Applied":
        """Make the deployment, or the next version of the one with its name; as it is kept.

        Raises:
            DeploymentError: its work pool does not take its job variables, or with signing keys it would be refused by
                whoever makes its runs: nothing was changed.
            StorageError: its bundle could not be kept.
            OrchestratorError: it could not be kept.
        """
        session = sessions.current()
        known, now = session.orchestrator.deployments, session.clock()
        name = self.work_pool or DEFAULT_POOL
        pool = next((each for each in known.pools() if each.name == name), None)
        # Only containers have images: one that is named says which kind of pool is meant.
        kind = "docker" if "image" in self.definition.job else "process"
        job_of(pool or WorkPool(name, kind, None, None, "{}", now), self.definition.job)
        text = signed_definition(self.definition, self.flow_name, self.name).as_json()
        check_definition_to_keep(self.flow_name, self.name, text, known)  # before its pool and its bundle are there
        if pool is None:
            keep_pool(WorkPool(name, kind, None, None, "{}", now), known)
        if self.bundle is not None:  # first: no version names a bundle that is not there
            self.bundle.keep()
            session.storages.id_of(self.bundle.storage)
            session.orchestrator.flush()
        made = DeploymentRecord(
            new_id(),
            self.flow_name,
            self.name,
            1,
            name,
            self.work_queue,
            self.priority,
            self.concurrency_limit,
            self.overlap,
            now if self.paused else None,
            text,
            now,
            now,
        )
        version = DeploymentVersion(made.id, 1, self.definition.digest, text, now, deployer())
        kept = keep(made, version, known, self.function_name)
        if self.schedules is not None:
            keep_schedules([scheduled(each, kept, now) for each in self.schedules], kept, known)
        return Applied(*kept)


class Applied(DeploymentRecord):
    """A deployment as it is kept. It may be awaited, which changes nothing."""

    __slots__ = ()

    def __await__(self) -> Generator[object, None, Self]:
        return self
        yield


class _All(list[Applied]):
    """Deployments as they are stored; may be awaited."""

    def __await__(self) -> Generator[object, None, Self]:
        return self
        yield


class Deployment:
    """A deployment as Prefect 2 makes one: `Deployment.build_from_flow(report, "nightly").apply()`."""

    @staticmethod
    def build_from_flow(
        flow: Any,
        name: str,
        *,
        apply: bool = False,
        schedule: object = None,
        schedules: object = None,
        **options: object,
    ) -> DeployedFlow:
        """`flow.to_deployment(name, ...)`, whose `apply()` makes the deployment; with `apply=True`, it is made here.

        Raises what `Flow.to_deployment` raises.
        """
        times = {"schedule": schedule} if schedules is None else {"schedules": schedules}
        made: DeployedFlow = flow.to_deployment(name, **times, **options)
        if apply:
            made.apply()
        return made


def deployer() -> str:
    """Who deploys here: a user and a machine."""
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
    parameters: Mapping[str, object] | None = None,
    description: str | None = None,
    tags: Iterable[str] = (),
    partitions: Partitions | None = None,
    work_pool: str | None = None,
    work_queue: str | None = None,
    job_variables: Mapping[str, object] | None = None,
    anchor_date: datetime | None = None,
    version: str | None = None,
    source: "str | Bundle | None" = None,
    **chosen: Any,
) -> DeployedFlow:
    """What `Flow.to_deployment` makes."""
    others = {each: chosen.pop(each) for each in list(chosen) if each not in DeployedFlow.__dataclass_fields__}
    chosen |= translated(others)
    job = dict(chosen.pop("job_variables", None) or job_variables or {})
    if (image := chosen.pop("image", None)) is not None:
        job["image"] = image
    timezone = timezone or "UTC"
    if isinstance(chosen.get("concurrency_limit"), ConcurrencyLimitConfig):
        config = chosen["concurrency_limit"]
        chosen |= {"concurrency_limit": config.limit, "overlap": config.overlap}
    if not name or "/" in name or len(name) > 200:
        raise DeploymentError(f"A deployment's name is text without '/', up to 200 characters: not {name!r}.")
    times = [
        *(Cron(each, timezone) for each in _each(cron)),
        *(Interval(each, anchor_date, timezone) for each in _each(interval)),
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
    for each in times:
        if not isinstance(each, Schedule):
            raise DeploymentError(f"{each!r:.100} is no schedule: make it by Cron, Interval or RRule, or use cron=.")
    priority = chosen.get("priority", DEFAULT_PRIORITY)
    if isinstance(priority, bool) or not isinstance(priority, int) or not 0 <= priority <= 1_000_000:
        raise DeploymentError(f"priority= is a number from 0 to 1,000,000, not {priority!r}.")
    if isinstance(tags, str):
        raise DeploymentError(f"tags= is a collection of texts, such as [{tags!r}], not {tags!r}.")
    definition = definition_of(
        options,
        parameters=parameters,
        description=description,
        tags=tuple(tags),
        partitions=partitions,
        job=job,
    )
    if version is not None:
        definition = replace(definition, flow_version=version)
    made = _with_own_slugs(times)
    for each in made:
        if not each.paused:
            check_schedule(definition, each.slug, each.parameters, options.name)
    bundle = None
    found = json.loads(entry_point_of(options))
    if source is None and "target" in found and (copied := copied_folder(found, settings.current().home)) is not None:
        source = Bundle(folder=copied)  # of a storage: other machines have no copy
    if source is not None:
        entry, bundle = _bundled(options, source)
        definition = replace(definition, entry_point=entry)
    return DeployedFlow(
        flow_name=options.name,
        name=name,
        definition=definition,
        schedules=made if asked else None,
        work_pool=work_pool,
        work_queue=work_queue,
        bundle=bundle,
        function_name=None if options.own_name == options.name else options.own_name,
        **chosen,
    )


def _bundled(options: "FlowOptions", source: object) -> tuple[dict[str, str], Packed]:
    chosen = Bundle() if source == "bundle" else source
    if not isinstance(chosen, Bundle):
        raise DeploymentError(
            f"source= is 'bundle' or a Bundle(folder=...), not {source!r}. Code of another folder or of a repository is"
            " loaded: flow.from_source(source, entrypoint).deploy(name)."
        )
    if isinstance(chosen.exclude, str):
        raise DeploymentError(f"exclude= is a sequence of patterns, such as [{chosen.exclude!r}].")
    if isinstance(chosen.storage, str):
        storage = storage_at(chosen.storage)
    else:
        storage = storage_of(chosen.storage or options.result_storage, settings.current())
    return bundled(json.loads(entry_point_of(options)), chosen, storage)


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


def deploy(
    *flows: DeployedFlow, work_pool: str | None = None, work_pool_name: str | None = None, **options: object
) -> list[Applied]:
    """Make deployments of flows, as `Flow.to_deployment` gives them: for workers of a work pool to run.

    What a deployment with the same name has that is not given here stays, such as its schedules. The options are
    those that Prefect has beside these: an image that you have built, by `image=` and `build=False`.

    Raises:
        DeploymentError: an option asks for what there is not.
    """
    pool, image = work_pool or work_pool_name, translated(options).get("image")
    return _All(_changed(each, pool, image).apply() for each in flows)


def _changed(each: DeployedFlow, pool: str | None, image: str | None) -> DeployedFlow:
    if image is not None:
        each = replace(each, definition=replace(each.definition, job={**each.definition.job, "image": image}))
    return replace(each, work_pool=pool) if pool else each


def serve(
    *flows: DeployedFlow, limit: int | None = None, print_starting_message: bool = True, **options: object
) -> Any:
    """Make deployments of flows, and run them here, each run in a process of its own, until Ctrl-C or SIGTERM.

    Nothing else needs to be started: without a server, this process makes the runs of schedules too. `limit` is how
    many run at once. When it is stopped, runs that have begun may end first, for half a minute. In coroutines it is
    awaited, and stopped by cancelling it. The options are those that Prefect has beside these.

    Raises:
        DeploymentError: none is given, or an option asks for what there is not.
    """
    if not flows:
        raise DeploymentError("There is nothing to serve: serve(a.to_deployment('one'), b.to_deployment('two')).")
    if limit is not None and limit < 1:
        raise DeploymentError(f"limit= is how many runs at once, from 1 on, not {limit!r}.")
    if (other := next((each for each in flows if not isinstance(each, DeployedFlow)), None)) is not None:
        raise DeploymentError(f"{other!r:.100} is no deployment to serve: serve(a.to_deployment('one')).")
    translated(options)
    session = sessions.current()
    # Pools of their own: other workers may not have the code.
    served = [replace(each, work_pool=_pool_of(each, session)).apply() for each in flows]
    pools = [each.work_pool for each in served]
    infrastructure = ProcessInfrastructure()
    worker = Worker(session, pools, infrastructure, limit=limit, makes_ticks=settings.current().api_url is None)
    greeting = _greeting(served) if print_starting_message else ""
    if caller_is_async():
        return _aserve(worker, infrastructure, greeting)
    with closing(infrastructure):
        return _until_stopped(worker, greeting)


def _pool_of(served: DeployedFlow, session: Session) -> str:
    """The work pool of a deployment that is served: the one that it has, by whichever name its flow was served first.

    Runs that wait or are suspended are in it, and so are the queues of backfills.
    """
    there = session.orchestrator.deployments.named(served.flow_name, served.name)
    if there is not None and served.is_deployed_as(there) and is_served(there.work_pool):
        return there.work_pool
    return f"{SERVED}{served.flow_name}/{served.name}"


async def _aserve(worker: Worker, infrastructure: ProcessInfrastructure, greeting: str) -> None:
    """Work in another thread, until this is cancelled or the process is asked to end."""
    import asyncio

    working = asyncio.ensure_future(asyncio.to_thread(worker.run))
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError, RuntimeError, ValueError):  # not in this thread, or not on this system
        loop.add_signal_handler(signal.SIGTERM, worker.stop)
    _say(greeting)
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        worker.stop()
        await working
        raise
    finally:
        with suppress(NotImplementedError, RuntimeError, ValueError):
            loop.remove_signal_handler(signal.SIGTERM)
        infrastructure.close()


def _greeting(served: Sequence[DeploymentRecord]) -> str:
    names = [f"{each.flow_name}/{each.name}" for each in served]
    shown = "\n".join(f"  {name}" for name in names)
    return f"Serving:\n{shown}\nRun one now:  perdure deployment run {names[0]!r}    Stop with Ctrl-C."


def _say(greeting: str) -> None:
    if greeting:  # who reads it may send a signal at once
        print(greeting, flush=True)


def _until_stopped(worker: Worker, greeting: str) -> None:
    """Work until this process is asked to end; the second time, at once."""
    before: dict[int, Any] = {}

    def stop(*_: object) -> None:
        worker.stop()
        for number, handler in before.items():
            signal.signal(number, handler)

    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        _say(greeting)
        worker.run()
    finally:
        for number, handler in before.items():
            with suppress(ValueError, TypeError):
                signal.signal(number, handler)
