"""`perdure result get`"""

import re
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from perdure._model.errors import ResultNotKept, ResultUnreadable
from perdure._platform.printable import printable
from perdure._results.lookup import get_result, persisted_record
from perdure._results.store import result_from_record
from perdure._results.types import PersistedResult
from perdure._rooms.runs.records import FlowRun, TaskRun
from perdure.cli import find
from perdure.cli.groups import AsJson
from perdure.cli.output import is_json, json_text, jsonable, plural, show, show_json
from perdure.cli.result_files import whole_file, write_file
from perdure.cli.result_which import Which

_ROWS = re.compile(r"(\d*):(\d*)", re.ASCII)
_PIECE = 1024 * 1024  # bytes that are copied at once


def get(
    which: Which,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Write the value to this file. The extension is the format: tables as .csv, .parquet, .arrow, .json or"
            " .jsonl, arrays as .npy or .csv, images as .png and others; bytes and text as they are, others as JSON.",
        ),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--columns", metavar="A,B", help="Only these columns of a table, in this order; repeatable."),
    ] = None,
    rows: Annotated[
        str | None, typer.Option("--rows", metavar="FROM:TO", help="Only these rows: from, from 0 on, and up to.")
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="The bytes that the serializer wrote, streamed; nothing is loaded.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print what a run returned, or write it to a file.

    Text is printed as it is, JSON's types as JSON, and others as Python shows them.

    Loading a value runs its serializer: get only what was written by code that you trust.
    """
    if raw and (columns or rows is not None or (as_json and output is None)):
        raise typer.BadParameter(
            "It gives the bytes as they are: leave out --columns, --rows and --json.", param_hint="--raw"
        )
    chosen = None if rows is None else _slice(rows)
    run = find.any_run(which)
    if raw:
        _stream(_persisted(run), output)
    else:
        is_part = bool(columns) or chosen is not None
        value = _part(run, columns, chosen) if is_part else _value(run)
        if output is not None:
            write_file(value, output)
        elif as_json:
            _refuse_unless_json(value)
            show_json({"run_id": run.id, "output": None, "value": jsonable(value)})
        else:
            _print(value)
    if output is not None:
        if as_json:
            show_json({"run_id": run.id, "output": str(output)})
        else:
            show(f"Wrote {output}.")


def _refuse_unless_json(value: object) -> None:
    """A table or array would be cut to what a terminal shows, which no program could tell."""
    if hasattr(value, "__array__") or hasattr(value, "__arrow_c_stream__"):
        raise ResultUnreadable(
            f"The value is of the type {type(value).__name__}, which has no JSON of its own. Write it to a file, such"
            " as by -o value.jsonl, value.csv or value.npy."
        )


def _slice(text: str) -> slice:
    bounds = _ROWS.fullmatch(text)
    if bounds is None:
        raise typer.BadParameter(
            f"{text!r} is not a range of rows. Write FROM:TO, such as '0:100', '100:' or ':10'.", param_hint="--rows"
        )
    start, stop = (int(each) if each else None for each in bounds.groups())
    return slice(start, stop)


def _persisted(run: FlowRun | TaskRun) -> PersistedResult[object]:
    result = result_from_record(persisted_record(run.id), keep=False)
    assert isinstance(result, PersistedResult)
    return result


def _value(run: FlowRun | TaskRun) -> Any:
    try:
        return get_result(run.id)
    except Exception as error:
        if type(error).__module__.startswith("perdure."):
            raise
        raise ResultNotKept(
            f"The run {run.name!r} returned nothing: it raised {type(error).__name__}: {error}"
        ) from error


def _part(run: FlowRun | TaskRun, columns: list[str] | None, rows: slice | None) -> object:
    names = [name.strip() for each in columns for name in each.split(",")] if columns else None
    return _persisted(run).get(columns=names, rows=rows)


def _stream(result: PersistedResult[object], output: Path | None) -> None:
    layout = result.read().payload
    if layout is not None and len(layout.parts) > 1:
        raise ResultUnreadable(
            f"The serializer {result.serializer_type!r} wrote {plural(len(layout.parts) - 1, 'buffer')} in "
            "addition to its stream, so no file holds all of it. Leave out --raw, or write it as 'numpy', 'arrow'"
            " or 'parquet'."
        )
    with result.open() as source:
        if output is None:
            _refuse_terminal("The result is bytes")
            shutil.copyfileobj(source, sys.stdout.buffer, _PIECE)
            return
        with whole_file(output) as path, path.open("wb") as target:
            shutil.copyfileobj(source, target, _PIECE)


def _print(value: object) -> None:
    if isinstance(value, bytes | bytearray | memoryview):
        _refuse_terminal(f"The value is {len(value):,} bytes")
        sys.stdout.buffer.write(value)
    elif isinstance(value, str):
        text = value if value.endswith("\n") else f"{value}\n"
        sys.stdout.write(printable(text) if sys.stdout.isatty() else text)  # a program is to have it as it is
    elif is_json(value):
        sys.stdout.write(json_text(value, indent=2) + "\n")
    else:
        from rich.pretty import Pretty

        show(Pretty(value))


def _refuse_terminal(what: str) -> None:
    if sys.stdout.isatty():
        raise ResultNotKept(f"{what}, which a terminal cannot show. Use --output FILE.")
