"""Calling a task directly: the lifecycle of a run that needs nothing but its call.

The problem: a lifecycle that yields effects serves blocking and awaiting code alike, retries, caches and persists. Most
calls of tasks need none of that: they are a state, a call of the function, and another state. Passing these through a
generator and its driver takes as long as all the rest of what the engine does for them. Where the value is persisted,
that is one write and one commit more, in the same thread.

The idea: for a run of which it is known beforehand that nothing comes between, the effects are done in line, in the
same order. What was not to be expected goes to the lifecycle, and is decided there alone:

    run_directly ── report RUNNING ── call ──► a value ──► (write it) ──► report, or commit, COMPLETED
                                        │
                                        ├──► raises, returns a state, ...  ──► `task_run`, with the first attempt `made`
          stopped from outside, anywhere ──────────────────────────────────►  `stopped`

What always holds:

- The records are those that `task_run` would have reported, in the same order; a test compares them.
- The function is called by `drivers.call`, like all others: there alone it can be interrupted.
- Where effects are looked at as they are performed (tests that crash there, tracing), nothing is called directly.
"""

from functools import lru_cache
from typing import Any

from perdure._engine.drivers import call as call_function
from perdure._engine.drivers import calls_directly, drive, left_to_parent
from perdure._engine.lifecycle.attempt import Made
from perdure._engine.lifecycle.runs import enter, records_of_end, write_value
from perdure._engine.lifecycle.task_run import TaskCall, stopped, task_run
from perdure._engine.port import Runtime
from perdure._model.argument_marks import quote
from perdure._model.containers import ATOMS
from perdure._model.options import TaskOptions
from perdure._model.state_types import FINAL, StateType
from perdure._model.states import State, is_states
from perdure._platform import forks
from perdure._platform.forks import EndedInFork
from perdure._results.types import BaseResult, UnpersistedResult, literal_of
from perdure._run.context import FlowRunContext, TaskRunContext
from perdure._run.effects import Call

_SPECIAL = (State, quote, BaseResult)


def run_blocking(call: TaskCall, runtime: Runtime) -> State[object]:
    """Run a task in this thread, directly if that may be; the state that it came to."""
    run = call.run
    state: State[object] | None = None
    if (
        call.upstreams is None
        and not call.wait_for
        and run.transaction is None
        and _is_simple(run.options)
        and not run.run_count
        and (run.parent is None or run.parent.generation == run.generation)
        and not (run.tags and runtime.limiter.concerns(run.tags))
        and calls_directly()
        and (not run.persisted or _is_new_step(run, runtime))
    ):
        try:
            state = _run_directly(call, runtime)
        except EndedInFork as ended:
            left: State[object] = left_to_parent(ended)
            return left
        except BaseException as error:
            return drive(stopped(call, runtime, error), runtime)
    if state is not None:
        return state
    began = forks.generation
    try:
        return drive(task_run(call, runtime), runtime)
    except Exception:
        raise
    except BaseException as error:  # such as Ctrl-C on the way to the first step
        if began != forks.generation or (run.state is not None and run.state.type in FINAL):
            raise
        return drive(stopped(call, runtime, error), runtime)


@lru_cache(maxsize=1_000)
def _is_simple(options: TaskOptions) -> bool:
    """Whether no option has anything done between the states and the call."""
    hooks = options.on_running or options.on_completion
    is_plain = not (options.is_async or options.is_generator or options.is_cached or hooks)
    return is_plain and options.run_name is None and not options.timeout_seconds and options.cache_result_in_memory


def _is_new_step(run: TaskRunContext, runtime: Runtime) -> bool:
    """Whether a run whose result is persisted is known not to have been there before, and where its result goes."""
    flow = run.parent
    if isinstance(flow, FlowRunContext):
        id = run.identity
        if id is None or id in flow.finished or id in flow.earlier or flow.waits:
            return False
    return runtime.can_persist(run)


def _run_directly(call: TaskCall, runtime: Runtime) -> State[object] | None:
    """The final state of a run that was not there before; None if more is to be done than that.

    Then `made` has what its first attempt came to.
    """
    run, options = call.run, call.run.options
    run.run_count = 1
    records = call.records
    records.append(enter(run, runtime, StateType.RUNNING))
    runtime.report(records)
    call.records = []
    flow = run.flow
    args, kwargs = options.signature.unbind(run.parameters, run.passed)
    try:
        value = call_function(Call(options.function, args, kwargs, run))
    except EndedInFork:
        raise
    except BaseException as error:
        value, call.made = None, Made(error=error)
    else:
        if (flow is not None and flow.controller.is_over) or (type(value) not in ATOMS and _is_special(value)):
            call.made = Made(value)
    if call.made is not None:
        return None
    result: BaseResult[Any] | None = literal_of(value) if options.persist_result is not False else None
    if result is None:
        result = write_value(run, runtime, value) if run.persisted else UnpersistedResult(value)
    records = records_of_end(run, result, enter(run, runtime, StateType.COMPLETED, None, result), False, None)
    if not run.persisted:
        runtime.report(records)
    else:
        runtime.commit(records)
        if flow is not None and flow.controller.lost is not None:  # they were refused
            flow.controller.check()
    return run.state


def _is_special(value: object) -> bool:
    """Whether what a task returned is more than a value."""
    return isinstance(value, _SPECIAL) or is_states(value)
