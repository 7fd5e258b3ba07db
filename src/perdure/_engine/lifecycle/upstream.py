"""Replacing the futures and states in a call's arguments by their values, once they are all there."""

from collections.abc import Sequence
from typing import Any

from perdure._model.errors import UnfinishedRun
from perdure._model.state_types import StateType
from perdure._model.states import State
from perdure._results.worker_values import HeldResult, HeldValue
from perdure._run.arguments import Upstream, WaitedFor, replace_upstreams
from perdure._run.effects import Blocking, Steps, WaitFor
from perdure._run.pending import Pending


class UpstreamNotCompleted(Exception):
    """An upstream run did not complete, so that what depends on it cannot run."""

    def __init__(self, state: State[Any]) -> None:
        self.state = state
        run = getattr(state, "run_name", None) or state.run_id or state
        found = state.name if state.name == "NotReady" else repr(state)  # which has the same said of the one above it
        super().__init__(f"Upstream run '{run}' did not reach a 'COMPLETED' state: it is {found}.")


def resolved(
    parameters: dict[str, object], upstreams: Sequence[Upstream], wait_for: Sequence[WaitedFor], place: object = None
) -> Steps[dict[str, object]]:
    """The parameters with values in the place of futures and states.

    Values that are held in the `place` where they go stay there: a `HeldValue` stands for each.

    Raises:
        UpstreamNotCompleted: one of them did not complete, and its failure is not allowed.
    """
    needed = (*upstreams, *(waited.upstream for waited in wait_for))
    unfinished = [each for each in needed if isinstance(each, Pending) and each.ended is None]
    if unfinished:
        yield WaitFor(unfinished)
    for each in wait_for:
        _completed(each.upstream, each.allowed)
    values: dict[str, Any] = yield Blocking(_values, (parameters, place))
    return values


def _values(parameters: dict[str, object], place: object) -> dict[str, object]:
    def value_of(upstream: Upstream, allowed: bool) -> Any:
        state = _completed(upstream, allowed)
        data = state.data
        if place is not None and isinstance(data, HeldResult) and data.is_at(place):
            return HeldValue(data)
        return state.fetch(raise_on_failure=False)

    return {name: replace_upstreams(value, value_of) for name, value in parameters.items()}


def _completed(upstream: Upstream, allowed: bool) -> State[object]:
    state = state_of(upstream)
    if state.type is StateType.COMPLETED or (allowed and state.type is StateType.FAILED):
        return state
    raise UpstreamNotCompleted(state)


def state_of(upstream: Upstream) -> State[Any]:
    """The state that an upstream stands for."""
    if isinstance(upstream, State):
        return upstream
    if upstream.ended is None:
        raise UnfinishedRun(f"The task run {upstream.task_run_id} has not finished. Wait for it first.")
    return upstream.ended
