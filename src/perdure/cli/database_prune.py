"""`perdure database prune`: removing old runs."""

from contextlib import closing
from typing import Annotated

import typer

from perdure._model.state_types import FINAL, StateType
from perdure._platform.ages_and_sizes import time_ago
from perdure._platform.clock import system_clock
from perdure._settings import settings
from perdure._store.sql.database import Database
from perdure._store.sql.database_from_settings import database_of
from perdure.cli.groups import AsJson
from perdure.cli.output import note, plural, show, show_json, size_text


def prune(
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="AGE", help="Runs that ended longer ago, such as '90d'.")
    ],
    states: Annotated[
        list[StateType],
        typer.Option(
            "--state",
            metavar="STATE",
            case_sensitive=False,
            help="Only outermost runs in this state; repeatable. Without it: completed, failed and cancelled.",
        ),
    ] = [],  # noqa: B006 - typer copies it
    results: Annotated[
        bool, typer.Option("--results", help="Also runs whose results are kept; their files stay, as orphans.")
    ] = False,
    vacuum: Annotated[bool, typer.Option("--vacuum", help="Then give the free space back to the disk.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be removed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove old runs from the database: with their tasks, subflows, states, inputs, decisions and logs.

    A run stays as long as it, or anything inside it, is unfinished or can be resumed, has a result whose file is
    kept, or is referred to by a cache key. `perdure result prune` removes old results first.
    """
    from perdure._store.maintenance.pruning_runs import ENDED, prune_runs

    now, database = system_clock(), database_of(settings.current())
    try:
        before = time_ago(older_than, now)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--older-than") from None
    if unfinished := [str(state) for state in states if state not in FINAL]:
        raise typer.BadParameter(f"{unfinished[0]} is no end of a run: those stay.", param_hint="--state")
    size_before = _size(database)
    gone = prune_runs(database, before, now, states=tuple(states) or ENDED, results=results, dry_run=dry_run)
    if vacuum and not dry_run:
        with closing(database.connect()) as connection, database.errors():
            database.reclaim(connection)
    size, free = _size(database)
    if as_json:
        show_json({"rows": gone, "dry_run": dry_run, "size_before": size_before[0], "size": size, "free": free})
        return
    runs, tasks = gone.get("flow_run", 0), gone.get("task_run", 0)
    what = "Would remove" if dry_run else "Removed"
    show(f"{what} {plural(runs, 'flow run')} and {plural(tasks, 'task run')}.")
    if not dry_run:
        freed = "" if free is None else f", of which {size_text(free)} are free for what is written next"
        show(note(f"The database takes {size_text(size)}{freed}; before, it took {size_text(size_before[0])}."))
        if not vacuum and free:
            show(note("--vacuum gives free space back to the disk; flows wait meanwhile."))


def _size(database: Database) -> tuple[int, int | None]:
    with closing(database.connect()) as connection, database.errors():
        return database.sizes(connection)
