"""The lifecycle of a flow run."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from perdure._engine.coordination.transaction_lifecycle import recovered
from perdure._engine.identity.identity import identify_late
from perdure._engine.lifecycle.attempt import Produced, produce
from perdure._engine.lifecycle.ending_with_result import become_new, finished_before
from perdure._engine.lifecycle.outcomes import Outcome, outcome_of_flow
from perdure._engine.lifecycle.retries import is_retried, wait_for_retry
from perdure._engine.lifecycle.run_hooks import call_hooks
from perdure._engine.lifecycle.runs import crash, end, enter, name_run, stay, text_of
from perdure._engine.lifecycle.upstream import UpstreamNotCompleted, resolved
from perdure._engine.lifecycle.validation import validated
from perdure._engine.port import Runtime
from perdure._engine.recovery.durable_timers import resume_retries
from perdure._engine.recovery.rerun_from_step import take_over_steps
from perdure._model.errors import CrashedRun, OrchestratorError, RunTimeout, SuspendRequested, UpstreamTaskError
from perdure._model.records import Record
from perdure._model.state_types import StateType
from perdure._model.states import State
from perdure._run.arguments import Upstream, WaitedFor
from perdure._run.context import FlowRunContext
from perdure._run.effects import Blocking, Call, Report, Steps, WaitFor

S = StateType
_GRACE_SECONDS = 10.0  # for running tasks to end, once their flow run is stopped


@dataclass(slots=True, eq=False, repr=False)
class FlowCall:
    """One call of a flow: its run, and what it still has to wait for."""

    run: FlowRunContext
    upstreams: Sequence[Upstream] | None = None
    wait_for: Sequence[WaitedFor] = ()
    records: list[Record] = field(default_factory=list)
    earlier_id: str | None = None  # of the run that a subflow was before a crash, and is to stay
    is_claimed: bool = False  # whether it resumes a run, or begins one that waited for a worker

    def become_new(self) -> None:
        """Be a run of its own, if that has to be reported of it which would not be so of the earlier one."""
        if self.records and self.run.id == self.earlier_id:
            become_new(self.run, self.records)


def flow_run(call: FlowCall, runtime: Runtime) -> Steps[State[object]]:
    """All steps of a flow run, from its creation to its final state, which it returns."""
    run = call.run
    run.controller.flows.append(run)
    try:
        return (yield from _flow_run(call, runtime))
    except SuspendRequested as request:
        yield from _created(call)
        run.interrupt = None
        yield from _settle(run, runtime, failed=True)
        run.controller.check()
        yield Blocking(runtime.commit, ((enter(run, runtime, S.PAUSED, str(request), name="Suspended"),),))
        assert run.state is not None
        return run.state
    except BaseException as error:
        yield from _created(call)
        yield from _stop(run, runtime, error)
        state = yield from crash(run, runtime, error)
        if run.controller.lost is not None and run.parent is None:
            run.interrupt = None  # it ends with an error of its own
        elif not isinstance(error, OrchestratorError):
            yield Blocking(runtime.commit, ((),))
        return state
    finally:
        run.controller.flows.remove(run)
        if run.parent is None and run.controller.lost is None:
            runtime.disown(run)


def _created(call: FlowCall) -> Steps[None]:
    """Report the run's creation, unless that has been done."""
    if call.records:
        call.become_new()
        records, call.records = call.records, []
        yield Report(records)


