"""The input that a paused flow run waits for: its fields, and a command that gives it."""

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from perdure._engine.control.input_check import Schema, resolved, type_name
from perdure._engine.recovery.durable_timers import is_open_pause
from perdure._model.records import WaitRecord
from perdure._model.state_types import StateType
from perdure._rooms.runs.records import FlowRun
from perdure.cli.find import orchestrator
from perdure.cli.output import NOTHING, Column, full_time, note, section, show, table

if TYPE_CHECKING:
    from rich.console import RenderableType

_DEEPEST = 4  # objects in objects that an example shows
_OF_TYPES: dict[str, object] = {"boolean": True, "integer": 1, "number": 1.5, "string": "text", "array": []}
_OF_FORMATS: dict[str, object] = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00",
    "duration": "PT1H",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def open_pause(run: FlowRun) -> WaitRecord | None:
    """What the flow run waits for somebody to give, if it does."""
    if run.state_type is not StateType.PAUSED:
        return None
    return next((wait for wait in orchestrator().waits(run.id) if is_open_pause(wait)), None)


def asked_schema(wait: WaitRecord | None) -> Schema | None:
    """The JSON schema of the input that is waited for; None if none is."""
    asks: Schema | None = None if wait is None or wait.asks is None else json.loads(wait.asks)
    return asks


def continuing(run: FlowRun, wait: WaitRecord | None) -> str:
    """The command that continues a paused flow run, with an example of the input."""
    schema = asked_schema(wait)
    command = f"perdure flow-run continue {run.id}"
    if schema is None:
        return command
    given = json.dumps(_example(schema, schema.get("$defs", {}), 0), ensure_ascii=False)
    return f"{command} --input {shlex.quote(given)}"


def show_asked(run: FlowRun, wait: WaitRecord) -> None:
    """The fields of the input that a paused flow run waits for, and the command that gives it."""
    schema = asked_schema(wait)
    parts: list[RenderableType] = [section("Waits for input" if schema else "Waits to be continued")]
    if schema is not None:
        parts.append(_fields(schema))
    show(*parts, note(f"until {full_time(wait.until)}"), note(continuing(run, wait)))


def _fields(schema: Schema) -> "RenderableType":
    named = schema.get("$defs", {})
    whole = resolved(schema, named)
    if "properties" not in whole:
        return type_name(schema, named)
    needed = whole.get("required", ())
    columns = [Column("field", whole=True), Column("type"), Column("default"), Column("what it is", spare=1)]
    rows = [
        (
            name,
            type_name(part, named),
            "must be given" if name in needed else json.dumps(part["default"]) if "default" in part else NOTHING,
            str(part.get("description", "")),
        )
        for name, part in _given(whole)
    ]
    if not any(description for *_, description in rows):
        columns.pop()
    return table(columns, [row[: len(columns)] for row in rows])


def _given(whole: Schema) -> Iterator[tuple[str, Schema]]:
    yield from whole.get("properties", {}).items()


def _example(given: Schema, named: Mapping[str, Schema], depth: int) -> object:
    schema = resolved(given, named)
    if "default" in given:
        return given["default"]
    if several := schema.get("anyOf") or schema.get("oneOf"):
        return _example(several[0], named, depth)
    if "enum" in schema or "const" in schema:
        return schema["enum"][0] if "enum" in schema else schema["const"]
    wanted = str(schema.get("type"))
    if wanted == "object":
        return _example_object(schema, named, depth) if depth < _DEEPEST else {}
    least = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
    if wanted in ("integer", "number") and ("minimum" in schema or "exclusiveMinimum" in schema):
        return least if "maximum" not in schema else min(least, schema["maximum"])
    return _OF_FORMATS.get(str(schema.get("format")), _OF_TYPES.get(wanted))


def _example_object(schema: Schema, named: Mapping[str, Schema], depth: int) -> dict[str, object]:
    """What has to be given; of an object without that, all of it."""
    fields = dict(_given(schema))
    needed = schema.get("required") or tuple(fields)
    return {name: _example(fields[name], named, depth + 1) for name in needed if name in fields}
