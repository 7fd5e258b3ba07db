"""Finding flow runs whose process is gone, and what going on with one needs."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from perdure.core.clock import Clock
from perdure.core.errors import ResumeError, RunMissing, SerializationError
from perdure.core.processes import is_alive
from perdure.core.records import FlowRun, ProcessRecord, Record, RunFilter, StartRecord, StateRecord, TaskRun
from perdure.core.states import ABANDONED, FINAL, StateType
from perdure.engine.hashing import digest_of_values
from perdure.engine.starts import unpacked
from perdure.orchestrator.protocol import Orchestrator


class Resumable(NamedTuple):
    """A flow run that can be gone on with."""

    run: FlowRun
    start: StartRecord
    attempts: int  # that failed before: they count towards the flow's retries
    retry_failed: bool  # whether its tasks that failed are run again


class Resumes(Protocol):
    """What the functions below need of a session."""

    orchestrator: Orchestrator
    clock: Clock

    @property
    def process_id(self) -> str:
        """The id by which the orchestrator knows this process."""


def lost_runs(world: Resumes) -> Iterator[FlowRun]:
    """The outermost flow runs that have not ended, but whose process has; oldest first."""
    known = world.orchestrator
    for run_id in known.unfinished_roots():
        start = known.start(run_id)
        if start is not None and not _runs(start, world):
            yield from known.flow_runs(RunFilter(ids=(run_id,)))


def crashed_with(flow_name: str, parameters: Mapping[str, Any], world: Resumes) -> Iterator[Resumable]:
    """The crashed outermost runs of a flow with equal arguments, oldest first; lost ones are Crashed from now on."""
    try:
        wanted = digest_of_values(dict(parameters))
    except SerializationError:  # nothing can be said to be equal
        return
    known = world.orchestrator
    for run_id in known.unfinished_roots():
        (run,) = known.flow_runs(RunFilter(ids=(run_id,)))
        if run.flow_name != flow_name:
            continue
        try:
            again = resumable(run_id, world, retry_failed=False)
            if digest_of_values(unpacked(again.start.arguments, run_id)) == wanted:
                yield again
        except (ResumeError, SerializationError):  # it still runs, or its arguments are not to be had
            continue


def claimed(again: Resumable, world: Resumes) -> bool:
    """Whether it is this process that goes on with the run: of several that want to, one does."""
    return world.orchestrator.claim(again.run.id, again.start.process_id, world.process_id)


def resumable(run_id: str, world: Resumes, retry_failed: bool) -> Resumable:
    """A flow run with all that going on with it needs; it is Crashed from now on, if its process is gone.

    Raises:
        RunMissing: there is none.
        ResumeError: it still runs, has ended well, or is part of another one.
    """
    known = world.orchestrator
    run = next(iter(known.flow_runs(RunFilter(ids=(run_id,)))), None)
    if run is None:
        raise RunMissing(f"No flow run has the id {run_id}. `perdure flow-run ls` lists them.")
    start = known.start(run.id)
    if run.parent_flow_run_id is not None:
        raise ResumeError(f"{_the(run)} is part of the flow run {run.parent_flow_run_id}. Resume that one.")
    if start is None:
        raise ResumeError(f"{_the(run)} was not run by a process that could be gone on from. Run the flow anew.")
    if run.state_type is StateType.COMPLETED:
        raise ResumeError(f"{_the(run)} has completed: there is nothing to go on with. Rerun it to run it again.")
    if run.state_type is StateType.CANCELLED:
        raise ResumeError(f"{_the(run)} was cancelled. Rerun it to run it again.")
    if run.state_name == ABANDONED:
        raise ResumeError(f"{_the(run)} was abandoned. Rerun it to run it again.")
    if run.state_type is StateType.FAILED and not retry_failed:
        raise ResumeError(f"{_the(run)} has failed. Resume it with retry_failed=True (--retry-failed), or rerun it.")
    if run.state_type not in FINAL:
        process = known.process(start.process_id)
        if process is not None and is_alive(process, world.clock()):
            raise ResumeError(f"{_the(run)} still runs, in the process {process.pid} on {_machine(process)}.")
        known.commit(crashed(run, process, world))
    failures = sum(state.name == "AwaitingRetry" for state in known.states(run.id))
    return Resumable(run, start, failures, retry_failed)


def crashed(run: FlowRun, process: ProcessRecord | None, world: Resumes) -> list[Record]:
    """The states that end a lost flow run and all below it that has not ended."""
    where = "" if process is None else f" ({process.pid} on {_machine(process)})"
    now = world.clock()
    records: list[Record] = []
    for each in _unfinished_below(run, world.orchestrator):
        world.orchestrator.states(each.id)  # so that ours come after them, though the clock was set back since
        was = each.state_name or "not begun"
        message = f"The process that ran it{where} is gone. It was last known {was}."
        records.append(StateRecord(each.id, isinstance(each, TaskRun), StateType.CRASHED, "Crashed", message, now))
    return records


def _unfinished_below(run: FlowRun, known: Orchestrator) -> Iterator[FlowRun | TaskRun]:
    if run.state_type not in FINAL:
        yield run
    yield from (each for each in known.task_runs(RunFilter(flow_run_ids=(run.id,))) if each.state_type not in FINAL)
    for below in known.flow_runs(RunFilter(flow_run_ids=(run.id,))):
        yield from _unfinished_below(below, known)


def _runs(start: StartRecord, world: Resumes) -> bool:
    process = world.orchestrator.process(start.process_id)
    return process is not None and is_alive(process, world.clock())


def _the(run: FlowRun) -> str:
    return f"The flow run {run.name!r} ({run.id})"


def _machine(process: ProcessRecord) -> str:
    return process.host.partition("/")[0] or "this machine"
