"""Lineage: which run's result went into which run."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from perdure._model.records import InputRecord
from perdure._model.states import State
from perdure._run.arguments import Upstream, WaitedFor, is_atom, only_atoms, upstreams_in
from perdure._run.context import FlowRunContext
from perdure._run.pending import Pending

_WAITED_FOR = "wait_for"  # the name of an input that was only waited for
_LOOKED_AT = 100  # items of a collection that are looked at for values which runs have made

_ITEMS_KEPT = 1_000  # items of generators that an attempt of a flow knows again

_NO_INPUTS: tuple[None, Sequence[InputRecord]] = None, ()


def inputs_of(
    run_id: str, parameters: Mapping[str, object], wait_for: Sequence[WaitedFor], flow: FlowRunContext | None
) -> tuple[Sequence[Upstream] | None, Sequence[InputRecord]]:
    """The futures and states inside the parameters (None if nothing in them is to be replaced), and the run's lineage.

    A value counts as the result of the run that made it as long as it is that very object.
    """
    if not wait_for and only_atoms(parameters.values()):  # the usual case
        return _NO_INPUTS
    upstreams: list[Upstream] | None = None
    sources: dict[tuple[str, str], None] = {}
    makers = {} if flow is None else flow.makers
    for name, value in parameters.items():
        if is_atom(value):
            continue
        found = upstreams_in((value,))
        if found is not None:
            upstreams = [*(upstreams or ()), *found]
            sources |= dict.fromkeys((id, name) for id in map(_run_id, found) if id is not None)
        if makers:
            sources |= dict.fromkeys((makers[id(each)], name) for each in _within(value) if id(each) in makers)
    waited_for = [each.upstream for each in wait_for]
    sources |= dict.fromkeys((id, _WAITED_FOR) for id in map(_run_id, waited_for) if id is not None)
    return upstreams, [InputRecord(run_id, source, name) for source, name in sources]


def note_maker(flow: FlowRunContext, run_id: str, state: State[object]) -> None:
    """Remember which run made a value, if the flow keeps the state: so long, no other object has its identity."""
    value = getattr(state.data, "in_memory", None)
    if not is_atom(value):
        flow.makers[id(value)] = run_id


def note_item(flow: FlowRunContext, run_id: str, number: int, item: object) -> None:
    """Remember which run of a generator handed on an item; the flow keeps it, so that no other object has its id."""
    identity = flow.identities.get(run_id)
    if identity is not None and not is_atom(item) and len(flow.items_made) < _ITEMS_KEPT:
        flow.makers[id(item)] = run_id
        flow.items_made[id(item)] = item, f"{identity}[{number}]"


def _run_id(upstream: Upstream) -> str | None:
    return upstream.task_run_id if isinstance(upstream, Pending) else upstream.run_id


def _within(value: Any) -> Iterable[object]:
    """The value, and the first items of a plain collection."""
    yield value
    kind = type(value)
    if kind is dict:
        value = tuple(value.values())
    elif kind not in (list, tuple):
        return
    yield from (each for each in value[:_LOOKED_AT] if not is_atom(each))
