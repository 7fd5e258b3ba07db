"""What a worker starts for the runs that it has claimed: it is found out once for all runs of a version."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

from perdure._model.errors import DeploymentError
from perdure._model.records import NOBODY, StartRecord
from perdure._model.state_types import StateType
from perdure._rooms.deployments.definition import Definition
from perdure._rooms.deployments.job_templates import job_of
from perdure._rooms.deployments.port import Deployment, QueuedRun, WorkPool
from perdure._rooms.deployments.signatures import check_definition, check_start, check_template_signature
from perdure._rooms.deployments.versions import definition_of_version
from perdure._rooms.runs.records import FlowRun, RunFilter
from perdure._settings.fields import SETTINGS
from perdure._settings.settings import as_environment
from perdure._store.protocol import Orchestrator
from perdure._worker.infrastructure import Infrastructure, Job

FIRST_EPOCH = 1  # of a run that nobody has begun
_MOST_PLANS = 100
_FRESH_SECONDS = 0.5
T = TypeVar("T")
Known = tuple[FlowRun, StartRecord]


class Jobs:
    """The jobs of one infrastructure; `when_ended` is called by what knows at once that something has ended."""

    def __init__(
        self, orchestrator: Orchestrator, infrastructure: Infrastructure, when_ended: Callable[[], None]
    ) -> None:
        self._known, self._infrastructure, self._when_ended = orchestrator, infrastructure, when_ended
        self._looked_up: dict[str, object] = {}  # deployments, and work pools
        self._looked = 0.0
        self._plans: dict[tuple[object, ...], _Plan] = {}

    def forget(self) -> None:
        """What follows may be otherwise, and is looked up anew, after half a second."""
        if time.monotonic() - self._looked >= _FRESH_SECONDS:
            self._looked = time.monotonic()
            self._looked_up.clear()

    def unbegun(self, taken: Sequence[QueuedRun]) -> dict[str, Known]:
        """Those runs that nobody has begun, with what a process needs to begin them."""
        ids = tuple(run.flow_run_id for run in taken if run.starts == 1)
        if not ids:
            return {}
        starts = {each.flow_run_id: each for each in self._known.starts(ids)}  # first: see `resumption`
        runs = {run.id: run for run in self._known.flow_runs(RunFilter(ids=ids))}
        waiting = (StateType.SCHEDULED, StateType.PENDING)
        return {
            id: (runs[id], start)
            for id, start in starts.items()
            if id in runs and start.process_id == NOBODY and runs[id].state_type in waiting
        }

    def of(self, run: QueuedRun, known: Known | None) -> Job:
        """What is started for a run.

        Raises:
            DeploymentError: its deployment or work pool is gone, or none of it may be started; says why.
        """
        deployments = self._known.deployments
        of = self._once(run.deployment_id, lambda: deployments.one(run.deployment_id))
        pools = self._once("pools", deployments.pools)
        pool = next((each for each in pools if each.name == run.work_pool), None)
        if of is None or pool is None:
            raise DeploymentError(f"Its deployment or its work pool {run.work_pool!r} was deleted.")
        plan = self._plan(of, run.version, pool)
        start_of = partial(self._known.start, run.flow_run_id) if known is None else lambda: known[1]
        check_start(start_of, plan.definition, of.flow_name, of.name)
        return Job(
            run.flow_run_id,
            run.starts,
            _command_of(run, plan.made_of.get("python", self._infrastructure.python)),
            plan.environment,
            plan.made_of,
            code=f"{run.deployment_id} {run.version}",
            known=known,
            when_ended=self._when_ended,
        )

    def _once(self, key: str, look_up: Callable[[], T]) -> T:
        """What is looked up once for all runs that are taken together, or soon after each other."""
        if key not in self._looked_up:
            self._looked_up[key] = look_up()
        return cast("T", self._looked_up[key])

    def _plan(self, of: Deployment, version: int, pool: WorkPool) -> "_Plan":
        """What is started for runs of a version of a deployment: a version does not change."""
        key = (of.id, version, of.version, of.definition, pool)
        if key not in self._plans:
            definition = definition_of_version(of, version, self._known.deployments)
            check_definition(definition, of.flow_name, of.name)
            check_template_signature(pool)
            made_of = job_of(pool, definition.job)
            environment = _settings(self._infrastructure.is_elsewhere) | _texts(made_of.get("env", {}))
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            self._plans[key] = _Plan(definition, made_of, environment)
        return self._plans[key]


class _Plan(NamedTuple):
    """What is started for runs of a version of a deployment."""

    definition: Definition
    made_of: Mapping[str, Any]
    environment: Mapping[str, str | None]


def _command_of(run: QueuedRun, python: str) -> tuple[str, ...]:
    """What begins a run in a process of its own."""
    how = ("start", "--quiet") if run.starts <= 1 else ("resume",)  # it may have crashed since it was begun
    return (python, "-m", "perdure", "flow-run", *how, run.flow_run_id)


def _settings(elsewhere: bool) -> dict[str, str | None]:
    """The settings that a run's process gets; without paths of this machine, if it is elsewhere."""
    if not elsewhere:
        return dict(as_environment())
    local = {each.variable for each in SETTINGS.values() if isinstance(each.default_in(Path.home()), Path)}
    return {name: value for name, value in as_environment().items() if name not in local | {"PERDURE_PROFILE"}}


def _texts(variables: Mapping[str, object]) -> dict[str, str | None]:
    return {name: None if value is None else _text(value) for name, value in variables.items()}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


__all__ = ["FIRST_EPOCH", "Jobs", "Known"]
