"""Running a flow again from one of its steps: the results of the steps before it are an earlier run's.

A new flow run is made, and the flow's function is called from its first line. A step that the earlier run had finished
is found by its identity, as after a crash (`_engine.recovery.resumption`), and its result is the new run's too. Only
those count that had begun before the chosen step; it and what began later runs again, whatever is in the cache.

Nothing else is taken over: pauses ask again, and timers begin again.
"""

from perdure._engine.port import ProcessRuntime, Runtime
from perdure._model.errors import ResumeError
from perdure._rooms.runs.records import FlowRun, RunFilter, TaskRun
from perdure._run.context import FlowRunContext, Reuse
from perdure._run.effects import Blocking, Steps

_SHOWN = 5  # ids of steps of one name


def reuse_before(run: FlowRun, step: str, runtime: ProcessRuntime) -> Reuse:
    """What to take over to run a flow again from a step: the id, its beginning, or the name of a run that it called.

    Raises:
        ResumeError: the flow run called no such run, or several.
    """
    orchestrator, within = runtime.orchestrator, RunFilter(flow_run_ids=(run.id,), limit=_SHOWN + 1)
    found: dict[str, FlowRun | TaskRun] = {}
    for wanted in (within._replace(ids=(step,)), within._replace(name=step)):
        found.update((each.id, each) for each in orchestrator.task_runs(wanted))
        found.update((each.id, each) for each in orchestrator.flow_runs(wanted))
    if not found:
        raise ResumeError(f"{_the(run)} called no run {step!r}. `perdure flow-run inspect {run.id}` lists them.")
    if len(found) > 1:
        ids = ", ".join(sorted(found)[:_SHOWN])
        raise ResumeError(f"{_the(run)} called more than one run {step!r}: {ids}. Name one of them by its id.")
    (chosen,) = found.values()
    if chosen.parent_task_run_id is not None:
        raise ResumeError(f"The run {step!r} was called by the task run {chosen.parent_task_run_id}. Name that one.")
    return Reuse(run.id, chosen.id)


def take_over_steps(run: FlowRunContext, reuse: Reuse, runtime: Runtime) -> Steps[None]:
    """Have a flow run know the steps that it reuses, besides its own from before a crash."""
    finished, _ = yield Blocking(runtime.steps_of, ((reuse.flow_run_id,), True))
    reused = {identity: found for identity, found in finished.items() if found.run_id < reuse.before}
    run.runs_again = frozenset(finished.keys() - reused.keys())
    run.borrowed.update(reused.keys() - run.earlier.keys())
    run.earlier = {**reused, **run.earlier}


def _the(run: FlowRun) -> str:
    return f"The flow run {run.name!r} ({run.id})"
