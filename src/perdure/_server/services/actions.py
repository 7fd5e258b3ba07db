"""What an automation does: each action once, however often it is tried."""

import json
from functools import singledispatch
from typing import Any

from perdure._automations.definition import CancelRun, Notify, Pause, Resume, RunDeployment
from perdure._automations.templates import filled_from
from perdure._engine.control.requests import ask_to_cancel
from perdure._model.errors import AutomationError, DeploymentError, SteeringError
from perdure._model.state_types import FINAL
from perdure._platform.clock import Micros, to_datetime
from perdure._platform.ids import dated_id, id_of
from perdure._platform.named import NamedTuple
from perdure._rooms.automations.port import Automations
from perdure._rooms.deployments.definition import definition_of_text
from perdure._rooms.deployments.due_runs import resume_schedules
from perdure._rooms.deployments.runs import Wanted, deployment_named, make_runs
from perdure._rooms.events.port import NO_RUN, Event
from perdure._rooms.runs.records import RunFilter
from perdure._server.services.runtime import ServiceRuntime

CHAIN_TAG = "automation:"  # how tags begin that say which automations led to a run


class Firing(NamedTuple):
    """One occasion on which an automation acts: on which event, and by which line of its log."""

    id: str
    automation: str
    chain: tuple[str, ...]  # the automations that led to the event
    event: dict[str, Any]
    time: Micros

    def filled(self, value: object) -> Any:
        """A value of an action with the event's fields in place of its templates."""
        return filled_from(value, self.event)

    def text(self, value: str) -> str:
        """`filled`, of a text; the outcome is a text too.

        Raises:
            AutomationError: the field is something else.
        """
        found = self.filled(value)
        if not isinstance(found, str):
            raise AutomationError(f"{value!r} is {found!r:.100} in this event, and has to be text here.")
        return found


@singledispatch
def act(action: object, number: int, firing: Firing, runtime: ServiceRuntime) -> dict[str, object]:  # noqa: ARG001
    """Do an action, the `number`th of its automation; what it came to.

    Raises:
        PerdureError: it cannot be done.
    """
    raise TypeError(f"{action!r} is no action.")


@act.register
def _run(action: RunDeployment, number: int, firing: Firing, runtime: ServiceRuntime) -> dict[str, object]:
    known, now = runtime.orchestrator, runtime.clock()
    of = deployment_named(firing.text(action.deployment), known)
    slices = definition_of_text(of.definition).slices()
    partition = None if action.partition is None else firing.text(action.partition)
    if partition is not None and slices is None:
        raise DeploymentError(f"The deployment {action.deployment!r} has no partitions: leave {partition!r} out.")
    key = f"{CHAIN_TAG}{firing.id}/{number}"
    wanted = Wanted(
        due=now,
        exact=firing.filled(action.parameters),
        key=key,
        partition=None if partition is None or slices is None else slices.partition(partition),
        name=None if action.name is None else firing.text(action.name),
        tags=(*action.tags, *(f"{CHAIN_TAG}{each}" for each in (*firing.chain, firing.automation))),
    )
    made = make_runs(of, [wanted], now, known)
    return {"run": made[0] if made else known.deployments.run_of_key(of.id, key)}


@act.register(Pause)
@act.register(Resume)
def _pause(action: Pause | Resume, number: int, firing: Firing, runtime: ServiceRuntime) -> dict[str, object]:  # noqa: ARG001
    known, now, paused = runtime.orchestrator, runtime.clock(), isinstance(action, Pause)
    if action.deployment is not None:
        of = deployment_named(firing.text(action.deployment), known)
        if not paused:
            resume_schedules(known.deployments.schedules(of.id), now, known)
        known.deployments.pause(of.id, now if paused else None)
        return {"deployment": f"{of.flow_name}/{of.name}"}
    if action.work_pool is not None:
        name = firing.text(action.work_pool)
        if not known.deployments.pause_pool(name, now if paused else None):
            raise DeploymentError(f"There is no work pool {name!r}.")
        return {"work_pool": name}
    name = firing.text(action.automation or "")
    other = known.room(Automations).named(name)
    if other is None:
        raise AutomationError(f"There is no automation {name!r}.")
    known.room(Automations).pause(other.id, paused, now)
    return {"automation": name}


@act.register
def _cancel(action: CancelRun, number: int, firing: Firing, runtime: ServiceRuntime) -> dict[str, object]:  # noqa: ARG001
    id = firing.text(action.run)
    grace = int(runtime.settings.cancel_grace_seconds * 1_000_000)
    try:
        ask_to_cancel(id, runtime, asked_by=f"the automation {firing.automation}", grace=grace)
    except SteeringError:
        runs = runtime.orchestrator.flow_runs(RunFilter(ids=(id,), limit=1))
        if not runs or runs[0].state_type not in FINAL:
            raise
        return {"run": id, "had_ended": str(runs[0].state_name)}
    return {"run": id}


@act.register
def _notify(action: Notify, number: int, firing: Firing, runtime: ServiceRuntime) -> dict[str, object]:
    kind, id = f"automation.{firing.automation}", dated_id(id_of(f"{firing.id}/{number}"), firing.time)
    payload = {
        "subject": str(firing.filled(action.subject)),
        "body": str(firing.filled(action.body)),
        "event": {name: firing.event.get(name) for name in ("id", "kind", "time")},
        "chain": [*firing.chain, firing.automation],
    }
    run = firing.event.get("run") or {}
    document: dict[str, object] = {
        "id": id,
        "kind": kind,
        "time": to_datetime(firing.time).isoformat(),
        "run": run,
        "state": firing.event.get("state") or {},
        "resource": {"perdure.resource.id": f"perdure.automation.{firing.automation}"},
        "related": [],
        "payload": payload,
    }
    text = json.dumps(document, ensure_ascii=False)
    event = Event(id, firing.time, kind, run.get("id") or NO_RUN, run.get("flow_name"), text)
    runtime.orchestrator.emit(event)
    return {"event": id}
