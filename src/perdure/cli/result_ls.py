"""`perdure result ls`"""

import json
from typing import Annotated, Any, Literal

import typer

from perdure._model.records import ResultKind, ResultRecord
from perdure._rooms.results.records import ResultFilter
from perdure.cli import find
from perdure.cli.groups import AsJson, Limit
from perdure.cli.json_shapes import literal_text, result_shape
from perdure.cli.output import NOTHING, Column, console, note, short_time, show, show_json, size_text, table, type_text
from perdure.cli.result_filter import Chosen, choosing

Kind = Literal["persisted", "literal", "unpersisted", "all"]
_WIDE = 100  # columns of a terminal that has room for previews
_LONG = 200  # characters of a preview that are looked at
_SHOWN = 32  # characters of a preview in a row


@choosing
def ls(
    chosen: Chosen,
    kind: Annotated[
        Kind, typer.Option("--kind", metavar="KIND", help="Of this kind: persisted, literal, unpersisted or all.")
    ] = "persisted",
    removed: Annotated[bool, typer.Option("--removed", help="Only those that were removed.")] = False,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List results, the newest first; of a flow run, its own before those of its task runs.

    Without --kind and --removed, only persisted ones that are still there.
    """
    kinds: tuple[ResultKind, ...] = () if kind == "all" else (kind,)
    plain = ResultFilter(kinds=kinds, removed=removed, items=False, limit=limit)
    records = _newest(chosen.narrowed(plain), limit)
    if as_json:
        show_json([result_shape(record) for record in records])
    elif records:
        _show_records(records, with_kind=len(kinds) != 1)
    elif not chosen and not removed:
        show("There are no results." if kind == "all" else f"There are no {kind} results.")
        show(note("`persist_result=True` on a flow or task persists what it returns; --kind all shows other results."))
    else:
        show("No result matches.")
        show(note("`perdure result ls` lists what is persisted, and `--kind all` all."))


def _newest(wanted: ResultFilter, limit: int) -> list[ResultRecord]:
    """The results of the newest runs, in the order in which they were made.

    A flow run is older than what it called, and its result the newest: of one flow run it is asked for by itself.
    """
    known = find.orchestrator()
    found = sorted(known.results(wanted), key=lambda record: record.created, reverse=True)
    own = known.results(wanted._replace(run_ids=wanted.flow_run_ids)) if wanted.flow_run_ids else ()
    of_flow = {record.run_id for record in own}
    return [*own, *(record for record in found if record.run_id not in of_flow)][:limit]


def _show_records(records: list[ResultRecord], with_kind: bool) -> None:
    columns = [
        Column("run"),
        *([Column("kind", whole=True)] if with_kind else []),
        Column("type"),
        Column("size", whole=True, right=True, spare=2),
        Column("removed" if records[0].removed else "created", whole=True, spare=1),
        Column("id", whole=True, style="dim"),
    ]
    with_preview = console().width >= _WIDE and any(each.preview or literal_text(each) for each in records)
    if with_preview:
        columns.insert(-3, Column("preview", style="dim"))
    names = run_names(records)
    ids = find.short_ids([record.run_id for record in records])
    rows = []
    for record, id in zip(records, ids, strict=True):
        row = [
            names.get(record.run_id, NOTHING),
            type_text(record.type),
            size_text(record.size),
            short_time(record.removed or record.created),
            id,
        ]
        if with_kind:
            row.insert(1, record.kind)
        if with_preview:
            text = literal_text(record) or preview_line(record.preview)
            row.insert(-3, text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…")
        rows.append(row)
    taken = sum(max(len(text) for text in (column.title, *cells)) + 2 for column, cells in _others(columns, rows))
    room = console().width - taken
    show(table(columns, [(_fitted(row[0], room), *row[1:]) for row in rows]))


def _others(columns: list[Column], rows: list[list[str]]) -> list[tuple[Column, list[str]]]:
    """The columns after the first, each with its cells."""
    return list(zip(columns, map(list, zip(*rows, strict=True)), strict=True))[1:]


def _fitted(name: str, room: int) -> str:
    """A run's name in so many characters; of `FLOW-RUN/NAME`, the first is cut, since it is the same in many rows."""
    above, slash, own = name.rpartition("/")
    left = max(4, room - len(own) - 2)
    return f"{above[:left]}…{slash}{own}" if slash and len(name) > room and len(above) > left else name


def run_names(records: list[ResultRecord]) -> dict[str, str]:
    """What each result's run is called: `NAME`, or `FLOW-RUN/NAME` for a task run in one."""
    orchestrator = find.orchestrator()
    tasks = find.runs_by_id((each.run_id for each in records if each.of_task), orchestrator.task_runs)
    of_tasks = [each.flow_run_id for each in tasks.values() if each.flow_run_id is not None]
    of_items = [each.item_of for each in records if each.item_of is not None]
    of_flows = [each.run_id for each in records if not each.of_task]
    flows = find.runs_by_id([*of_tasks, *of_items, *of_flows], orchestrator.flow_runs)
    names = {id: run.name for id, run in flows.items()}
    names |= {each.run_id: f"{names.get(each.item_of, NOTHING)}[{each.number}]" for each in records if each.item_of}
    for id, run in tasks.items():
        names[id] = run.name if run.flow_run_id is None else f"{names.get(run.flow_run_id, NOTHING)}/{run.name}"
    return names


def preview_line(preview: str | None) -> str:
    """What a preview says, in one short line."""
    shown: dict[str, Any] = {} if preview is None else json.loads(preview)
    match shown.get("kind"):
        case "json":
            text = json.dumps(shown.get("value"), ensure_ascii=False)
        case "table":
            text = f"{shown.get('rows', 0):,} × {shown.get('width', 0):,}"
        case "array":
            text = f"{' × '.join(f'{each:,}' for each in shown.get('shape', ()))} {shown.get('dtype', '')}"
        case "image":
            text = f"{shown.get('width')} × {shown.get('height')}"
        case _:
            text = str(next((shown[name] for name in ("value", "message", "text", "hex") if name in shown), NOTHING))
    return " ".join(text[:_LONG].split()) or NOTHING
