"""What the JSON for programs holds: one shape for each kind of record."""

import json
from typing import Any

from perdure._blocks.content import redact_fields
from perdure._model.errors import PerdureError
from perdure._model.records import ArtifactRecord, BlockRecord, LogRecord, ResultRecord, StateRecord
from perdure._platform.clock import system_clock
from perdure._results.store import result_from_record
from perdure._results.types import PersistedResult
from perdure._rooms.logs.records import LogLine
from perdure._rooms.runs.records import FlowRun, TaskRun
from perdure.cli.output import iso

Shape = dict[str, object]


def duration_of(run: FlowRun | TaskRun) -> int | None:
    """How long a run took, or has taken until now, in microseconds; None if it has not begun."""
    if run.started is None:
        return None
    return (system_clock() if run.ended is None else run.ended) - run.started


def run_shape(run: FlowRun | TaskRun) -> Shape:
    """A run, with its present state."""
    shape = run._asdict()
    for field in ("state_type", "state_name", "state_message", "state_time"):
        del shape[field]
    duration = duration_of(run)
    shape |= {
        "tags": json.loads(run.tags),
        "created": iso(run.created),
        "started": iso(run.started),
        "ended": iso(run.ended),
        "duration_seconds": None if duration is None else duration / 1_000_000,
        "state": {
            "type": run.state_type,
            "name": run.state_name,
            "message": run.state_message,
            "time": iso(run.state_time),
        },
    }
    if isinstance(run, FlowRun):
        shape["parameters"] = json.loads(run.parameters)
    return shape


def state_shape(state: StateRecord) -> Shape:
    """A state of a run."""
    return {"type": state.type, "name": state.name, "message": state.message, "time": iso(state.time)}


def log_shape(line: LogRecord | LogLine) -> Shape:
    """A logged line."""
    return line._asdict() | {"time": iso(line.time)}


def artifact_shape(record: ArtifactRecord) -> Shape:
    """An artifact, with its data."""
    times = {"created": iso(record.created), "updated": iso(record.updated)}
    return record._asdict() | times | {"data": json.loads(record.data)}


def result_shape(record: ResultRecord) -> Shape:
    """A result's metadata, without its value unless that is a literal."""
    return record._asdict() | {
        "created": iso(record.created),
        "expires": iso(record.expires),
        "value": _parsed(literal_text(record)),
        "serializer": _parsed(record.serializer),
        "retention": _parsed(record.retention),
        "preview": _parsed(record.preview),
        "doomed": iso(record.doomed),
        "removed": iso(record.removed),
    }


def literal_text(record: ResultRecord) -> str | None:
    """The value of a literal, as JSON; what a record has of other kinds is no value."""
    return record.value if record.kind == "literal" else None


def _parsed(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def location_of(record: ResultRecord) -> str | None:
    """Where a persisted result's document is: a path or an address, or its key if its storage cannot be had."""
    result = result_from_record(record)
    if not isinstance(result, PersistedResult):
        return None
    try:
        return result.location
    except PerdureError:
        return record.storage_key


def block_shape(record: BlockRecord) -> dict[str, Any]:
    """A saved block, with asterisks for its secrets."""
    return {
        "slug": f"{record.type}/{record.name}",
        "id": record.id,
        "type": record.type,
        "name": record.name,
        "created": iso(record.created),
        "updated": iso(record.updated),
        "fields": redact_fields(json.loads(record.data)),
    }
