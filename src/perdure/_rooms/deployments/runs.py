"""Making runs of deployments: flow runs in the state Scheduled, with a place in a queue."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from perdure._engine.lifecycle.shown_parameters import shown_parameters
from perdure._engine.recovery.start_record import kept
from perdure._model.errors import DeploymentError, DeploymentMissing
from perdure._model.flow_names import spellings
from perdure._model.records import NOBODY, FlowKeyRecord, FlowRunRecord, Record, StartRecord, StateRecord
from perdure._model.run_names import new_run_name
from perdure._model.state_types import StateType
from perdure._platform.clock import Micros, to_datetime
from perdure._platform.ids import new_id
from perdure._platform.suggest import nearest
from perdure._rooms.deployments.definition import Definition, definition_of_text, filled
from perdure._rooms.deployments.parameter_schema import check
from perdure._rooms.deployments.port import SCHEDULED, Deployment, QueuedRun
from perdure._rooms.deployments.signatures import check_definition
from perdure._rooms.runs.records import FlowRun, RunFilter
from perdure._scheduling.partitions import Partition
from perdure._store.protocol import Orchestrator

_IN_A_QUERY = 500  # ids


@dataclass(frozen=True)
class Wanted:
    """A run to be made of a deployment.

    Attributes:
        due: When it is to begin.
        parameters: Over those of the deployment.
        exact: Over both, and taken as they are: texts of others, in which nothing is filled in.
        key: Of runs with one key, one is made.
        schedule: The slug of the schedule that makes it, and `tick`, its time by it.
        partition: What it is about.
    """

    due: Micros
    parameters: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None
    schedule: str | None = None
    tick: Micros | None = None
    partition: Partition | None = None
    name: str | None = None
    tags: tuple[str, ...] = ()
    priority: int | None = None
    work_queue: str | None = None
    exact: Mapping[str, object] = field(default_factory=dict)


def make_runs(of: Deployment, wanted: Sequence[Wanted], now: Micros, known: Orchestrator) -> list[str]:
    """Make runs of a deployment, in one transaction; the ids of those that are new.

    Raises:
        ParameterTypeError: the flow does not take the parameters of one; none is made.
        DeploymentError: a parameter cannot be filled in, the parameters cannot be kept, or with signing keys, the
            deployment's definition is not signed.
    """
    definition = definition_of_text(of.definition)
    check_definition(definition, of.flow_name, of.name)
    made = [_made(of, definition, each, now) for each in wanted]
    keys = [
        FlowKeyRecord(of.flow_name, each.key, run.flow_run_id)
        for each, (run, _) in zip(wanted, made, strict=True)
        if each.key is not None
    ]
    records = [record for _, of_run in made for record in of_run]
    return list(known.deployments.enqueue([run for run, _ in made], keys, records))


def make_run(of: Deployment, wanted: Wanted, now: Micros, known: Orchestrator) -> str:
    """Make a run of a deployment; its id, or that of the run which has its key.

    Raises:
        ParameterTypeError, DeploymentError: as of `make_runs`; or the run that had the key was removed meanwhile.
    """
    made = make_runs(of, [wanted], now, known)
    id = made[0] if made else known.deployments.run_of_key(of.id, wanted.key or "")
    if id is None:
        raise DeploymentError(f"The run of {of.name!r} with the key {wanted.key!r} is gone. Use another key.")
    return id


def _made(of: Deployment, definition: Definition, wanted: Wanted, now: Micros) -> tuple[QueuedRun, list[Record]]:
    id = new_id()
    parameters = {**filled({**definition.parameters, **wanted.parameters}, _known(wanted)), **wanted.exact}
    check(definition.schema, parameters, of.flow_name)
    entry_point = json.dumps(definition.entry_point)
    arguments = kept(id, of.flow_name, entry_point, parameters)
    if arguments is None:
        raise DeploymentError(
            f"The parameters of a run of {of.flow_name}/{of.name} take over a MiB: give paths or ids."
        )
    partition = None if wanted.partition is None else wanted.partition.key
    run = QueuedRun(
        flow_run_id=id,
        deployment_id=of.id,
        version=of.version,
        work_pool=of.work_pool,
        work_queue=wanted.work_queue or of.work_queue,
        priority=of.priority if wanted.priority is None else wanted.priority,
        due=wanted.due,
        schedule=wanted.schedule,
        tick=wanted.tick,
        partition=partition,
        created=now,
    )
    name = wanted.name or _name(of, wanted)
    tags = json.dumps(sorted({*definition.tags, *wanted.tags}))
    shown = shown_parameters(parameters)
    message = f"To begin at {to_datetime(wanted.due).isoformat(timespec='seconds')}." if wanted.due > now else None
    return run, [
        FlowRunRecord(id, name, of.flow_name, definition.flow_version, None, None, tags, shown, now),
        StateRecord(id, False, StateType.SCHEDULED, SCHEDULED, message, now),
        StartRecord(id, NOBODY, entry_point, arguments, None),
    ]


def _name(of: Deployment, wanted: Wanted) -> str:
    """Of what it is about, or of its time; as other runs are named, if it was asked for by hand."""
    if wanted.partition is not None:
        return f"{of.name} {wanted.partition.key}"
    if wanted.tick is not None:
        return f"{of.name} {to_datetime(wanted.tick):%Y-%m-%dT%H:%M:%SZ}"
    return new_run_name()


class _Slice(str):
    """A partition in a template: its key, with its times as attributes."""

    start: str
    end: str
    key: str

    @classmethod
    def of(cls, partition: Partition) -> "_Slice":
        made = cls(partition.key)
        made.key = partition.key
        made.start = partition.start.isoformat() if partition.start else ""
        made.end = partition.end.isoformat() if partition.end else ""
        return made


def _known(wanted: Wanted) -> dict[str, object]:
    at = wanted.due if wanted.tick is None else wanted.tick
    known: dict[str, object] = {"scheduled_time": to_datetime(at).astimezone(UTC).isoformat()}
    return known | ({} if wanted.partition is None else {"partition": _Slice.of(wanted.partition)})


def deployment_named(name: str, known: Orchestrator) -> Deployment:
    """A deployment by "flow/name", by its id, or by its own name or its flow's if that says which.

    A flow is found by either of its names: "my_flow/name" may be "my-flow/name".

    Raises:
        DeploymentMissing: there is none, or the name may mean several.
    """
    flow, slash, own = name.rpartition("/")
    found = known.deployments.named(flow, own) if slash else None
    if found is not None:
        return found
    every = known.deployments.all()
    alike = [each for each in every if name in (each.id, each.name, *spellings(each.flow_name))]
    if len(alike) == 1:
        return alike[0]
    names = [f"{each.flow_name}/{each.name}" for each in (alike or every)]
    if alike:
        raise DeploymentMissing(f"{name!r} may be any of {', '.join(names)}. Write one of them.")
    hint = nearest(name, names) or " `perdure deployment ls` lists them."
    raise DeploymentMissing(f"There is no deployment {name!r}.{hint}")


def flow_runs_of(places: Sequence[QueuedRun], known: Orchestrator) -> dict[str, FlowRun]:
    """The flow runs of places in queues, by id; asked for some hundreds at a time."""
    ids = [each.flow_run_id for each in places]
    groups = [tuple(ids[start : start + _IN_A_QUERY]) for start in range(0, len(ids), _IN_A_QUERY)]
    return {run.id: run for group in groups for run in known.flow_runs(RunFilter(ids=group))}
