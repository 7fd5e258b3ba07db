"""What resuming a flow run or running it again would do, before it is done; and what it can be given."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from perdure._engine.identity.identity import argument_marks
from perdure._http.dependencies import Known
from perdure._http.errors import answers
from perdure._http.models import parsed
from perdure._http.pages import Id, PathId, Plain
from perdure._http.routers import ApiRouter
from perdure._model.state_types import StateType
from perdure._platform.clock import system_clock
from perdure._rooms.deployments.port import Deployment, QueueFilter
from perdure._rooms.runs.flow_run_routes import found
from perdure._rooms.runs.records import FlowRun
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.planned_steps import PlannedSteps, cached_calls, planned_steps

router = ApiRouter(prefix="/flow-runs", tags=["flow runs"], responses=answers())
_ONE = answers(HTTPStatus.NOT_FOUND)

Reason = Annotated[
    Literal["failed", "unfinished", "no result", "later", "changed", "follows", "again"],
    Field(
        description="`no result`: it completed, and its result was not persisted or is removed. `later`: it is the step"
        " from which the flow is run again, or began after it. `changed`: an argument was the value that a changed"
        " parameter had. `follows`: it was given the result of such a call. `again`: the flow is run from its start."
    ),
]


class RunsAgain(BaseModel):
    """Calls of one task or flow that run again when their flow run is resumed, or rerun."""

    of: Annotated[str, Field(description="The task or the flow.")]
    of_task: bool
    count: int
    why: Reason


class ResumePlan(BaseModel):
    """What resuming a flow run, or rerunning it, does with its calls. Calls that it had not made are not included."""

    reused: Annotated[int, Field(description="Calls whose results are reused.")]
    runs_again: list[RunsAgain]
    cached: Annotated[
        int, Field(description="Of those that run again, how many have cache keys for which a value is there now.")
    ]
    unknown: Annotated[list[str], Field(description="What only running the flow would show, in sentences.")]


@router.get("/{id}/resume-plan", responses=_ONE)
def get_resume_plan(id: PathId, known: Known) -> ResumePlan:
    """How many calls of a flow run a resume would reuse, which would run again, and why."""
    run = found(id, known)
    return _plan(planned_steps(known, id), run.state_type is StateType.FAILED)


@router.get("/{id}/rerun-plan", responses=_ONE)
def get_rerun_plan(
    id: PathId,
    known: Known,
    changed: Annotated[
        list[Plain],
        Query(default_factory=list, max_length=100, description="Names of the parameters that are given other values."),
    ],
    from_step: Annotated[
        Id | None, Query(description="A run that it called; without one, the flow is run from its start.")
    ] = None,
) -> ResumePlan:
    """How many calls of a flow run would be reused if it were run again, which would run again, and why.

    A changed parameter reaches the calls that were given its value, and those that were given their results. Others
    may be reached through the flow's own code: that is not known before it runs.
    """
    run = found(id, known)
    if from_step is None:
        return _from_start(run, known)
    values = json.loads(run.parameters)
    marks = [mark for name in changed if name in values for mark in argument_marks(name, values[name])]
    unknown = [_OTHERS.format(_listed(changed))] if changed else []
    return _plan(planned_steps(known, id, from_step, marks), retries_failed=True, unknown=unknown)


_OTHERS = "A call that the flow's code gives other arguments because of {} runs again, too. That is not known before."
_CACHE = "A cached result is used where the arguments of the call and the code of the task are the same."


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _from_start(run: FlowRun, known: EmbeddedOrchestrator) -> ResumePlan:
    again: Counter[tuple[str, bool]] = Counter()
    for steps in planned_steps(known, run.id):
        again[steps.of, steps.of_task] += steps.calls
    cached = cached_calls(known, run.id, system_clock())
    return ResumePlan(
        reused=0,
        runs_again=[RunsAgain(of=of, of_task=task, why="again", count=n) for (of, task), n in again.most_common()],
        cached=cached,
        unknown=[_CACHE] if cached else [],
    )


def _plan(planned: Sequence[PlannedSteps], retries_failed: bool, unknown: Sequence[str] = ()) -> ResumePlan:
    again: Counter[tuple[str, bool, Reason]] = Counter()
    reused = 0
    for steps in planned:
        why = _why(steps, retries_failed)
        if why is None:
            reused += steps.calls
        else:
            again[steps.of, steps.of_task, why] += steps.calls
    runs = [RunsAgain(of=of, of_task=task, why=why, count=count) for (of, task, why), count in again.most_common()]
    return ResumePlan(reused=reused, runs_again=runs, cached=0, unknown=list(unknown))


def _why(steps: PlannedSteps, retries_failed: bool) -> Reason | None:
    """Why calls run again; None if they do not."""
    if steps.is_later:
        return "later"
    if not steps.has_result or (steps.is_exception and retries_failed):
        if steps.state_type == "FAILED":
            return "failed"
        return "no result" if steps.state_type == "COMPLETED" else "unfinished"
    if steps.is_changed:
        return "changed"
    return "follows" if steps.follows_change else None


class RunParameters(BaseModel):
    """A flow run's parameters, and what they may be."""

    values: Annotated[
        dict[str, object], Field(description="As they are recorded: secrets are hidden, long ones are cut.")
    ]
    parameter_schema: Annotated[dict[str, object], Field(description="A JSON schema of them.")]
    schema_from: Annotated[
        Literal["deployment", "values"],
        Field(description="A deployment of the flow; or only the types of the values, which may be others."),
    ]
    deployment: Annotated[str | None, Field(description="The deployment's name.")]


@router.get("/{id}/parameters", responses=_ONE)
def get_flow_run_parameters(id: PathId, known: Known) -> RunParameters:
    """A flow run's parameters, with a schema by which a form asks for others."""
    run = found(id, known)
    values = parsed(run.parameters)
    deployment = _deployment_of(run, known)
    schema = {} if deployment is None else json.loads(deployment.definition).get("schema", {})
    fits = deployment is not None and values.keys() <= schema.get("properties", {}).keys()
    return RunParameters(
        values=values,
        parameter_schema=schema if fits else _schema_of(values),
        schema_from="deployment" if fits else "values",
        deployment=deployment.name if deployment is not None and fits else None,
    )


def _deployment_of(run: FlowRun, known: EmbeddedOrchestrator) -> Deployment | None:
    """The run's own deployment; else the one of its flow that was changed last."""
    queued = known.deployments.queued(QueueFilter(flow_run_ids=(run.id,)))
    if queued and (own := known.deployments.one(queued[0].deployment_id)) is not None:
        return own
    return max(known.deployments.all(run.flow_name), key=lambda each: each.updated, default=None)


_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


def _schema_of(values: Mapping[str, object]) -> dict[str, Any]:
    """A schema that lets other values of the same types through; what is null, a list or an object may be anything."""
    kinds = {name: _TYPES.get(type(value)) for name, value in values.items()}
    properties = {name: {"title": name} | ({} if kind is None else {"type": kind}) for name, kind in kinds.items()}
    return {"type": "object", "properties": properties, "required": [], "additionalProperties": True}
