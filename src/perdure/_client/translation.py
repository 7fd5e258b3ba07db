"""From the filters that users of Prefect write to those of the orchestrator."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import product
from typing import Any

from perdure._client.expected import Span
from perdure._model.state_types import StateType
from perdure._platform.clock import from_datetime
from perdure._platform.named import NamedTuple
from perdure._rooms.runs.records import RunFilter

Filter = Mapping[str, object]


class Wanted(NamedTuple):
    """Filters of which a run passes one or more, and names of states of which it has one, if there are any."""

    filters: Sequence[RunFilter]
    state_names: frozenset[str]
    expected: Span | None = None  # of flow runs: when they are due


def wanted(runs: Filter | None, of: Filter | None) -> Wanted:
    """What the filter of runs and that of their flows say.

    Raises:
        ValueError: one has a condition that is not known here.
    """
    fields: dict[str, Any] = {}
    names: Iterable[str | None] = (None,)
    state_names: Iterable[str] = ()
    expected: dict[str, int] = {}
    for path, value in conditions(runs or {}, ""):
        match path:
            case "name.any_":
                names = value
            case "state.name.any_":
                state_names = value
            case "expected_start_time.after_":
                expected["after"] = _time(value)
            case "expected_start_time.before_":
                expected["before"] = _time(value)
            case _ if path in _FIELDS:
                field, read = _FIELDS[path]
                fields[field] = read(value)
            case _:
                raise ValueError(unknown(path, value, [*_FIELDS, *_OTHERS]))
    flows: Iterable[str | None] = (None,)
    for path, value in conditions(of or {}, ""):
        if path not in ("name.any_", "id.any_"):
            raise ValueError(unknown(path, value, ["name.any_", "id.any_"]))
        flows = map(str, value)
    filters = [RunFilter(name=name, of=flow, **fields) for name, flow in product(names, flows)]
    return Wanted(filters, frozenset(state_names), Span(**expected) if expected else None)


def conditions(filter: Filter, path: str) -> Iterable[tuple[str, Any]]:
    """What a filter asks for, by dotted names such as `state.type.any_`."""
    for name, value in filter.items():
        if isinstance(value, Mapping):
            yield from conditions(value, f"{path}{name}.")
        elif value is not None:
            yield f"{path}{name}", value


def unknown(path: str, value: object, known: Sequence[str]) -> str:
    """What is said of a condition that is not known."""
    return f"The filter {path}={value!r} is not known. There are {', '.join(sorted(known))}."


def _ids(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(map(str, values))


def _types(values: Iterable[str]) -> tuple[StateType, ...]:
    return tuple(map(StateType, values))


def _time(value: datetime) -> int:
    return from_datetime(value)


_OTHERS = ("name.any_", "state.name.any_", "expected_start_time.after_", "expected_start_time.before_")
_FIELDS: dict[str, tuple[str, Callable[..., object]]] = {
    "id.any_": ("ids", _ids),
    "name.like_": ("name_part", str),
    "state.type.any_": ("states", _types),
    "tags.all_": ("tags", tuple),
    "parent_flow_run_id.any_": ("flow_run_ids", _ids),
    "start_time.after_": ("started_after", _time),
    "start_time.before_": ("started_before", _time),
}
