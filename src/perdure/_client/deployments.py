"""What `get_client` reads and changes of deployments and work pools."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from perdure._client.translation import Filter
from perdure._model.errors import DeploymentError
from perdure._model.flow_names import is_same_flow
from perdure._model.states import State
from perdure._platform.clock import from_datetime, system_clock, to_datetime
from perdure._rooms.deployments.definition import Definition, definition_of_text, has_templates
from perdure._rooms.deployments.due_runs import resume_schedules, scheduled
from perdure._rooms.deployments.job_templates import job_of
from perdure._rooms.deployments.keeping import check_schedules_to_keep, keep, keep_schedules
from perdure._rooms.deployments.parameter_schema import check
from perdure._rooms.deployments.port import Deployment, DeploymentVersion, ScheduleRecord, WorkPool
from perdure._rooms.deployments.runs import Wanted, deployment_named, make_run
from perdure._rooms.deployments.signatures import check_definition, schedule_shown, signed_definition
from perdure._scheduling.schedule import Schedule, schedule_of
from perdure._store.protocol import Orchestrator

_TIMES = ("schedule", "schedules")


class DeploymentSeen:
    """A deployment, as it was when it was read."""

    def __init__(self, of: Deployment, schedules: Sequence[ScheduleRecord]) -> None:
        self._definition = definition_of_text(of.definition)
        self.id, self.name, self.flow_id, self.flow_name = of.id, of.name, of.flow_name, of.flow_name
        self.version, self.paused, self.concurrency_limit = str(of.version), of.paused is not None, of.concurrency_limit
        self.work_pool_name, self.work_queue_name, self.priority = of.work_pool, of.work_queue, of.priority
        self.created, self.updated = to_datetime(of.created), to_datetime(of.updated)
        self.schedules = [
            replace(schedule_of(json.loads(each.definition)), paused=each.paused is not None) for each in schedules
        ]

    @property
    def is_schedule_active(self) -> bool:
        """Whether its schedules make runs."""
        return not self.paused

    @property
    def schedule(self) -> Schedule | None:
        """Its first schedule."""
        return next(iter(self.schedules), None)

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of its runs."""
        return dict(self._definition.parameters)

    @property
    def parameter_openapi_schema(self) -> dict[str, object]:
        """The flow's parameters as a JSON schema."""
        return dict(self._definition.schema)

    @property
    def tags(self) -> list[str]:
        """The tags of its runs."""
        return list(self._definition.tags)

    @property
    def description(self) -> str | None:
        """What it is, for people."""
        return self._definition.description

    @property
    def entrypoint(self) -> str | None:
        """Where its flow is found."""
        return self._definition.entry_point.get("target")

    @property
    def job_variables(self) -> dict[str, object]:
        """What workers start for its runs, over the pool's template."""
        return dict(self._definition.job)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.flow_name}/{self.name} {self.id}>"


class WorkPoolSeen:
    """A work pool, as it was when it was read; its id is its name."""

    def __init__(self, pool: WorkPool) -> None:
        self.id = self.name = pool.name
        self.type, self.concurrency_limit, self.is_paused = pool.type, pool.concurrency_limit, pool.paused is not None
        self.base_job_template: dict[str, Any] = json.loads(pool.template)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


class DeploymentUpdate(dict[str, Any]):
    """What is to be changed of a deployment: `DeploymentUpdate(paused=True, parameters={"day": "today"})`."""

    def __init__(self, **changes: object) -> None:
        super().__init__(changes)


