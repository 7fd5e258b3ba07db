"""`perdure flow-run failures`"""

from typing import Annotated

import typer

from perdure._explanation.failures import FailureGroup
from perdure._explanation.failures import failures as found_by
from perdure._rooms.runs.records import FailureFilter
from perdure.cli import completion, find
from perdure.cli.groups import MOST, AsJson, Since, Tags, time_since
from perdure.cli.output import NOTHING, Column, iso, note, plural, short_time, show, show_json, table


def failures(
    flow: Annotated[
        str | None,
        typer.Option("--flow", metavar="NAME", autocompletion=completion.flows, help="Only those of this flow."),
    ] = None,
    tags: Tags = [],  # noqa: B006 - typer copies it
    since: Since = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", metavar="N", min=1, max=MOST, help="The maximum number of groups.")
    ] = 20,
    as_json: AsJson = False,
) -> None:
    """List what flow runs failed of: exceptions with their messages, the most frequent first.

    Ids, addresses and numbers in messages do not distinguish them. Subflows count with --flow only. The newest 30,000
    failed and as many crashed runs are looked at.
    """
    wanted = FailureFilter(flow, time_since(since), tags=tuple(tags))
    found = found_by(find.orchestrator(), wanted)
    shown = found.groups[:limit]
    if as_json:
        shape = {"runs": found.runs, "is_complete": found.is_complete}
        show_json({"groups": [_shape(group) for group in shown], **shape})
    elif not shown and wanted == FailureFilter():
        show("No flow run has failed.")
    elif not shown:
        show(find.no_flow(flow) or "No flow run that matches has failed.")
    else:
        columns = [
            Column("runs", whole=True, right=True),
            Column("failure"),
            Column("flow", spare=2),
            Column("first", whole=True, spare=1),
            Column("last", whole=True),
            Column("newest", whole=True, style="dim"),
        ]
        ids = find.short_ids([group.newest.id for group in shown])
        show(table(columns, [_row(group, id) for group, id in zip(shown, ids, strict=True)]))
        if len(found.groups) > limit or not found.is_complete:
            more = len(found.groups) - limit
            rest = f"{plural(more, 'more group')}: --limit shows them. " if more > 0 else ""
            show(note(rest + ("" if found.is_complete else "Older runs were not looked at.")))


def _row(group: FailureGroup, id: str) -> tuple[str, ...]:
    flows = group.flows[0][0] + (f" and {len(group.flows) - 1}" if len(group.flows) > 1 else "")
    return (f"{group.runs:,}", _said(group), flows, short_time(group.first), short_time(group.last), id)


def _said(group: FailureGroup) -> str:
    name = None if group.type is None else group.type.rpartition(".")[2]
    if name is None and group.message is None:
        return f"{group.state_type.capitalize()}, without a message"
    return ": ".join(each for each in (name, group.message) if each) or NOTHING


def _shape(group: FailureGroup) -> dict[str, object]:
    return {
        "state_type": group.state_type,
        "type": group.type,
        "message": group.message,
        "runs": group.runs,
        "flows": dict(group.flows),
        "newest": {"id": group.newest.id, "name": group.newest.name},
        "first": iso(group.first),
        "last": iso(group.last),
    }
