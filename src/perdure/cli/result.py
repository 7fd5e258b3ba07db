"""`perdure result`: what runs returned. A result goes by its run's id."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from perdure.cli import find
from perdure.cli.groups import AsJson, Limit, new_group
from perdure.cli.output import (
    NOTHING,
    Column,
    facts,
    is_json,
    jsonable,
    note,
    short_time,
    show,
    show_json,
    size_text,
    table,
    type_text,
)
from perdure.cli.runs import located_shape, result_facts, result_of
from perdure.cli.shapes import result_shape
from perdure.core.errors import MissingResult, ResultMissing, StorageError
from perdure.core.records import ResultFilter, ResultKind, ResultRecord
from perdure.results import get_result

app = new_group("List results, look into one, get its value.")

Which = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's id, the beginning of one, its name, or FLOW-RUN/NAME.")
]
Kind = Literal["persisted", "literal", "unpersisted", "all"]


@app.command()
def ls(
    flow_run: Annotated[
        str | None,
        typer.Option("--flow-run", metavar="RUN", help="Only that of this flow run and those of its task runs."),
    ] = None,
    kind: Annotated[
        Kind, typer.Option("--kind", metavar="KIND", help="Of this kind: persisted, literal, unpersisted or all.")
    ] = "persisted",
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List results, the newest first; only persisted ones unless --kind says otherwise."""
    ids = () if flow_run is None else (find.flow_run(flow_run).id,)
    kinds: tuple[ResultKind, ...] = () if kind == "all" else (kind,)
    records = find.orchestrator().results(ResultFilter(flow_run_ids=ids, kinds=kinds, limit=limit))
    if as_json:
        show_json([result_shape(record) for record in records])
    elif records:
        _show_records(list(records))
    else:
        show("There are no results." if kind == "all" else f"There are no {kind} results.")
        show(note("`persist_result=True` on a flow or task persists what it returns; --kind all shows other results."))


def _show_records(records: list[ResultRecord]) -> None:
    columns = [
        Column("run", whole=True),
        Column("kind", whole=True),
        Column("type"),
        Column("size", whole=True, right=True),
        Column("created", whole=True),
        Column("id", style="dim"),
    ]
    names = _names(records)
    ids = find.short_ids([record.run_id for record in records])
    rows = [
        (
            names.get(record.run_id, NOTHING),
            record.kind,
            type_text(record.type) if record.value is None else record.value,
            size_text(record.size),
            short_time(record.created),
            id,
        )
        for record, id in zip(records, ids, strict=True)
    ]
    show(table(columns, rows))


def _names(records: list[ResultRecord]) -> dict[str, str]:
    """What each result's run is called: `NAME`, or `FLOW-RUN/NAME` for a task run in one."""
    known = find.orchestrator()
    tasks = find.runs_by_id((each.run_id for each in records if each.of_task), known.task_runs)
    of_tasks = [each.flow_run_id for each in tasks.values() if each.flow_run_id is not None]
    flows = find.runs_by_id([*of_tasks, *(each.run_id for each in records if not each.of_task)], known.flow_runs)
    names = {id: run.name for id, run in flows.items()}
    for id, run in tasks.items():
        names[id] = run.name if run.flow_run_id is None else f"{names.get(run.flow_run_id, NOTHING)}/{run.name}"
    return names


@app.command("show")
def show_(which: Which, as_json: AsJson = False) -> None:
    """Show what is known of a result: type, size, place, serializer, age."""
    run = find.any_run(which)
    record = result_of(run)
    if record is None:
        raise ResultMissing(f"The run {run.name!r} is {run.state_name} and has no result. Wait until it has ended.")
    if as_json:
        show_json(located_shape(record))
    else:
        what = "raised by" if record.is_exception else "returned by"
        show(facts({what: run.name, "run id": run.id, **result_facts(record)}.items()))


@app.command()
def get(
    which: Which,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write the value to this file: bytes and text as they are, others as JSON."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the value that a run returned: text as it is, JSON's types as JSON, others as Python shows them.

    The value is loaded as its serializer says: get only what was written by code that you trust.
    """
    run = find.any_run(which)
    try:
        value = get_result(run.id)
    except Exception as error:
        if type(error).__module__.startswith("perdure."):
            raise
        raise MissingResult(
            f"The run {run.name!r} returned nothing: it raised {type(error).__name__}: {error}"
        ) from error
    if output is not None:
        _write(value, output)
        if not as_json:
            show(f"Wrote {output}.")
            return
    if as_json:
        shape = {"run_id": run.id, "output": None if output is None else str(output)}
        show_json(shape | ({} if output else {"value": jsonable(value)}))
    else:
        _print(value)


def _write(value: Any, output: Path) -> None:
    if isinstance(value, bytes | bytearray | memoryview):
        data = bytes(value)
    elif isinstance(value, str):
        data = value.encode()
    elif is_json(value):
        data = _pretty(value).encode()
    else:
        raise ResultMissing(
            f"A {type(value).__name__} has no form that a file could hold without choosing one. Get it in Python, by"
            " perdure.results.get_result, and write it there; or print it with --json."
        )
    try:
        output.write_bytes(data)
    except OSError as error:
        raise StorageError(f"{output} cannot be written: {error.strerror}. Choose another file.") from None


def _print(value: Any) -> None:
    if isinstance(value, bytes | bytearray | memoryview):
        if sys.stdout.isatty():
            raise MissingResult(f"The value is {len(value):,} bytes, which a terminal cannot show. Use --output FILE.")
        sys.stdout.buffer.write(bytes(value))
    elif isinstance(value, str):
        sys.stdout.write(value if value.endswith("\n") else f"{value}\n")
    elif is_json(value):
        sys.stdout.write(_pretty(value))
    else:
        from rich.pretty import Pretty

        show(Pretty(value))


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
