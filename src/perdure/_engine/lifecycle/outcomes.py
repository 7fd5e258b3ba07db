"""What a returned value makes of a run: its value, or its very state.

A state that was made by hand is the run's; a future, or the state of a run, is what became of that one; a list of only
states is what they add up to. In other collections, futures become states. What is quoted stays so.
"""

from dataclasses import dataclass
from typing import Any

from perdure._engine.lifecycle.upstream import state_of
from perdure._model.argument_marks import quote
from perdure._model.state_types import FINAL, StateType
from perdure._model.states import State, aggregate, is_states
from perdure._run.arguments import is_atom, replace_upstreams
from perdure._run.context import FlowRunContext


@dataclass(slots=True, eq=False, repr=False)
class Outcome:
    """What an attempt came to."""

    kind: StateType
    message: str | None
    value: Any
    name: str | None = None

    @property
    def is_final(self) -> bool:
        return self.kind in FINAL

    @property
    def said(self) -> str:
        """The message, for the log."""
        return self.message or f"The run returned {self.name or self.kind.capitalize()}"


def outcome_of_flow(run: FlowRunContext, returned: object) -> Outcome:
    """What a flow's return value makes of its run, once all that it submitted has ended: None, what that came to."""
    if returned is None:
        children = list(run.children)
        return Outcome(*aggregate(children), children) if children else Outcome(StateType.COMPLETED, None, None)
    if run.options.is_generator or is_atom(returned) or isinstance(returned, quote):
        return Outcome(StateType.COMPLETED, None, returned)
    if isinstance(returned, State):
        return _outcome_of(returned)
    value = replace_upstreams(returned, lambda upstream, _: state_of(upstream))
    return Outcome(StateType.COMPLETED, None, value) if _has_quoted(returned) else _outcome_of(value)


def outcome_of_task(returned: object) -> Outcome:
    """What a task's return value makes of its run. Futures in it are data, as everything else is."""
    if isinstance(returned, quote):
        return Outcome(StateType.COMPLETED, None, returned)
    return _outcome_of(returned)


def _outcome_of(value: object) -> Outcome:
    if isinstance(value, State):
        if value.run_id is None:
            return Outcome(value.type, value.message, value.data, value.name)
        return Outcome(*aggregate([value]), value)
    if is_states(value):
        return Outcome(*aggregate(value), value)
    return Outcome(StateType.COMPLETED, None, value)


def _has_quoted(returned: object) -> bool:
    """Whether an item of what was returned is to be taken as it is."""
    return isinstance(returned, list | tuple | set) and any(isinstance(each, quote) for each in returned)