def _stop(run: FlowRunContext, runtime: Runtime, error: BaseException) -> Steps[None]:
    """Cancel what the flow run has submitted and has not begun, and give what runs some time to end."""
    run.interrupt = error
    request, grace = run.controller.request, _GRACE_SECONDS
    if request is not None:
        grace = run.controller.seconds_left
        if run.parent is None and run.controller.announce():
            yield Report((enter(run, runtime, S.CANCELLING, f"Cancelled by {request.asked_by}."),))
    runtime.cancel_outstanding(run)
    if run.outstanding:
        waiting = "Stopping: %d tasks still run, and get %g s to end. Ctrl-C again abandons them."
        runtime.log(run, logging.WARNING, waiting, len(run.outstanding), grace)
    try:
        yield from _settle(run, runtime, grace)
    except BaseException as another:  # such as a second Ctrl-C: nothing more is waited for
        runtime.log(run, logging.WARNING, "Stopped by %s before all tasks had ended.", type(another).__name__)
    if run.outstanding and run.task_runner is not None:
        run.task_runner.cancel()
    for submitted in tuple(run.outstanding.values()):
        submitted.crash(CrashedRun("The task had not ended when its flow run was stopped."))


def _flow_run(call: FlowCall, runtime: Runtime) -> Steps[State[object]]:
    run = call.run
    options = run.options
    if run.parent is None:
        # Others see it while it runs, and a database that cannot be used is found out before the work is done.
        records, call.records = call.records, []
        first = (*records, *runtime.start_of(run))
        # Of one that was claimed, the claim has been committed just now.
        yield Report(first) if call.is_claimed else Blocking(runtime.commit, (first,))
        run.controller.check()
    elif call.earlier_id is None:
        yield from _created(call)
    try:
        if call.upstreams is not None or call.wait_for:
            run.parameters = yield from resolved(run.parameters, call.upstreams or (), call.wait_for)
        if run.parent is not None:
            identify_late(run, runtime)
            state = yield from finished_before(run, call.records, runtime)
            if state is not None:
                return state
            yield from _created(call)
            if run.step is not None:
                yield Report(runtime.start_of(run))
                run.resumed_from = _unfinished_before(run)
        if run.parent is None and run.resumed_from:
            yield from recovered(run, runtime)
        yield from _take_over(run, runtime)
        if options.validate_parameters:
            run.parameters = validated(options, run.parameters)
        if options.run_name is not None:
            yield Report((yield from name_run(run, options.run_name)))
    except UpstreamNotCompleted as upstream:
        run.controller.check()  # if that was cancelled because their flow run is, this one is, too
        yield from _created(call)
        return (yield from _end(run, runtime, _failed(run, UpstreamTaskError(str(upstream)))))
    except Exception as error:
        yield from _created(call)
        return (yield from _end(run, runtime, _failed(run, error)))
    if run.persisted and not runtime.can_persist(run):
        yield Blocking(runtime.check_persisting, (run,))
    produced = Produced()
    while True:
        outcome = yield from _attempt(run, runtime, produced)
        if outcome.kind is not S.FAILED or not (yield from is_retried(run, runtime, outcome)):
            return (yield from _end(run, runtime, outcome))
        run.earlier = {step: found for step, found in run.earlier.items() if not found.is_exception}
        yield from wait_for_retry(run, runtime, outcome)


def _take_over(run: FlowRunContext, runtime: Runtime) -> Steps[None]:
    """Have a flow run know what it had done before a crash, and what it reuses of another one."""
    if run.resumed_from:
        run.earlier, run.begun = yield Blocking(runtime.steps_of, (run.resumed_from, run.root.retries_failed))
        run.waits = yield Blocking(runtime.waits_of, (run.resumed_from,))
    if run.reuses is not None and run.reuses.before is not None:
        yield from take_over_steps(run, run.reuses, runtime)
    if run.resumed_from:
        yield from resume_retries(run, runtime)


def _unfinished_before(run: FlowRunContext) -> tuple[str, ...]:
    """The ids of the subflow runs that were this one, before a crash of the flow run above."""
    parent = run.parent
    return tuple(parent.begun.get(run.identity or "", ())) if isinstance(parent, FlowRunContext) else ()


