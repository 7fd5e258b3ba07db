"""`perdure artifact`: what runs made to be looked at."""

import base64
import csv
import io
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure._model.errors import ArtifactError, ArtifactMissing
from perdure._model.records import ArtifactKind, ArtifactRecord
from perdure._rooms.artifacts.records import ArtifactFilter
from perdure.cli import completion
from perdure.cli.find import flow_run as found_flow_run
from perdure.cli.find import orchestrator, short_ids
from perdure.cli.groups import AsJson, Limit, new_group
from perdure.cli.json_shapes import artifact_shape
from perdure.cli.output import Column, console, facts, full_time, note, plural, short_time, show, show_json, table

if TYPE_CHECKING:
    from rich.console import RenderableType

app = new_group("List, show, export and delete artifacts of runs.")

Which = Annotated[
    str,
    typer.Argument(
        metavar="ARTIFACT",
        autocompletion=completion.artifacts,
        help="A key, for its newest version; or an id, or a prefix of it.",
    ),
]
_SHOWN = 200  # rows of a table
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all that would control a terminal


@app.command()
def ls(
    key: Annotated[str | None, typer.Option("--key", help="All versions of this key.")] = None,
    kind: Annotated[ArtifactKind | None, typer.Option("--kind", help="Only those of this kind.")] = None,
    flow_run: Annotated[
        str | None,
        typer.Option("--flow-run", metavar="RUN", autocompletion=completion.flow_runs, help="Only those of this run."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All versions of all keys.")] = False,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List artifacts, the newest first; of each key the newest version."""
    wanted = ArtifactFilter(
        key=key,
        kinds=() if kind is None else (kind,),
        flow_run_ids=() if flow_run is None else (found_flow_run(flow_run).id,),
        latest=not everything and key is None and flow_run is None,
        limit=limit,
    )
    records = orchestrator().artifacts(wanted)
    if as_json:
        show_json([artifact_shape(record) for record in records])
    elif records:
        columns = [Column("kind", whole=True), Column("key"), Column("what"), Column("updated", whole=True)]
        columns.append(Column("id", whole=True, style="dim"))
        ids = short_ids([record.id for record in records])
        show(
            table(
                columns,
                [
                    (each.kind, each.key or "", _summary(each), short_time(each.updated), id)
                    for each, id in zip(records, ids, strict=True)
                ],
            )
        )
    else:
        show("No artifact matches.")
        show(note("`create_markdown_artifact(…)` of perdure.artifacts in a flow or task makes one."))


def _summary(record: ArtifactRecord) -> str:
    data = json.loads(record.data)
    if record.kind == "markdown":
        own = next(iter(data["markdown"].strip().splitlines()), "")
    elif record.kind == "table":
        cut = f", the first of {data['total']:,}" if "total" in data else ""
        own = f"{plural(len(data['rows']), 'row')} of {plural(len(data['columns']), 'column')}{cut}"
    elif record.kind == "image":
        own = data.get("url") or data["type"]
    else:
        own = f"{data['percent']:g}%" if record.kind == "progress" else data["text"] or data["url"]
    return f"{record.description}: {own}" if record.description else str(own)


@app.command("show")
def show_one(which: Which, as_json: AsJson = False) -> None:
    """Show an artifact."""
    record = _found(which)
    if as_json:
        show_json(artifact_shape(record))
        return
    shown = {
        "id": record.id,
        "kind": record.kind,
        "key": record.key,
        "about": record.description,
        "flow run": record.flow_run_id,
        "task run": record.task_run_id,
        "updated": full_time(record.updated),
    }
    show(facts(shown.items()), "", _content(record))


def _content(record: ArtifactRecord) -> "RenderableType":
    data = json.loads(record.data)
    if record.kind == "markdown":
        text = _CONTROLS.sub("", data["markdown"])
        if not console().is_terminal:
            return text
        from rich.markdown import Markdown

        return Markdown(text, hyperlinks=False)
    if record.kind == "table":
        return _rows(record.id, data["columns"], data["rows"], data.get("total"))
    if record.kind == "image" and "size" in data:
        return f"{data['type']} of {data['size']:,} bytes, which is too large to be kept with a run."
    if record.kind == "image" and "base64" in data:
        size = len(data["base64"]) * 3 // 4
        return f"{data['type']} of about {size:,} bytes: `perdure artifact export {record.id} FILE` writes it."
    return _summary(record) if record.kind == "progress" else _CONTROLS.sub("", data["url"])


def _rows(id: str, columns: list[str], rows: list[list[object]], total: int | None) -> "RenderableType":
    """The first rows of a table, and what there is besides."""
    from rich.console import Group

    shown = table([Column(name) for name in columns], [[_cell(each) for each in row] for row in rows[:_SHOWN]])
    said = []
    if len(rows) > _SHOWN:
        said.append(note(f"{len(rows) - _SHOWN:,} more rows: `perdure artifact export {id} FILE` writes all of them."))
    if total is not None:
        said.append(note(f"The table had {total:,} rows; the first {len(rows):,} are kept."))
    return Group(shown, *said)


def _cell(cell: object) -> str:
    if cell is None:
        return ""
    return cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False)


@app.command()
def export(
    which: Which,
    file: Annotated[Path | None, typer.Argument(help="The file to write; standard output by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write an artifact as a file: Markdown, CSV, the image, the address, or the percentage."""
    record = _found(which)
    data = _file_of(record)
    if file is None and as_json:
        show_json(artifact_shape(record))
        return
    if file is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        return
    try:
        file.write_bytes(data)
    except OSError as error:
        raise ArtifactError(f"{str(file)!r} cannot be written: {error.strerror}. Give another path.") from None
    if as_json:
        show_json({"id": record.id, "file": str(file), "size": len(data)})


def _file_of(record: ArtifactRecord) -> bytes:
    data = json.loads(record.data)
    if record.kind == "table":
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(
            [data["columns"], *([_cell(c) for c in r] for r in data["rows"])]
        )
        return text.getvalue().encode()
    if "base64" in data:
        return base64.b64decode(data["base64"])
    if "size" in data:
        raise ArtifactError(
            f"The image takes {data['size']:,} bytes, so it is not kept. Make it smaller, or keep it as a result."
        )
    own = data["markdown"] if record.kind == "markdown" else data["url"] if "url" in data else str(data["percent"])
    return f"{own}\n".encode()


@app.command()
def rm(
    which: Which,
    versions: Annotated[bool, typer.Option("--versions", help="All versions of the key.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete an artifact; of a key, its newest version."""
    record, known = _found(which), orchestrator()
    held = known.artifacts(ArtifactFilter(key=record.key)) if versions and record.key is not None else [record]
    deleted = [each.id for each in held if known.delete_artifact(each.id)]
    if as_json:
        show_json({"deleted": deleted})
    else:
        show(f"Deleted {plural(len(deleted), 'artifact')}.")


def _found(text: str) -> ArtifactRecord:
    known = orchestrator()
    by_key = known.artifacts(ArtifactFilter(key=text, limit=1))
    found = by_key or (known.artifacts(ArtifactFilter(ids=(text,), limit=2)) if text else ())
    if len(found) != 1:
        what = "Several artifacts have ids that begin with" if found else "No artifact has the key or id"
        raise ArtifactMissing(f"{what} {text!r}. `perdure artifact ls` lists them.")
    return found[0]
