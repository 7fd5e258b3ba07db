"""The hooks of a run: which of its options has those of a state, and calling them in the lifecycle."""

import logging

from perdure._engine.port import Runtime
from perdure._model.errors import CancelRequested
from perdure._model.state_types import StateType
from perdure._model.states import State
from perdure._run.context import RunContext
from perdure._run.effects import Steps
from perdure._run.hook_calls import hook_call

S = StateType

HOOKS = {
    S.COMPLETED: "on_completion",
    S.FAILED: "on_failure",
    S.CANCELLED: "on_cancellation",
    S.CRASHED: "on_crashed",
    S.CANCELLING: "on_cancellation",  # of a run that returned such a state by hand
    S.RUNNING: "on_running",
}


def call_hooks(run: RunContext, runtime: Runtime) -> Steps[State[object]]:
    """Call the hooks for the run's state, and return it. What a hook raises is logged, and changes nothing."""
    assert run.state is not None
    for hook in getattr(run.options, HOOKS[run.state.type]):
        try:
            yield hook_call(run, hook, run.state)
        except (Exception, CancelRequested) as error:
            name = getattr(hook, "__name__", repr(hook))
            runtime.log(run, logging.ERROR, "The hook %s raised an exception.", name, error=error)
    return run.state
