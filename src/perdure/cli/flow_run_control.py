"""`perdure flow-run cancel` and `perdure flow-run continue`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from perdure._engine.recovery.durable_timers import SUSPENDED
from perdure._execution.control import cancel_flow_run, continue_flow_run
from perdure._model.errors import SteeringError
from perdure._rooms.deployments.port import QueueFilter
from perdure.cli import find
from perdure.cli.asked_input import open_pause, show_asked
from perdure.cli.flow_run_resume import Which, resumed
from perdure.cli.groups import MOST, AsJson
from perdure.cli.json_shapes import run_shape
from perdure.cli.output import note, say, show, show_json
from perdure.cli.run import shape_of


def cancel(
    which: Which,
    grace: Annotated[
        float | None,
        typer.Option("--grace", metavar="SECONDS", min=0, max=MOST, help="How long its code has to end by itself."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Kill its process, on this machine, if it does not end in time.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Cancel a flow run and all runs below it, wherever it runs, and wait until it has ended."""
    run = find.flow_run(which)
    cancel_flow_run(run.id, grace=grace, force=force)
    if as_json:
        show_json(run_shape(find.flow_run(run.id)))
    else:
        show(f"Cancelled the flow run {run.name!r}.")
        show(note(f"perdure flow-run inspect {run.id}"))


def continue_run(
    which: Which,
    document: Annotated[
        str | None, typer.Option("--input", metavar="JSON", help="The input that it waits for, as JSON, or @FILE.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Continue a paused flow run; a suspended one is resumed here, or, of a deployment, by a worker of its pool.

    Exit codes as of `perdure run`; 0 once the input of a paused run is stored.
    """
    run = find.flow_run(which)
    given, wait = None if document is None else _input(document), open_pause(run)
    try:
        continue_flow_run(run.id, input=given)
    except SteeringError as error:
        if wait is None or wait.asks is None or as_json:
            raise
        say(str(error), "Error")
        show_asked(run, wait)
        raise typer.Exit(1) from None
    places = find.orchestrator().deployments.queued(QueueFilter(flow_run_ids=(run.id,)))
    if run.state_name != SUSPENDED or places:
        if as_json:
            show_json(run_shape(run))
        else:
            show(f"Continued the flow run {run.name!r}.")
            if run.state_name == SUSPENDED:
                show(note(f"A worker of the pool {places[0].work_pool} resumes it."))
        return
    flow, end = resumed(run, False, as_json)
    if as_json:
        show_json(shape_of(flow, end))
    raise typer.Exit(end.exit_code)


def _input(document: str) -> object:
    try:
        text = Path(document[1:]).read_text("utf-8") if document.startswith("@") else document
        return json.loads(text)
    except OSError as error:
        raise typer.BadParameter(f"{error.strerror}: {document[1:]}", param_hint="--input") from None
    except ValueError as error:
        wrong = f"It is not JSON: {error}. Text needs quotes: '\"text\"'."
        raise typer.BadParameter(wrong, param_hint="--input") from None
