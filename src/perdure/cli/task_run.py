"""`perdure task-run`"""

from collections.abc import Sequence
from typing import Annotated, Literal

import typer

from perdure._engine.recovery.lost_runs import lost_among
from perdure._explanation.comparison import arguments_of
from perdure._explanation.types import Component
from perdure._model.state_types import FINAL, StateType
from perdure._rooms.runs.records import RunFilter, TaskRun
from perdure._session import session
from perdure.cli import completion, find
from perdure.cli.explain import show_why
from perdure.cli.failure import show_traceback, traceback_of
from perdure.cli.groups import AsJson, Limit, Since, States, Tags, new_group, time_since
from perdure.cli.json_shapes import duration_of, run_shape, state_shape
from perdure.cli.output import (
    NOTHING,
    Column,
    duration_text,
    facts,
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
from perdure.cli.runs import common_facts, located_shape, result_of, show_heading, show_result, show_states

_COMPARED = 10_000  # task runs whose durations are compared
_DIGEST = 12  # characters of a digest that are shown

app = new_group("List, inspect and explain task runs.")

Which = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        autocompletion=completion.task_runs,
        help="A task run's id, a prefix of it, its name, or FLOW-RUN/NAME.",
    ),
]


@app.command()
def ls(
    flow_run: Annotated[
        str | None,
        typer.Option(
            "--flow-run", metavar="RUN", autocompletion=completion.flow_runs, help="Only those of this flow run."
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option("--task", metavar="NAME", autocompletion=completion.tasks, help="Only those of this task."),
    ] = None,
    states: States = [],  # noqa: B006 - typer copies it
    tags: Tags = [],  # noqa: B006
    since: Since = None,
    sort: Annotated[
        Literal["created", "duration"],
        typer.Option("--sort", metavar="ORDER", help="By created, the newest first, or duration, the longest first."),
    ] = "created",
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List task runs, the newest first."""
    wanted = RunFilter(of=task, states=tuple(states), tags=tuple(tags), after=time_since(since), limit=limit)
    if flow_run is not None:
        wanted = wanted._replace(flow_run_ids=(find.flow_run(flow_run).id,))
    runs = _longest(wanted, limit) if sort == "duration" else find.orchestrator().task_runs(wanted)
    lost = _lost_among(runs)
    if as_json:
        show_json([run_shape(run) | {"is_lost": run.id in lost} for run in runs])
    elif runs:
        _show_runs(list(runs), lost)
    elif wanted == RunFilter(limit=limit):
        show("There are no task runs yet.")
        show(note("Calling a task in Python makes one."))
    else:
        show(find.no_task(task) or "No task run matches.")
        show(note("`perdure task-run ls` lists all."))


def _longest(wanted: RunFilter, limit: int) -> list[TaskRun]:
    """Those that took longest, of the newest that are wanted."""
    found = find.orchestrator().task_runs(wanted._replace(limit=_COMPARED + 1))
    if len(found) > _COMPARED:
        say(f"Only the newest {_COMPARED:,} of these task runs were looked at. Narrow them by --flow-run or --since.")
    return sorted(found[:_COMPARED], key=lambda run: duration_of(run) or 0, reverse=True)[:limit]


def _lost_among(runs: Sequence[TaskRun]) -> set[str]:
    """The ids of those that have not ended, but whose flow run's process has."""
    inside = [run for run in runs if run.flow_run_id is not None and run.state_type not in (*FINAL, StateType.PAUSED)]
    ids = [run.flow_run_id for run in inside if run.flow_run_id is not None]
    lost = lost_among(find.runs_by_id(ids, find.orchestrator().flow_runs).values(), session.current())
    return {run.id for run in inside if run.flow_run_id in lost}


def _show_runs(runs: list[TaskRun], lost: set[str]) -> None:
    columns = [
        Column("state", whole=True),
        Column("flow run", whole=True, spare=1),
        Column("name", whole=True),
        Column("began", whole=True, spare=2),
        Column("took", whole=True, right=True, spare=3),
        Column("id", whole=True, style="dim"),
    ]
    ids = [run.flow_run_id for run in runs if run.flow_run_id is not None]
    names = {id: run.name for id, run in find.runs_by_id(ids, find.orchestrator().flow_runs).items()}
    short = find.short_ids([run.id for run in runs])
    rows = [
        (
            lost_text(run.state_name) if run.id in lost else state_text(run.state_type, run.state_name),
            names.get(run.flow_run_id or "", NOTHING),
            run.name,
            short_time(run.started or run.created),
            duration_text(duration_of(run)),
            id,
        )
        for run, id in zip(runs, short, strict=True)
    ]
    show(table(columns, rows))


@app.command()
def inspect(which: Which, as_json: AsJson = False) -> None:
    """Show a task run: what called it, what is kept of its arguments, its states, traceback and result."""
    run = find.task_run(which)
    states, result = find.orchestrator().states(run.id), result_of(run)
    arguments = arguments_of(run, find.orchestrator())
    if as_json:
        show_json(
            run_shape(run)
            | {
                "arguments": {name: {"shown": each.shown, "digest": each.digest} for name, each in arguments.items()},
                "states": [state_shape(state) for state in states],
                "traceback": traceback_of(run),
                "result": located_shape(result),
            }
        )
        return
    show_heading(run)
    identity = {"id": run.id, "task": run.task_name, "key": run.task_key}
    callers = {"flow run": run.flow_run_id, "called by": run.parent_task_run_id}
    show(facts((identity | common_facts(run) | callers).items()))
    if arguments:
        show(section("Arguments"), facts((name, _argument_text(each)) for name, each in arguments.items()))
    show_states(states)
    show_traceback(run)
    show_result(result, run.id)


def _argument_text(argument: Component) -> str:
    return argument.shown or f"digest {(argument.digest or NOTHING)[:_DIGEST]}"


@app.command()
def explain(which: Which, as_json: AsJson = False) -> None:
    """Explain why a task run called its function, or why it did not."""
    show_why(find.task_run(which), as_json)


# The names that other groups and other tools use.
app.command("show", hidden=True)(inspect)