def _attempt(run: FlowRunContext, runtime: Runtime, produced: Produced) -> Steps[Outcome]:
    run.begin_attempt()
    run.run_count += 1
    resumed = bool(run.resumed_from) and produced.error is None
    name = "Resumed" if resumed else None if run.run_count == 1 else "Retrying"
    yield Report((enter(run, runtime, S.RUNNING, name=name),))
    before = _reusable(run) if resumed else []
    if resumed:
        done = len(run.earlier)
        words = "step is" if done == 1 else "steps are"
        runtime.log(run, logging.INFO, "Resumed flow '%s': %d %s done", run.options.name, done, words)
    elif run.run_count == 1:
        runtime.log(run, logging.INFO, "Began flow '%s'", run.options.name)
        if run.reuses is not None and run.reuses.before is not None:
            reused, source = len(run.earlier), run.reuses.flow_run_id
            runtime.log(run, logging.INFO, "%d steps of the flow run %s can be reused", reused, source)
    if run.options.on_running and produced.error is None:
        yield from call_hooks(run, runtime)
    try:
        value = yield from produce(run, produced, runtime)
        yield from _settle(run, runtime)
        outcome = outcome_of_flow(run, value)
    except Exception as error:
        if error is produced.unkept:
            raise
        yield from _settle(run, runtime, failed=True)
        outcome = _failed(run, produced.own(error))
    if run.interrupt is not None:
        raise run.interrupt
    run.controller.check()
    if before and run.finished.keys().isdisjoint(before):
        runtime.log(run, logging.WARNING, _NONE_REUSED, len(before))
    return outcome


_NONE_REUSED = (
    "None of the steps that were done before was called again, of %d: a step is known by its function and its"
    " arguments, and is another one if its file or function has another name. What was called instead ran as new steps."
)


def _reusable(run: FlowRunContext) -> list[str]:
    """The identities of steps that completed before a crash, with results that were persisted."""
    return [step for step, found in run.earlier.items() if not found.is_exception and found.kind != "unpersisted"]


def _settle(run: FlowRunContext, runtime: Runtime, grace: float | None = None, failed: bool = False) -> Steps[None]:
    """Wait for all that the flow run has submitted, and for what that submits in its turn; or for `grace` seconds."""
    if grace is not None:
        yield WaitFor(tuple(run.outstanding), grace)
        return
    while run.streams or run.outstanding:
        for stream in tuple(run.streams):
            run.streams.remove(stream)
            try:
                yield WaitFor((stream,))
            except Exception as error:  # of the user's iterable
                if not failed:
                    raise
                runtime.log(run, logging.ERROR, "A mapped iterable raised an exception too.", error=error)
        waited_for = tuple(run.outstanding)
        yield WaitFor(waited_for)
        for each in waited_for:
            run.outstanding.pop(each, None)
    for generator, task_run in tuple(run.generators.items()):
        if task_run.state is not None and task_run.state.type is S.RUNNING:  # nobody went through it to its end
            close = getattr(generator, "aclose", None)
            yield Call(close or generator.close, (), {}, run, awaited=close is not None)


def _failed(run: FlowRunContext, error: Exception) -> Outcome:
    if isinstance(error, RunTimeout) and error.run_id == run.id:
        return Outcome(S.FAILED, str(error), error, "TimedOut")
    said = text_of(error).rstrip()
    text = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return Outcome(S.FAILED, f"Flow run encountered an exception. {text}", error)


def _end(run: FlowRunContext, runtime: Runtime, outcome: Outcome) -> Steps[State[object]]:
    value = outcome.value
    if outcome.kind is S.FAILED and isinstance(value, Exception):
        runtime.log(run, logging.ERROR, "%s", outcome.message, error=value)
    if not outcome.is_final:  # a flow that returns, say, Scheduled() by hand
        return (yield from stay(run, runtime, outcome.kind, outcome.message, value, outcome.name))
    # A root flow run ends with everything committed: who looks next sees all of it.
    root = run.parent is None
    state = yield from end(run, runtime, outcome.kind, outcome.message, value, name=outcome.name, checkpoint=root)
    if outcome.kind is S.COMPLETED:
        runtime.log(run, logging.INFO, "Finished in state %r", state)
    else:
        runtime.log(run, logging.ERROR, "Finished in state %s", state.name)
    return state
