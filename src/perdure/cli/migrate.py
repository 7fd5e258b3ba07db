"""`perdure migrate`: rewrite programs that were written for other systems, or take a database over."""

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from perdure._model.errors import MigrationError
from perdure.cli.groups import SETTINGS, AsJson
from perdure.cli.migrate_database import take_over
from perdure.cli.output import say, show, show_json

app = typer.Typer(add_completion=False, **SETTINGS)
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}
_LEFT_OUT = {".git", ".venv", "venv", "node_modules", "__pycache__", ".tox", "site-packages"}


@app.command()
def migrate(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILES…", exists=True, help="Python files, or folders of them.")
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Change the files; without it, the changes are shown.")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--from", metavar="SYSTEM", help="prefect, airflow, dagster, dbos, joblib, luigi; all by default."
        ),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            "--database", metavar="URL", help="Take over Prefect's own database: a SQLite file or postgresql://…"
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --database: read all of it, and keep nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Rewrite programs for Prefect 2 or 3, Airflow, Dagster, DBOS, joblib or Luigi.

    Imports, names and settings are rewritten; comments and layout stay. A prefect.yaml becomes a perdure.toml beside
    it. What you must decide is listed by file and line, with the reason and the section of the docs. Nothing is changed
    without --write.

    With --database, take over what Prefect's own database knows into the current profile's database or server: runs,
    states, logs, results, artifacts, blocks, variables and limits. It is only read, also while Prefect writes to it.
    Doing it again adds only what is new.
    """
    if database is not None:
        if files or write or only:
            raise typer.BadParameter("it goes with --dry-run and --json only: programs are rewritten without it.")
        take_over(database, dry_run, as_json)
        return
    if not files:
        raise typer.BadParameter("give files to rewrite, or --database to take one over.")
    if dry_run:
        raise typer.BadParameter("--dry-run goes with --database: files are changed with --write only.")
    _rewrite(files, write, only, as_json)


def _rewrite(files: list[Path], write: bool, only: list[str] | None, as_json: bool) -> None:
    try:
        from perdure._migration import prefect_yaml
        from perdure._migration.import_rewriting import rewrite
        from perdure._migration.sources import SOURCES
        from perdure._rooms.deployments.declared import NAME
    except ImportError as error:
        raise MigrationError("Rewriting needs LibCST: pip install 'perdure[migrate]'.") from error
    unknown = [each for each in only or () if each not in SOURCES]
    if unknown:
        raise MigrationError(f"{unknown[0]!r} is an unknown system. Known are {', '.join(SOURCES)}.")
    sources = [SOURCES[each] for each in only or SOURCES]
    report: list[dict[str, Any]] = []
    changed = 0
    for file in _programs(files):
        text = _read(file)
        is_declaration = file.name in prefect_yaml.NAMES  # it stays, and becomes another file
        target = file.with_name(NAME) if is_declaration else file
        try:
            found = prefect_yaml.toml_of(text) if is_declaration else rewrite(text, sources)
        except MigrationError as error:
            raise MigrationError(f"{file}: {error}") from error
        if is_declaration:
            text = _read(target) if target.exists() else ""
        is_changed = found.text != text
        changed += is_changed
        if is_declaration and text and is_changed:
            raise MigrationError(f"{target} is there already, and differs from what {file} says. Move it away first.")
        if is_changed and write:
            target.write_bytes(found.text.encode())
        report.append({"file": str(file), "changed": is_changed, "decide": [each._asdict() for each in found.findings]})
        if as_json:
            continue
        if is_changed and not write:
            _show(text, found.text, str(target))
        for each in found.findings:
            show(f"{file}:{each.line}: {each.what}: {each.reason} (docs/{each.section})")
    if as_json:
        show_json(report)
        return
    left = sum(len(each["decide"]) for each in report)
    verb = "changed" if write else "would change"
    say(f"{_count(changed, 'file')} {verb}, {_count(left, 'place')} to decide.")
    if changed and not write:
        say("Run it again with --write to change them.")


def _programs(files: list[Path]) -> Iterator[Path]:
    for file in files:
        if file.is_dir():
            every = sorted([*file.rglob("*.py"), *file.rglob("prefect.y*ml")])
            found = (each for each in every if not _LEFT_OUT & set(each.parts))
            yield from (each for each in found if each.is_file())
        else:
            yield file


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise MigrationError(f"{file} cannot be read: {error}") from error


def _show(before: str, after: str, name: str) -> None:
    from rich.text import Text

    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, name, lineterm="")
    for line in lines:
        show(Text(line, style=_COLOURS.get(line[:1], "")))


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
