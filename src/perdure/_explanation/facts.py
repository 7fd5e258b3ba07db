"""The records of a run, and of the runs before it: a few bounded queries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from perdure._explanation.types import Involved
from perdure._model.records import (
    DecisionRecord,
    FlowRun,
    InputRecord,
    ResultFilter,
    ResultRecord,
    RunFilter,
    StateRecord,
    TaskRun,
)
from perdure._platform.clock import Micros
from perdure._platform.ids import id_at
from perdure._store.protocol import Orchestrator

LOOKED_AT = 1_000  # runs of the same task or flow before it, and results that went into it
_HOPS = 100  # from a run whose result was taken from another one to the run that made it
_WENT_ON = ("Resuming", "Resumed", "Retrying")
Run = FlowRun | TaskRun


class Known(NamedTuple):
    """A run with its records."""

    run: Run
    result: ResultRecord | None
    decision: DecisionRecord | None

    @property
    def step(self) -> str | None:
        return None if self.result is None else self.result.step


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What an explanation is made from."""

    this: Known
    step: str | None  # what it is within its flow run, as JSON
    flow: FlowRun | None  # that called it
    resumed_with: StateRecord | None  # the state with which that was resumed, if that was before the run
    kept: StateRecord | None  # the state with which that was resumed after the run, whose result it kept
    earlier: Sequence[Known]  # runs of the same task or flow, the newest first
    attempts: Sequence[Known]  # those of its flow run from before the resume
    maker: Known | None  # the run that made the result which it took
    other: Known | None  # the run that its decision names
    inputs: Sequence[InputRecord]

    @property
    def run(self) -> Run:
        return self.this.run


def gather(known: Orchestrator, run: Run) -> Facts:
    """All records of a run."""
    (this,) = with_details(known, [run])
    flow = _flow_of(known, run)
    resumed_with = _resumed_with(known, flow, run.created)
    other = None if this.decision is None or this.decision.other_id is None else one(known, this.decision.other_id)
    start = known.start(run.id) if isinstance(run, FlowRun) else None
    return Facts(
        this=this,
        step=this.step if this.step is not None or start is None else start.step,
        flow=flow,
        resumed_with=resumed_with,
        kept=_kept(known, this, flow),
        earlier=_same(known, run, RunFilter(older_than=run.id, limit=LOOKED_AT)),
        attempts=() if flow is None or resumed_with is None else _attempts(known, run, flow, resumed_with),
        maker=_maker(known, this, other),
        other=other,
        inputs=known.inputs_of((run.id,))[:LOOKED_AT],
    )


def with_details(known: Orchestrator, runs: Sequence[Run]) -> list[Known]:
    """The runs with their results and decisions."""
    ids = tuple(run.id for run in runs)
    if not ids:
        return []
    results = {each.run_id: each for each in known.results(ResultFilter(run_ids=ids))}
    decisions = {each.run_id: each for each in known.decisions(ids)}
    return [Known(run, results.get(run.id), decisions.get(run.id)) for run in runs]


def one(known: Orchestrator, id: str) -> Known | None:
    """A run by its id."""
    runs: list[Run] = [*known.task_runs(RunFilter(ids=(id,))), *known.flow_runs(RunFilter(ids=(id,)))]
    return next(iter(with_details(known, runs)), None)


def involved(known: Orchestrator, runs: Iterable[Run]) -> dict[str, Involved]:
    """What an explanation says of other runs, by their ids."""
    listed = list(runs)
    above = {run.id: run.flow_run_id if isinstance(run, TaskRun) else run.parent_flow_run_id for run in listed}
    ids = tuple({id for id in above.values() if id is not None})
    names: Mapping[str | None, str] = (
        {each.id: each.name for each in known.flow_runs(RunFilter(ids=ids))} if ids else {}
    )
    return {
        run.id: Involved(run.id, run.name, run.state_name, run.state_time, above[run.id], names.get(above[run.id]))
        for run in listed
    }


def _flow_of(known: Orchestrator, run: Run) -> FlowRun | None:
    id = run.flow_run_id if isinstance(run, TaskRun) else run.parent_flow_run_id
    return None if id is None else next(iter(known.flow_runs(RunFilter(ids=(id,)))), None)


def _resumed_with(known: Orchestrator, flow: FlowRun | None, created: Micros) -> StateRecord | None:
    if flow is None:
        return None
    states = [each for each in known.states(flow.id) if each.name in _WENT_ON and each.time <= created]
    return states[-1] if states else None


def _kept(known: Orchestrator, this: Known, flow: FlowRun | None) -> StateRecord | None:
    """The last time that a flow run was resumed after a crash and did not run this run again."""
    run, result = this.run, this.result
    if flow is None or result is None or result.step is None or result.kind == "unpersisted" or run.ended is None:
        return None
    ended = run.ended
    return next(
        (each for each in reversed(known.states(flow.id)) if each.name == "Resumed" and each.time > ended), None
    )


def _same(known: Orchestrator, run: Run, wanted: RunFilter) -> list[Known]:
    """The runs of the same task or flow that the filter lets through."""
    if isinstance(run, FlowRun):
        return with_details(known, known.flow_runs(wanted._replace(of=run.flow_name)))
    found = known.task_runs(wanted._replace(of=run.task_name))
    return with_details(known, [each for each in found if each.task_key == run.task_key])


def _attempts(known: Orchestrator, run: Run, flow: FlowRun, resumed_with: StateRecord) -> list[Known]:
    """The runs of the same task or flow that its flow run called before it was resumed."""
    ids = [flow.id]
    start = known.start(flow.id)
    if flow.parent_flow_run_id is not None and start is not None and start.step is not None:
        # A subflow is resumed as a new run.
        ids += [id for step, id in known.begun_steps(flow.parent_flow_run_id) if step == start.step]
    first_after = id_at(resumed_with.time + 1_000)  # ids distinguish milliseconds
    wanted = RunFilter(flow_run_ids=tuple(ids), older_than=first_after, before=resumed_with.time, limit=LOOKED_AT)
    return _same(known, run, wanted)


def _maker(known: Orchestrator, this: Known, other: Known | None) -> Known | None:
    if this.decision is None or this.decision.why not in ("cached", "waited", "reused"):
        return None
    for _ in range(_HOPS):
        decision = None if other is None else other.decision
        if decision is None or decision.why not in ("cached", "waited", "reused") or decision.other_id is None:
            break
        other = one(known, decision.other_id) or other
    return other
