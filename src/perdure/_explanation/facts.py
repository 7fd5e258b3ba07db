"""The records of a run, and of the runs before it: a few bounded queries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from perdure._explanation.types import Involved
from perdure._model.records import DecisionRecord, InputRecord, ResultRecord, StateRecord
from perdure._platform.clock import Micros
from perdure._platform.ids import id_at
from perdure._platform.named import NamedTuple
from perdure._rooms.results.records import ResultFilter
from perdure._rooms.runs.records import FlowRun, RunFilter, TaskRun
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


def gather(orchestrator: Orchestrator, run: Run) -> Facts:
    """All records of a run."""
    (this,) = with_details(orchestrator, [run])
    flow = _flow_of(orchestrator, run)
    resumed_with = _resumed_with(orchestrator, flow, run.created)
    other = (
        None if this.decision is None or this.decision.other_id is None else one(orchestrator, this.decision.other_id)
    )
    start = orchestrator.start(run.id) if isinstance(run, FlowRun) else None
    return Facts(
        this=this,
        step=this.step if this.step is not None or start is None else start.step,
        flow=flow,
        resumed_with=resumed_with,
        kept=_kept(orchestrator, this, flow),
        earlier=_same(orchestrator, run, RunFilter(older_than=run.id, limit=LOOKED_AT)),
        attempts=() if flow is None or resumed_with is None else _attempts(orchestrator, run, flow, resumed_with),
        maker=_maker(orchestrator, this, other),
        other=other,
        inputs=orchestrator.inputs_of((run.id,))[:LOOKED_AT],
    )


def with_details(orchestrator: Orchestrator, runs: Sequence[Run]) -> list[Known]:
    """The runs with their results and decisions."""
    ids = tuple(run.id for run in runs)
    if not ids:
        return []
    results = {each.run_id: each for each in orchestrator.results(ResultFilter(run_ids=ids))}
    decisions = {each.run_id: each for each in orchestrator.decisions(ids)}
    return [Known(run, results.get(run.id), decisions.get(run.id)) for run in runs]


def one(orchestrator: Orchestrator, id: str) -> Known | None:
    """A run by its id."""
    runs: list[Run] = [*orchestrator.task_runs(RunFilter(ids=(id,))), *orchestrator.flow_runs(RunFilter(ids=(id,)))]
    return next(iter(with_details(orchestrator, runs)), None)


def involved(orchestrator: Orchestrator, runs: Iterable[Run]) -> dict[str, Involved]:
    """What an explanation says of other runs, by their ids."""
    listed = list(runs)
    above = {run.id: run.flow_run_id if isinstance(run, TaskRun) else run.parent_flow_run_id for run in listed}
    ids = tuple({id for id in above.values() if id is not None})
    names: Mapping[str | None, str] = (
        {each.id: each.name for each in orchestrator.flow_runs(RunFilter(ids=ids))} if ids else {}
    )
    return {
        run.id: Involved(run.id, run.name, run.state_name, run.state_time, above[run.id], names.get(above[run.id]))
        for run in listed
    }


def _flow_of(orchestrator: Orchestrator, run: Run) -> FlowRun | None:
    id = run.flow_run_id if isinstance(run, TaskRun) else run.parent_flow_run_id
    return None if id is None else next(iter(orchestrator.flow_runs(RunFilter(ids=(id,)))), None)


def _resumed_with(orchestrator: Orchestrator, flow: FlowRun | None, created: Micros) -> StateRecord | None:
    if flow is None:
        return None
    states = [each for each in orchestrator.states(flow.id) if each.name in _WENT_ON and each.time <= created]
    return states[-1] if states else None


def _kept(orchestrator: Orchestrator, this: Known, flow: FlowRun | None) -> StateRecord | None:
    """The last time that a flow run was resumed after a crash and did not run this run again."""
    run, result = this.run, this.result
    if flow is None or result is None or result.step is None or result.kind == "unpersisted" or run.ended is None:
        return None
    ended = run.ended
    return next(
        (each for each in reversed(orchestrator.states(flow.id)) if each.name == "Resumed" and each.time > ended), None
    )


def _same(orchestrator: Orchestrator, run: Run, wanted: RunFilter) -> list[Known]:
    """The runs of the same task or flow that the filter lets through."""
    if isinstance(run, FlowRun):
        return with_details(orchestrator, orchestrator.flow_runs(wanted._replace(of=run.flow_name)))
    found = orchestrator.task_runs(wanted._replace(of=run.task_name))
    return with_details(orchestrator, [each for each in found if each.task_key == run.task_key])


def _attempts(orchestrator: Orchestrator, run: Run, flow: FlowRun, resumed_with: StateRecord) -> list[Known]:
    """The runs of the same task or flow that its flow run called before it was resumed."""
    ids = [flow.id]
    start = orchestrator.start(flow.id)
    if flow.parent_flow_run_id is not None and start is not None and start.step is not None:
        # A subflow is resumed as a new run.
        ids += [id for step, id in orchestrator.begun_steps(flow.parent_flow_run_id) if step == start.step]
    first_after = id_at(resumed_with.time + 1_000)  # ids distinguish milliseconds
    wanted = RunFilter(flow_run_ids=tuple(ids), older_than=first_after, before=resumed_with.time, limit=LOOKED_AT)
    return _same(orchestrator, run, wanted)


def _maker(orchestrator: Orchestrator, this: Known, other: Known | None) -> Known | None:
    if this.decision is None or this.decision.why not in ("cached", "waited", "reused"):
        return None
    for _ in range(_HOPS):
        decision = None if other is None else other.decision
        if decision is None or decision.why not in ("cached", "waited", "reused") or decision.other_id is None:
            break
        other = one(orchestrator, decision.other_id) or other
    return other
