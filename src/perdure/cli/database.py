"""`perdure database`: maintenance of the database that runs are recorded in."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure._model.errors import DatabaseCorrupt, OrchestratorError
from perdure._settings import settings
from perdure._store.sql.database import Database
from perdure._store.sql.database_from_settings import database_at, database_of, known_database_at
from perdure._store.sql.schema import HEAD
from perdure.cli.database_prune import prune
from perdure.cli.groups import AsJson, new_group
from perdure.cli.output import Column, facts, note, plural, section, show, show_json, size_text, table

if TYPE_CHECKING:
    from perdure._store.maintenance.checking import Checked

app = new_group("Maintain the database: PERDURE_DATABASE, a SQLite file or postgresql://…")
app.command()(prune)


def chosen() -> Database:
    """The database of the settings."""
    return database_of(settings.current())


@app.command()
def info(as_json: AsJson = False) -> None:
    """Show the database's location, version and size, and the number of rows in each table."""
    from perdure._store.maintenance.checking import row_counts

    database = chosen()
    with closing(database.connect()) as connection, database.errors():
        size, free = database.sizes(connection)
        version = database.version(connection)
        rows = row_counts(connection)
    if as_json:
        known = {"place": database.place, "version": version, "revision": HEAD, "size": size, "free": free}
        show_json({**known, "rows": rows})
        return
    free_text = None if free is None else f"{size_text(free)}, used by what is written next"
    shown = {"place": database.place, "version": version, "migration": HEAD, "size": size_text(size), "free": free_text}
    show(facts(shown.items()), section("Rows"))
    columns = [Column("of", whole=True), Column("rows", whole=True, right=True)]
    show(table(columns, [(name, f"{count:,}") for name, count in rows.items() if count]))


@app.command()
def upgrade(as_json: AsJson = False) -> None:
    """Upgrade the tables to this version of Perdure. Every use of the database does that automatically."""
    database = chosen()
    before = database.revision()
    database.connect().close()
    _report_migration(database, before, HEAD, as_json)


@app.command()
def downgrade(
    revision: Annotated[str, typer.Argument(metavar="REVISION", help="The migration to downgrade to, such as 0005.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Downgrade the tables to those of an older version of Perdure; install that version afterwards.

    Data that it does not store is lost. Any use by this version upgrades the tables again.
    """
    from perdure._store.sql.migrations import known_revisions

    database = chosen()
    before = database.revision()
    known = known_revisions()
    if revision not in known:
        raise OrchestratorError(f"There is no migration {revision!r}. They are {', '.join(known)}.")
    if before is None:
        raise OrchestratorError(f"{database.place} has no tables of Perdure's.")
    if before < revision:
        raise OrchestratorError(f"{database.place} is at the migration {before}, before {revision}. Use upgrade.")
    if before != revision and not yes:
        typer.confirm(
            f"Take {database.place} from {before} back to {revision}? What {revision} lacks is lost.", abort=True
        )
    database.migrate(revision)
    _report_migration(database, before, revision, as_json)


def _report_migration(database: Database, before: str | None, after: str, as_json: bool) -> None:
    if as_json:
        show_json({"place": database.place, "before": before, "after": after})
    elif before == after:
        show(f"{database.place} is at the migration {after} already.")
    else:
        show(f"{database.place} went from {f'the migration {before}' if before else 'nothing'} to {after}.")


@app.command()
def check(as_json: AsJson = False) -> None:
    """Read the whole database and report what is broken; exit code 1 if something is."""
    from perdure._store.maintenance.checking import check as check_database

    database = chosen()
    checked = check_database(database)
    if as_json:
        dangling = [each._asdict() for each in checked.dangling]
        found = {"damage": list(checked.damage), "differences": list(checked.differences), "dangling": dangling}
        show_json({"place": database.place, "whole": checked.is_whole, **found})
    else:
        _show_checked(database, checked)
    if not checked.is_whole:
        raise DatabaseCorrupt(
            f"The database {database.place} is not whole. Restore it from a backup, or save what can be read with"
            " `perdure database copy`."
        )


def _show_checked(database: Database, checked: "Checked") -> None:
    for title, texts in (("Damage", checked.damage), ("Tables that differ", checked.differences)):
        if texts:
            show(section(title), *_first(texts))
    if checked.is_whole:
        show(f"{database.place} is whole: its pages, tables and indices are as they should be.")
    if checked.dangling:
        columns = [Column("rows of"), Column("by"), Column("count", right=True), Column("such as")]
        rows = [(each.table, each.column, f"{each.rows:,}", each.example) for each in checked.dangling]
        show(section("Dangling references"), table(columns, rows))
        show(note("Processes that were killed leave such rows; they do no harm."))


def _first(texts: Sequence[str]) -> Sequence[str]:
    more = len(texts) - 20
    return texts if more <= 0 else [*texts[:20], f"and {more:,} more"]


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new SQLite file.")], as_json: AsJson = False
) -> None:
    """Write the database's current content into a new SQLite file, while flows run.

    Results in storages, and the secrets key in the home, are not included.
    """
    from perdure._store.maintenance.copying import backup as back_up

    database = chosen()
    size = back_up(database, file.absolute())
    if as_json:
        show_json({"place": database.place, "file": str(file.absolute()), "size": size})
    else:
        show(f"{database.place} is backed up in {file}, {size_text(size)}.")
        show(note(f"PERDURE_DATABASE={file} looks into it. Results in storages are not included."))


@app.command()
def copy(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A path, or postgresql://…; it must be empty.")],
    source: Annotated[
        str | None, typer.Option("--from", metavar="SOURCE", help="Another database than that of the settings.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Copy the database's current content into an empty one, of either kind: everything or nothing."""
    from perdure._store.maintenance.copying import copy as copy_database

    holding = settings.current()
    origin = database_of(holding) if source is None else known_database_at(source, holding)
    goal = database_at(target, holding)
    rows = copy_database(origin, goal)
    if as_json:
        show_json({"from": origin.place, "to": goal.place, "rows": rows})
        return
    show(f"Copied {plural(sum(rows.values()), 'row')} from {origin.place} to {goal.place}; as many are there now.")
    show(note("`perdure config set database=…` makes flows use it. Changes made during the copy are not included."))
