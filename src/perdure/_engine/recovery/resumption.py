"""Resuming flow runs: whether one may be, whose it is then, and what calling its function again needs.

The problem: a process was killed in the middle of a flow. What it had finished is in the database; where it was in the
user's code is not, and cannot be: Python cannot save a stack. And two processes may want to resume the same run.

The idea: nothing is restored. The flow's function is called again from its first line, as the same flow run, with the
same arguments. Each step that had finished ends at once with its recorded result, found by its *identity* (the
function, digests of its arguments, and its position among equal calls; `_engine.identity.identity`):

    first process                       second process, the same flow run
    a = load("x")      Completed        load("x") is found: its result is read, and it does not run
    b = train(a)       killed here      train(a) is not: it runs
                                        report(b) runs

That a step which had finished is not run again is decided when it is called: in
`_engine.lifecycle.begin._finished_before_crash`, and where that has to take a closer look, or the run was retried, in
`_engine.lifecycle.ending_with_result.finished_before`. This module does all before that: whether the run may be
resumed, and whose it is. Which runs are lost is said in `_engine.recovery.lost_runs`; claiming itself is in
`_engine.recovery.run_claims`.

A claim is one UPDATE with a condition: the run's owner, its epoch and its state must be as they were read. Of several
that try, one changes the row; the others find nothing to change. The claim and the run's new state are one
transaction, and the new epoch fences off the process before (`_store.sql.fencing`).

What always holds:

- Read the owner (`start`) before the run, and claim by both. Who claims in between has changed the one or the other;
  the other way round, one could take the new owner for the lost one.
- A run is marked Crashed with all runs below it, in one claim: never half a tree.
- Read the states before writing one (`known.states`), so that ours are ordered after them, whatever the clocks say.
- This process's heartbeat is committed before it claims anything (`presence`): or the next one would find the new
  owner lost.
- Liveness may be wrong; the claim may not. Where it is not known whether a process lives, the run is left alone.

What differs between two executions of the flow's code (the time, random numbers, an order of threads) changes
identities: then a step just runs again. It never gets the result of a call with other arguments.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from perdure._engine.identity.projects import code_of, is_of
from perdure._engine.port import ProcessRuntime
from perdure._engine.recovery.durable_timers import SUSPENDED, is_open_pause
from perdure._engine.recovery.lost_runs import crashed, place_of
from perdure._engine.recovery.process_liveness import Liveness
from perdure._engine.recovery.run_claims import claim, ends_below, note, run_of, unfinished_below
from perdure._engine.recovery.start_record import arguments_of
from perdure._model.errors import ResumeError, SerializationError
from perdure._model.flow_names import is_same_flow
from perdure._model.options import FlowOptions
from perdure._model.records import NOBODY, ProcessRecord, Record, StartRecord, StateRecord
from perdure._model.state_types import ABANDONED, FINAL, StateType
from perdure._model.stopped_runs import last_state
from perdure._platform.lazy_import import LazyModule
from perdure._platform.named import NamedTuple
from perdure._rooms.runs.records import FlowRun, RunFilter, TaskRun
from perdure._run.process_identity import machine_of

if TYPE_CHECKING:
    from perdure._engine.identity import hashing
else:  # few programs need it; the others start faster
    hashing = LazyModule("perdure._engine.identity.hashing")


_CLAIMS = 3  # of a run that waits for a worker


class Resumable(NamedTuple):
    """A flow run that can be resumed."""

    run: FlowRun
    start: StartRecord
    epoch: int  # of the claim by which it is this process's, once it is
    attempts: int  # that failed before: they count towards the flow's retries
    retry_failed: bool  # whether its tasks that failed are run again
    state: StateRecord | None = None  # in which it is now that it was claimed
    seen: int | None = None  # its epoch as it was found; None if it is to be looked up


def crashed_with(
    options: FlowOptions, parameters: Mapping[str, object], runtime: ProcessRuntime
) -> Iterator[Resumable]:
    """The crashed outermost runs of a flow with equal arguments, oldest first; lost ones are Crashed from now on."""
    try:
        wanted = hashing.digest_of_values(dict(parameters))
    except SerializationError:  # nothing can be said to be equal
        return
    orchestrator = runtime.orchestrator
    for run_id in orchestrator.unfinished_roots():
        (run,) = orchestrator.flow_runs(RunFilter(ids=(run_id,)))
        if not is_same_flow(options.name, run.flow_name) and not options.is_called(run.flow_name):
            continue
        start = orchestrator.start(run_id)
        code = code_of(start)
        if start is None or start.process_id == NOBODY:  # it waits to be begun by a worker
            continue
        if code is None or not is_of(code, options):  # of another script, or another project in the same home
            continue
        try:
            again = resumable(run_id, runtime, retry_failed=False, patiently=False)
            if hashing.digest_of_values(arguments_of(again.start, again.run)) == wanted:
                yield again
        except (ResumeError, SerializationError):  # it still runs, or its arguments are not to be had
            continue


def claimed(again: Resumable, runtime: ProcessRuntime) -> Resumable | None:
    """The run for this process to resume; None if another process does: of several that try, one succeeds."""
    kind = StateType.SCHEDULED if again.run.state_type is StateType.PAUSED else StateType.PENDING
    name = "Pending" if again.start.process_id == NOBODY else "Resuming"
    state = StateRecord(again.run.id, False, kind, name, None, runtime.clock())
    epoch = claim(again.run, again.start, runtime, (state,), again.seen)
    if epoch is None:
        return None
    if again.run.state_type is StateType.CRASHED:
        _end_what_runs_below(again.run, runtime)
    return again._replace(state=state, epoch=epoch)


def claimed_for_sure(found: Resumable, runtime: ProcessRuntime) -> Resumable:
    """The same; one that waits for a worker may just have come to be late, and is claimed as it is then.

    Raises:
        ResumeError: another process has it.
    """
    again = claimed(found, runtime)
    for _ in range(_CLAIMS if found.start.process_id == NOBODY else 0):
        if again is None:
            again = claimed(resumable(found.run.id, runtime, retry_failed=False), runtime)
    if again is None:
        raise ResumeError(f"Another process has resumed the flow run {found.run.id} already.")
    return again


def claimed_with(options: FlowOptions, parameters: Mapping[str, object], runtime: ProcessRuntime) -> Resumable | None:
    """The first crashed run of a flow with equal arguments that this process has from now on; None if there is none."""
    tried = (claimed(each, runtime) for each in crashed_with(options, parameters, runtime))
    return next((each for each in tried if each is not None), None)


def release_claim(again: Resumable, runtime: ProcessRuntime) -> None:
    """Mark a run Crashed that this process has claimed, and does not resume after all, so that it can be resumed."""
    run = run_of(again.run.id, runtime.orchestrator)
    message = "It was cancelled before it was resumed."
    ends = ends_below(run, StateType.CRASHED, lambda _: message, runtime.clock(), runtime.orchestrator)
    note(run, again.start._replace(process_id=runtime.process_id), runtime, ends)


def _end_what_runs_below(run: FlowRun, runtime: ProcessRuntime) -> None:
    """End what the process before has begun since the run counts as crashed: it may have been cut off for a time."""
    orchestrator, now, records = runtime.orchestrator, runtime.clock(), list[Record]()
    for each in unfinished_below(run, orchestrator):
        if each.state_type is StateType.RUNNING:
            orchestrator.states(each.id)  # so that ours come after them, though the clock was set back since
            message = "Its flow run was resumed by another process."
            kind = StateType.CRASHED
            records.append(StateRecord(each.id, isinstance(each, TaskRun), kind, kind.capitalize(), message, now))
    if records:
        orchestrator.commit(records)


def resumable(
    run_id: str, runtime: ProcessRuntime, retry_failed: bool, *, patiently: bool = True, take_over: bool = False
) -> Resumable:
    """A flow run with all that resuming it needs; it is Crashed from now on, if its process is lost.

    Whether a process of another machine is gone may take a lease to find out: `patiently` waits for that.
    With `take_over`, one that still runs is taken from its process, of which nothing is kept from then on.

    Raises:
        RunMissing: there is none.
        ResumeError: it still runs, has ended well, or is part of another one.
    """
    orchestrator = runtime.orchestrator
    start = orchestrator.start(run_id)  # first: who claims the run after this has changed what it is claimed by
    run = run_of(run_id, orchestrator)
    if run.parent_flow_run_id is not None:
        raise ResumeError(f"{_the(run)} is part of the flow run {run.parent_flow_run_id}. Resume that one.")
    if start is None or run.state_type is None:
        raise ResumeError(f"{_the(run)} has no process to resume from. Run the flow again.")
    if run.state_type is StateType.COMPLETED:
        raise ResumeError(f"{_the(run)} has completed: there is nothing to resume. Rerun it to run it again.")
    if run.state_type is StateType.CANCELLED:
        raise ResumeError(f"{_the(run)} was cancelled. Rerun it to run it again.")
    if run.state_name == ABANDONED:
        raise ResumeError(f"{_the(run)} was abandoned. Rerun it to run it again.")
    if run.state_type is StateType.FAILED and not retry_failed:
        raise ResumeError(f"{_the(run)} has failed. Resume it with retry_failed=True (--retry-failed), or rerun it.")
    if run.state_type is StateType.FAILED:
        orchestrator.withdraw(run.id)
    elif orchestrator.cancellation(run.id) is not None:
        raise ResumeError(f"{_the(run)} was to be cancelled when its process ended. Cancel it again, or rerun it.")
    if run.state_name == SUSPENDED:
        if any(is_open_pause(wait) for wait in orchestrator.waits(run.id)):
            raise ResumeError(f"{_the(run)} is suspended. `perdure flow-run continue {run.id}` resumes it.")
    elif run.state_type not in FINAL and start.process_id != NOBODY:
        process = orchestrator.process(start.process_id)
        if take_over:
            _take_over(run, start, runtime, process)
        elif process is not None and _is_alive(process, runtime.liveness, patiently):
            raise ResumeError(_STILL_RUNS.format(_the(run), process.pid, machine_of(process)))
        else:
            note(run, start, runtime, crashed(run, process, runtime))
        return resumable(run_id, runtime, retry_failed, patiently=patiently, take_over=take_over)
    failures = sum(state.name == "AwaitingRetry" for state in orchestrator.states(run.id))
    return Resumable(run, start, 0, failures, retry_failed)


_STILL_RUNS = (
    "{} still runs, in the process {} on {}. Stop it there; or take it over with take_over=True (--take-over): then "
    "that process stops, and its further reports are refused."
)
_TAKEN_OVER = "It was taken over from its process{}. {}"


def _take_over(run: FlowRun, start: StartRecord, runtime: ProcessRuntime, process: ProcessRecord | None) -> None:
    """Have a flow run be this process's, Crashed, whoever still runs it."""
    if start.process_id == runtime.process_id:
        raise ResumeError(f"{_the(run)} runs in this very process. Wait for it, or cancel it.")
    if claim(run, start, runtime, ()) is None:
        return
    # Only now does nothing of it change any more: what that process had finished by then counts.
    where = place_of(process)

    def message(each: FlowRun | TaskRun) -> str:
        return _TAKEN_OVER.format(where, last_state(each.state_name))

    orchestrator = runtime.orchestrator
    ends = ends_below(run_of(run.id, orchestrator), StateType.CRASHED, message, runtime.clock(), orchestrator)
    note(run_of(run.id, orchestrator), start._replace(process_id=runtime.process_id), runtime, ends)


def _is_alive(process: ProcessRecord, liveness: Liveness, patiently: bool) -> bool:
    return not liveness.is_gone(process.id) if patiently else liveness.is_alive(process.id)


def _the(run: FlowRun) -> str:
    return f"The flow run {run.name!r} ({run.id})"
