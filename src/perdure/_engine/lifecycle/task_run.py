"""The lifecycle of a task run."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from perdure._engine.identity.cache_key import CacheKey
from perdure._engine.identity.identity import identify_late
from perdure._engine.lifecycle.attempt import Made, Produced, produce
from perdure._engine.lifecycle.cache_lookup import cache_key_of_run, cached_state
from perdure._engine.lifecycle.ending_with_result import become_new, finished_before
from perdure._engine.lifecycle.outcomes import Outcome, outcome_of_task
from perdure._engine.lifecycle.retries import is_retried, wait_for_retry
from perdure._engine.lifecycle.run_hooks import call_hooks
from perdure._engine.lifecycle.runs import crash, end, enter, name_run, stay, text_of
from perdure._engine.lifecycle.tag_limits import release_slots_of_tags, slots_of_tags
from perdure._engine.lifecycle.upstream import UpstreamNotCompleted, resolved
from perdure._engine.lifecycle.why_computed import given_to
from perdure._engine.port import Runtime
from perdure._engine.recovery.durable_timers import resume_retries
from perdure._model.errors import RunTimeout
from perdure._model.options import TaskOptions
from perdure._model.records import Record
from perdure._model.state_types import StateType
from perdure._model.states import State
from perdure._run.arguments import Upstream, WaitedFor, is_atom
from perdure._run.context import TaskRunContext
from perdure._run.effects import Blocking, Report, Steps

S = StateType


@dataclass(slots=True, eq=False, repr=False)
class TaskCall:
    """One call of a task: its run, and what it still has to wait for."""

    run: TaskRunContext
    upstreams: Sequence[Upstream] | None = None  # the futures and states inside the parameters
    wait_for: Sequence[WaitedFor] = ()
    records: list[Record] = field(default_factory=list)  # of the run's creation, until they are reported
    cache_key: CacheKey | None = None  # once it is known: perhaps before the run goes to another process
    earlier_id: str | None = None  # of the run that it was before its flow run crashed, and is to stay
    made: Made | None = None  # what the first attempt came to, if it has been made: see `_engine.direct`

    def become_new(self) -> None:
        """Be a run of its own, if that has to be reported of it which would not be so of the earlier one."""
        if self.records and self.run.id == self.earlier_id:
            become_new(self.run, self.records)


def task_run(call: TaskCall, runtime: Runtime) -> Steps[State[object]]:
    """All steps of a task run, from its creation to its final state, which it returns."""
    run = call.run
    try:
        state = yield from _task_run(call, runtime)
    except UpstreamNotCompleted as upstream:
        state = yield from _not_ready(call, runtime, upstream)
    except BaseException as error:
        state = yield from stopped(call, runtime, error)
    finally:
        if run.claim is not None:
            runtime.claims.release_own(run)
        if runtime.limiter.held:
            yield from release_slots_of_tags(run, runtime)
    return state


def stopped(call: TaskCall, runtime: Runtime, error: BaseException) -> Steps[State[object]]:
    """End a run that was stopped from outside its own code; raises the error if that came after its end."""
    run = call.run
    call.become_new()
    if call.records:  # stopped before they were reported
        yield Report(call.records)
    state = yield from crash(run, runtime, error)
    if isinstance(error, KeyboardInterrupt) and run.flow is not None:
        run.flow.root.interrupt = error
    if not (state.is_crashed() or state.is_cancelled()):
        raise error  # then the caller is to know
    return state


def prepare(call: TaskCall, runtime: Runtime, place: object) -> Steps[bool]:
    """Put values in the place of all futures and states; whether the task can run, perhaps in another process.

    Values that are held in the `place` where it is to run stay there, unless what identifies the run depends on them.
    """
    try:
        depends = call.run.options.is_cached or (call.run.persisted and call.run.identity is None)
        yield from _take_inputs(call, runtime, None if depends else place)
        if (yield from finished_before(call.run, call.records, runtime)) is not None:
            return False
        if call.records:  # it was to stay an earlier run, whose result cannot be read
            yield Report(call.records)
            call.records = []
        if call.run.identity is not None:
            yield from resume_retries(call.run, runtime)
        if call.run.options.cache_policy is not None:  # the other process has neither its source nor all of the flow
            call.cache_key = yield from cache_key_of_run(call.run, runtime)
    except UpstreamNotCompleted as upstream:
        yield from _not_ready(call, runtime, upstream)
        return False
    except BaseException as error:
        call.become_new()
        yield Report(call.records)
        yield from crash(call.run, runtime, error)
        return False
    return True


def lost(run: TaskRunContext, runtime: Runtime, error: BaseException) -> Steps[bool]:
    """Whether a run is tried again whose worker was lost while it ran: once its delay is over, as after a failure."""
    outcome = Outcome(S.CRASHED, str(error), error)
    if not (yield from is_retried(run, runtime, outcome)):
        return False
    yield from wait_for_retry(run, runtime, outcome)
    return True


def _take_inputs(call: TaskCall, runtime: Runtime, place: object = None) -> Steps[None]:
    """Put values in the place of all futures and states; now the run's identity can be known, if it was not before."""
    run = call.run
    if call.upstreams is not None or call.wait_for:
        try:
            run.parameters = yield from resolved(run.parameters, call.upstreams or (), call.wait_for, place)
        except UpstreamNotCompleted:
            if run.flow is not None:
                run.flow.controller.check()  # if that was cancelled because their flow run is, this one is, too
            raise
        call.upstreams, call.wait_for = None, ()
    identify_late(run, runtime)


