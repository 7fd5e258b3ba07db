"""`perdure flow-run`"""

import json
from typing import Annotated

import typer

from perdure._engine.recovery.lost_runs import lost_among
from perdure._model.records import LogRecord
from perdure._rooms.runs.records import FlowRun, RunFilter
from perdure._session import session
from perdure.cli import completion, find
from perdure.cli.asked_input import asked_schema, open_pause, show_asked
from perdure.cli.explain import show_why
from perdure.cli.failure import failure_shape, path_of, show_where
from perdure.cli.flow_run_abandon import LOST, abandon
from perdure.cli.flow_run_compare import compare
from perdure.cli.flow_run_control import cancel, continue_run
from perdure.cli.flow_run_failures import failures
from perdure.cli.flow_run_resume import rerun, resume, start
from perdure.cli.flow_run_watch import watch
from perdure.cli.groups import AsJson, Limit, Since, States, Tags, new_group, time_since
from perdure.cli.json_shapes import duration_of, log_shape, run_shape, state_shape
from perdure.cli.log_lines import Names, line_text
from perdure.cli.output import (
    Column,
    duration_text,
    facts,
    iso,
    lost_text,
    note,
    say,
    section,
    short_time,
    show,
    show_json,
    state_text,
    table,
)
from perdure.cli.runs import Facts, common_facts, located_shape, result_of, show_heading, show_result, show_states
from perdure.cli.tree import Below, gather, summary, tree

app = new_group("List, inspect, compare, cancel, continue and resume flow runs, and read their logs.")
app.command()(resume)
app.command()(start)
app.command()(rerun)
app.command()(abandon)
app.command()(cancel)
app.command("continue")(continue_run)
app.command()(watch)
app.command()(compare)
app.command()(failures)

Which = Annotated[
    str,
    typer.Argument(
        metavar="RUN", autocompletion=completion.flow_runs, help="A flow run's id, a prefix of it, or its name."
    ),
]


@app.command()
def ls(
    flow: Annotated[
        str | None,
        typer.Option("--flow", metavar="NAME", autocompletion=completion.flows, help="Only those of this flow."),
    ] = None,
    states: States = [],  # noqa: B006 - typer copies it
    tags: Tags = [],  # noqa: B006
    since: Since = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List flow runs, the newest first."""
    wanted = RunFilter(of=flow, states=tuple(states), tags=tuple(tags), after=time_since(since), limit=limit)
    runs = find.orchestrator().flow_runs(wanted)
    lost = lost_among(runs, session.current())
    if as_json:
        show_json([run_shape(run) | {"is_lost": run.id in lost} for run in runs])
    elif runs:
        _show_runs(list(runs), lost)
        if lost:
            show(note("\n" + LOST))
    elif wanted == RunFilter(limit=limit):
        show("There are no flow runs yet.")
        show(note("`perdure run FILE.py:FLOW` makes one, and so does calling a flow in Python."))
    else:
        show(find.no_flow(flow) or "No flow run matches.")
        show(note("`perdure flow-run ls` lists all."))


def _show_runs(runs: list[FlowRun], lost: set[str]) -> None:
    columns = [
        Column("state", whole=True),
        Column("flow"),
        Column("name"),
        Column("began", whole=True, spare=1),
        Column("took", whole=True, right=True, spare=2),
        Column("id", whole=True, style="dim"),
    ]
    ids = find.short_ids([run.id for run in runs])
    rows = [
        (
            lost_text(run.state_name) if run.id in lost else state_text(run.state_type, run.state_name),
            run.flow_name,
            run.name,
            short_time(run.started or run.created),
            duration_text(duration_of(run)),
            id,
        )
        for run, id in zip(runs, ids, strict=True)
    ]
    show(table(columns, rows))


@app.command()
def inspect(which: Which, as_json: AsJson = False) -> None:
    """Show a flow run: parameters, states, result, and the tree of what it called."""
    orchestrator = find.orchestrator()
    run = find.flow_run(which)
    is_lost = bool(lost_among([run], session.current()))
    states, result, below = orchestrator.states(run.id), result_of(run), gather(run, orchestrator)
    wait = open_pause(run)
    if as_json:
        show_json(
            run_shape(run)
            | {
                "is_lost": is_lost,
                "asks": asked_schema(wait),
                "waits_until": None if wait is None else iso(wait.until),
                "idempotency_key": orchestrator.transactions.key_of_run(run.id),
                "states": [state_shape(state) for state in states],
                "failure": failure_shape(path_of(run)),
                "result": located_shape(result),
                "task_runs": [run_shape(each) for each in below.task_runs],
                "subflow_runs": [run_shape(each) for each in below.flow_runs],
                "is_cut": below.cut,
            }
        )
        return
    show_heading(run, is_lost)
    show(facts((_facts(run) | {"idempotency key": orchestrator.transactions.key_of_run(run.id)}).items()))
    if is_lost:
        show(note(LOST))
    if wait is not None:
        show_asked(run, wait)
    _show_parameters(run)
    show_states(states)
    show_where(path_of(run))
    show_result(result, run.id)
    _show_below(run, below, is_lost)


def _facts(run: FlowRun) -> Facts:
    return {
        "id": run.id,
        "flow": run.flow_name,
        "version": run.flow_version,
        **common_facts(run),
        "called by": run.parent_task_run_id or run.parent_flow_run_id,
    }


def _show_parameters(run: FlowRun) -> None:
    parameters = json.loads(run.parameters)
    if parameters:
        shown = {name: json.dumps(value, ensure_ascii=False) for name, value in parameters.items()}
        show(section("Parameters"), facts((name, _cut(text)) for name, text in shown.items()))


def _cut(text: str, length: int = 300) -> str:
    return text if len(text) <= length else f"{text[:length]}…"


def _show_below(run: FlowRun, below: Below, is_lost: bool) -> None:
    if below.task_runs or below.flow_runs:
        show(section("Runs"), tree(run, below, is_lost), "", summary(below))


@app.command()
def explain(which: Which, as_json: AsJson = False) -> None:
    """Explain why a flow run called its function, or why it did not."""
    show_why(find.flow_run(which), as_json)


@app.command()
def logs(which: Which, as_json: AsJson = False) -> None:
    """Print what a flow run and its task runs logged, oldest first.

    `perdure logs --flow-run RUN` adds the lines of its subflows.
    """
    run = find.flow_run(which)
    lines = find.orchestrator().logs(flow_run_id=run.id)
    if as_json:
        show_json([log_shape(line) for line in lines])
    elif lines:
        _show_lines(list(lines))
    else:
        show(f"Flow run {run.name!r} logged nothing.")
        show(note("`get_run_logger()` returns the run's logger; logging_level is the lowest level that is stored."))
    if not as_json and find.orchestrator().flow_runs(RunFilter(flow_run_ids=(run.id,), limit=1)):
        say(f"With the lines of its subflows: perdure logs --flow-run {run.id}")


def _show_lines(lines: list[LogRecord]) -> None:
    names = Names(find.orchestrator())
    names.learn(lines)
    show(*(line_text(line, names.of(line, whole=False)) for line in lines))


# The names that other groups and other tools use.
app.command("show", hidden=True)(inspect)
