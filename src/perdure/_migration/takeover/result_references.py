"""What a state of Prefect's says of its run's result."""

import builtins
import json
import re
from typing import Any

from perdure._model.records import ResultRecord
from perdure._model.state_types import StateType
from perdure._platform.clock import Micros
from perdure._platform.named import NamedTuple

_FAILED = (StateType.FAILED, StateType.CRASHED)
_TYPE = re.compile(r"Result of type `([^`]+)`")


class Reference(NamedTuple):
    """A state's data, as the database has it."""

    run_id: str
    of_task: bool
    type: StateType
    time: Micros
    data: Any  # decoded; None if the state has none
    description: str | None  # of the artifact that says so
    details: str | None  # of the state, as JSON


def result_of(reference: Reference) -> ResultRecord | None:
    """The record of a result; None if the data are of a form that Perdure's results do not have."""
    data = reference.data
    if not isinstance(data, dict):
        return None
    make = {"reference": _persisted, "literal": _literal, "unpersisted": _unpersisted}.get(str(data.get("type")))
    return None if make is None else make(reference, data)


def _record(reference: Reference, kind: Any, type: str, **fields: Any) -> ResultRecord:
    is_exception = reference.type in _FAILED
    head = (reference.run_id, reference.of_task, kind, type, is_exception, reference.time)
    return ResultRecord(*head, **fields)


def _persisted(reference: Reference, data: dict[str, object]) -> ResultRecord | None:
    storage_id, key = data.get("storage_block_id"), data.get("storage_key")
    if not (isinstance(storage_id, str) and isinstance(key, str)):
        return None
    details = json.loads(reference.details or "{}")
    cache_key = details.get("cache_key")
    return _record(
        reference,
        "persisted",
        _type_of(reference),
        storage_id=storage_id,
        storage_key=key,
        serializer=json.dumps({"type": data.get("serializer_type") or "pickle"}),
        cache_key=cache_key if isinstance(cache_key, str) else None,
    )


def _literal(reference: Reference, data: dict[str, object]) -> ResultRecord | None:
    value = data.get("value")
    if value is not None and not isinstance(value, bool):
        return None
    return _record(reference, "literal", f"builtins.{type(value).__name__}", value=json.dumps(value))


def _unpersisted(reference: Reference, _: dict[str, object]) -> ResultRecord:
    return _record(reference, "unpersisted", _type_of(reference))


def _type_of(reference: Reference) -> str:
    """The value's type, of which Prefect keeps the name alone."""
    found = _TYPE.match(reference.description or "")
    if found is None:
        return "unknown"
    return f"builtins.{found[1]}" if isinstance(getattr(builtins, found[1], None), type) else found[1]