class DeploymentCalls:
    """The calls about deployments, of one database or server."""

    def __init__(self, orchestrator: Orchestrator) -> None:
        self._orchestrator = orchestrator

    def seen(self, of: Deployment) -> DeploymentSeen:
        """A deployment with its schedules."""
        return DeploymentSeen(of, self._orchestrator.deployments.schedules(of.id))

    def one(self, which: object) -> Deployment:
        """A deployment by its id, by one that was made or read, or by its name.

        Raises:
            DeploymentMissing: there is none.
        """
        return deployment_named(str(getattr(which, "id", which)), self._orchestrator)

    def found(
        self, filter: Filter | None, flows: Filter | None, limit: int | None, offset: int
    ) -> list[DeploymentSeen]:
        """Deployments by the filters, sorted by flow and name.

        Raises:
            ValueError: a condition is not known.
        """
        found = [each for each in map(self.seen, self._orchestrator.deployments.all()) if _passes(each, filter, flows)]
        return found[offset : None if limit is None else offset + limit]

    def make_run(
        self,
        which: str | UUID,
        parameters: Mapping[str, object] | None,
        state: State[object] | None,
        name: str | None,
        tags: Iterable[str] | None,
        key: str | None,
        work_queue: str | None,
    ) -> str:
        """Make a run; its id, or that of the run that has its key."""
        of, now = self.one(which), system_clock()
        at = None if state is None else state.state_details.scheduled_time
        due = now if at is None else max(now, from_datetime(at))
        wanted = Wanted(due, parameters or {}, key, name=name, tags=tuple(tags or ()), work_queue=work_queue)
        return make_run(of, wanted, now, self._orchestrator)

    def pause(self, which: str | UUID, paused: bool) -> None:
        """Have its schedules make no runs, or make them again."""
        of, now = self.one(which), system_clock()
        if not paused and of.paused is not None:
            resume_schedules(self._orchestrator.deployments.schedules(of.id), now, self._orchestrator)
        if paused != (of.paused is not None):
            self._orchestrator.deployments.pause(of.id, now if paused else None)

    def update(self, which: str | UUID, changes: Mapping[str, Any]) -> None:
        """Change what is given of it.

        With signing keys, a changed definition is signed anew, if it was signed before; without them, none that is
        signed is changed.

        Raises:
            DeploymentError: something of that cannot be changed.
            ParameterTypeError: the flow does not take the parameters.
        """
        of, now = self.one(which), system_clock()
        paused = changes.get("paused")
        if paused is None and changes.get("is_schedule_active") is not None:
            paused = not changes["is_schedule_active"]
        definition = definition_of_text(of.definition)
        changed, fields = _changed(of, definition, changes)
        times = None
        if any(changes.get(name) is not None for name in _TIMES):
            asked = changes.get("schedules") if changes.get("schedules") is not None else [changes["schedule"]]
            times = [self._scheduled(each, of, now) for each in asked or ()]
            check_schedules_to_keep(times, of, self._orchestrator.deployments)  # before anything has changed
        if changed != definition or fields:
            of = of._replace(**fields, updated=now)
            if changed != definition:
                of = of._replace(definition=self._signed(of, definition, changed).as_json())
            version = DeploymentVersion(of.id, 1, changed.digest, of.definition, now, "client")
            of = keep(of, version, self._orchestrator.deployments)
        if times is not None:
            keep_schedules(times, of, self._orchestrator.deployments)
        if paused is not None:
            self.pause(of.id, paused)

    def _signed(self, of: Deployment, before: Definition, after: Definition) -> Definition:
        """A changed definition, checked as a deploy does, and signed: only if it was signed for all that has stayed."""
        check_definition(before, of.flow_name, of.name)
        plain = {name: value for name, value in after.parameters.items() if not has_templates(value)}
        check({**after.schema, "required": []}, plain, of.flow_name)
        pool = next((each for each in self._orchestrator.deployments.pools() if each.name == of.work_pool), None)
        if pool is not None:
            job_of(pool, after.job)
        return signed_definition(after, of.flow_name, of.name)

    def _scheduled(self, schedule: Schedule, of: Deployment, now: int) -> ScheduleRecord:
        """A schedule as it is to be kept, signed if the deployment is by a key of the ring; an unchanged one stays."""
        made = scheduled(schedule, of, now)
        there = next((each for each in self._orchestrator.deployments.schedules(of.id) if each.slug == made.slug), None)
        is_same = there is not None and schedule_shown(there.definition) == schedule_shown(made.definition)
        if there is not None and is_same:
            return made._replace(definition=there.definition)
        check_definition(definition_of_text(of.definition), of.flow_name, of.name)
        return made

    def delete(self, which: str | UUID) -> None:
        """Delete it with its schedules; runs of it that have not begun are cancelled."""
        self._orchestrator.deployments.delete(self.one(which).id, system_clock())

    def pools(self) -> list[WorkPoolSeen]:
        """All work pools, by name."""
        return [WorkPoolSeen(pool) for pool in self._orchestrator.deployments.pools()]


# What `update` changes: the deployment's own fields, and those of its definition.
_FIELDS = {
    "work_pool_name": "work_pool",
    "work_queue_name": "work_queue",
    "concurrency_limit": "concurrency_limit",
    "priority": "priority",
}
_OF_DEFINITION = {"parameters": "parameters", "description": "description", "tags": "tags", "job_variables": "job"}


def _changed(of: Deployment, definition: Definition, changes: Mapping[str, Any]) -> tuple[Definition, dict[str, Any]]:
    fields: dict[str, Any] = {}
    for name, value in changes.items():
        if name in ("paused", "is_schedule_active", *_TIMES) or value is None:
            continue
        if name in _FIELDS:
            fields[_FIELDS[name]] = value
        elif name in _OF_DEFINITION:
            changed: dict[str, Any] = {_OF_DEFINITION[name]: tuple(value) if name == "tags" else value}
            definition = replace(definition, **changed)
        else:
            known = ", ".join(sorted([*_FIELDS, *_OF_DEFINITION, "paused", "schedules"]))
            raise DeploymentError(f"{name}= of {of.flow_name}/{of.name} cannot be changed. There are {known}.")
    return definition, fields


def _passes(each: DeploymentSeen, filter: Filter | None, flows: Filter | None) -> bool:
    return all(_holds(each, path, value) for path, value in _flat(filter or {}, "")) and all(
        _holds(each, f"flow.{path}", value) for path, value in _flat(flows or {}, "")
    )


def _flat(filter: Filter, path: str) -> Iterable[tuple[str, object]]:
    for name, value in filter.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{name}.")
        elif value is not None:
            yield f"{path}{name}", value


def _holds(each: DeploymentSeen, path: str, value: Any) -> bool:
    match path:
        case "name.any_":
            return each.name in value
        case "name.like_":
            return str(value).lower() in each.name.lower()
        case "id.any_":
            return each.id in map(str, value)
        case "flow.name.any_" | "flow.id.any_" | "flow_id.any_":
            return any(is_same_flow(str(asked), each.flow_name) for asked in value)
        case "tags.all_":
            return set(value) <= set(each.tags)
        case "work_queue_name.any_":
            return each.work_queue_name in value
        case "paused.eq_":
            return each.paused is bool(value)
        case "is_schedule_active.eq_":
            return each.paused is not bool(value)
    raise ValueError(
        f"The filter {path}={value!r} is not known. There are id.any_, name.any_, name.like_, tags.all_, paused.eq_,"
        " is_schedule_active.eq_, work_queue_name.any_, and flow_filter's name.any_ and id.any_."
    )
