"""`perdure event`: what servers found to have happened, and what programs emitted."""

import json
from typing import Annotated

import typer

from perdure._rooms.events.port import NO_RUN, Event, EventFilter
from perdure.cli import completion
from perdure.cli.find import orchestrator
from perdure.cli.groups import AsJson, Limit, new_group
from perdure.cli.output import NOTHING, Column, note, short_time, show, show_json, table

app = new_group("List events: what servers found, and what programs emitted.")


@app.callback()
def _event() -> None:
    """List events: what servers found, and what programs emitted."""


@app.command()
def ls(
    kind: Annotated[
        str | None,
        typer.Option("--kind", metavar="KIND", help="Only these: flow-run.failed, flow-run.*, order.shipped"),
    ] = None,
    flow: Annotated[
        str | None,
        typer.Option("--flow", metavar="NAME", autocompletion=completion.flows, help="Only of runs of this flow."),
    ] = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List events, the newest first."""
    events = orchestrator().services.events(EventFilter(kind=kind, flow_name=flow, limit=limit))
    if as_json:
        show_json([json.loads(event.payload) for event in events])
    elif events:
        columns = [Column("time", whole=True), Column("kind", whole=True), Column("flow"), Column("run", whole=True)]
        show(
            table(
                columns,
                [(short_time(each.time), each.kind, each.flow_name or NOTHING, _run_of(each)) for each in events],
            )
        )
    else:
        show("No event matches.")
        show(note("A running server creates them from states: `perdure server start`; flows emit_event(...)."))


def _run_of(event: Event) -> str:
    return NOTHING if event.run_id == NO_RUN else event.run_id