def _before_attempts(call: TaskCall, runtime: Runtime) -> Steps[State[object] | None]:
    """What precedes a run's attempts: its inputs, its name, its cache key. A final state, if it needs no attempt."""
    run = call.run
    options: TaskOptions = run.options
    if run.persisted or call.upstreams is not None or call.wait_for:
        yield from _take_inputs(call, runtime)
    if run.identity is not None:
        state = yield from finished_before(run, call.records, runtime)
        if state is not None:
            return state
        yield from resume_retries(run, runtime)
    if options.run_name is not None:
        try:
            call.records += yield from name_run(run, options.run_name)
        except Exception as error:
            return (yield from _fail(call, runtime, _failure(run, error)))
    if options.is_cached:
        call.cache_key = call.cache_key or (yield from cache_key_of_run(run, runtime))
        state = yield from cached_state(run, call.records, runtime, call.cache_key)
        if state is not None:
            return state
    if run.persisted and not runtime.can_persist(run):
        yield Blocking(runtime.check_persisting, (run,))
    return None


def _task_run(call: TaskCall, runtime: Runtime) -> Steps[State[object]]:
    run = call.run
    options: TaskOptions = run.options
    produced, made = Produced(), call.made
    call.made = None
    if made is None:
        state = yield from _before_attempts(call, runtime)
        if state is not None:
            return state
        yield from _begin_attempt(call, runtime)
    while True:
        try:
            outcome = _outcome_of((yield from produce(run, produced, runtime, made)), options)
        except Exception as error:
            if error is produced.unkept:
                raise
            if run.flow is not None:  # what fails since others were cancelled is cancelled itself
                run.flow.controller.check()
            outcome = _failure(run, produced.own(error))
        made = None
        if outcome.kind is S.COMPLETED:
            value, name, key = outcome.value, outcome.name, call.cache_key
            return (yield from end(run, runtime, S.COMPLETED, outcome.message, value, name=name, cache_key=key))
        if not outcome.is_final:  # a task that returns, say, Scheduled() by hand
            return (yield from stay(run, runtime, outcome.kind, outcome.message, outcome.value, outcome.name))
        if outcome.kind is not S.FAILED or not (yield from is_retried(run, runtime, outcome)):
            return (yield from _fail(call, runtime, outcome))
        if runtime.limiter.held:
            yield from release_slots_of_tags(run, runtime)
        yield from wait_for_retry(run, runtime, outcome)
        yield from _begin_attempt(call, runtime)


def _begin_attempt(call: TaskCall, runtime: Runtime) -> Steps[None]:
    run = call.run
    if run.tags and runtime.limiter.concerns(run.tags):
        yield from slots_of_tags(run, call.records, runtime)
    run.run_count += 1
    name = None if run.run_count == 1 else "Retrying"
    call.records.append(enter(run, runtime, S.RUNNING, name=name))
    yield Report(call.records)
    call.records = []
    if run.run_count == 1 and run.options.on_running:
        yield from call_hooks(run, runtime)


def _outcome_of(value: object, options: TaskOptions) -> Outcome:
    if options.is_generator or is_atom(value):
        return Outcome(S.COMPLETED, None, value)
    return outcome_of_task(value)


def _failure(run: TaskRunContext, error: Exception) -> Outcome:
    if isinstance(error, RunTimeout) and error.run_id == run.id:
        return Outcome(S.FAILED, str(error), error, "TimedOut")
    said = text_of(error).rstrip()
    text = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return Outcome(S.FAILED, f"Task run encountered an exception {text}", error)


def _fail(call: TaskCall, runtime: Runtime, outcome: Outcome) -> Steps[State[object]]:
    error = outcome.value if isinstance(outcome.value, BaseException) else None
    runtime.log(call.run, logging.ERROR, "%s", outcome.said, error=error)
    yield Report((*call.records, *given_to(call.run, runtime)))  # of records, there are some if it has not run
    return (yield from end(call.run, runtime, outcome.kind, outcome.message, outcome.value, name=outcome.name))


def _not_ready(call: TaskCall, runtime: Runtime, upstream: UpstreamNotCompleted) -> Steps[State[object]]:
    call.become_new()
    run = call.run
    runtime.log(run, logging.WARNING, "%s The task is not run.", upstream)
    yield Report((*call.records, enter(run, runtime, S.PENDING, str(upstream), name="NotReady")))
    assert run.state is not None
    return run.state
