"""What is shown of flow runs and task runs alike."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from perdure._model.records import ResultRecord, StateRecord
from perdure._rooms.results.records import ResultFilter
from perdure._rooms.runs.records import FlowRun, TaskRun
from perdure.cli.find import orchestrator
from perdure.cli.json_shapes import duration_of, literal_text, location_of, result_shape
from perdure.cli.output import (
    clock_time,
    duration_text,
    facts,
    full_time,
    lost_text,
    one_line,
    plural,
    section,
    show,
    size_text,
    state_text,
    type_text,
)

if TYPE_CHECKING:
    from rich.text import Text

Facts = dict[str, "str | Text | None"]


def show_heading(run: FlowRun | TaskRun, is_lost: bool = False) -> None:
    """The run's state and name."""
    heading = lost_text(run.state_name) if is_lost else state_text(run.state_type, run.state_name)
    heading.append(f"  {one_line(run.name)}", style="bold default")
    show(heading)


def common_facts(run: FlowRun | TaskRun) -> Facts:
    """What flow runs and task runs both have."""
    return {
        "message": run.state_message,
        "started": None if run.started is None else full_time(run.started),
        "ended": None if run.ended is None else full_time(run.ended),
        "duration": None if run.started is None else duration_text(duration_of(run)),
        "attempts": str(run.run_count) if run.run_count > 1 else None,
        "tags": ", ".join(json.loads(run.tags)) or None,
    }


def show_states(states: Sequence[StateRecord]) -> None:
    """Each state with its time."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    shown.add_column(style="dim", no_wrap=True, min_width=9)
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    for state in states:
        shown.add_row(
            clock_time(state.time), state_text(state.type, state.name), Text(state.message or "", style="dim")
        )
    show(section("States"), shown)


def result_of(run: FlowRun | TaskRun) -> ResultRecord | None:
    """The metadata of the run's result."""
    return next(iter(orchestrator().results(ResultFilter(run_ids=(run.id,)))), None)


def located_shape(record: ResultRecord | None) -> dict[str, object] | None:
    """A result for programs, with the place of its document."""
    return None if record is None else result_shape(record) | {"location": location_of(record)}


def result_facts(record: ResultRecord) -> Facts:
    """A result's metadata."""
    serializer = None if record.serializer is None else json.loads(record.serializer)
    return {
        "kind": record.kind,
        "type": type_text(record.type),
        "value": literal_text(record),
        "size": None if record.size is None else size_text(record.size),
        "location": location_of(record),
        "storage": _storage_text(record.storage_id),
        "key": record.storage_key,
        "serializer": None if serializer is None else _serializer_text(serializer),
        "digest": record.digest,
        "created": full_time(record.created),
        "expires": None if record.expires is None else full_time(record.expires),
        "cache key": record.cache_key,
        "retention": None if record.retention is None else _retention_text(json.loads(record.retention)),
        "to go": full_time(record.doomed) if record.doomed is not None and record.removed is None else None,
        "removed": None if record.removed is None else full_time(record.removed),
    }


def _retention_text(retention: dict[str, Any]) -> str:
    """Such as `30d 00h, 10 runs, 5.0 GiB (of flow etl)`."""
    age, runs, size = (retention.get(name) for name in ("age", "runs", "size"))
    limits = (
        None if age is None else duration_text(round(age * 1_000_000)),
        None if runs is None else plural(runs, "run"),
        None if size is None else size_text(size),
    )
    text = ", ".join(limit for limit in limits if limit is not None) or "for ever"
    return f"{text} (of {retention['of']})" if retention.get("of") else text


def _storage_text(id: str | None) -> str | None:
    """The storage's slug if it has one, and its id."""
    block = None if id is None else orchestrator().block(id)
    return id if block is None or block.name is None else f"{block.type}/{block.name} ({id})"


def _serializer_text(description: dict[str, object]) -> str:
    """Such as `compressed (pickle (picklelib cloudpickle), compressionlib lzma)`."""
    options = ", ".join(
        _serializer_text(value)
        if name == "serializer" and isinstance(value, dict)
        else f"{name} {value if isinstance(value, str) else json.dumps(value)}"
        for name, value in description.items()
        if name != "type" and value is not None
    )
    return f"{description.get('type')} ({options})" if options else str(description.get("type"))


def show_result(record: ResultRecord | None, id: str) -> None:
    """What a run came to, and how to get its value."""
    if record is None or (record.is_exception and record.kind == "unpersisted"):
        return  # then the message says everything
    shown: Facts = {"type": type_text(record.type)}
    if record.kind == "literal":
        shown["value"] = record.value
    elif record.kind == "unpersisted":
        shown["value"] = "not persisted"
    else:
        gone = None if record.removed is None else f"removed on {full_time(record.removed)}"
        shown |= {"size": size_text(record.size), "location": None if gone else location_of(record)}
        shown["value"] = gone or f"perdure result get {id}"
    show(section("Result"), facts(shown.items()))
