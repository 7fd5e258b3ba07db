"""`perdure cache`: cached results by key."""

import json
from typing import Annotated

import typer

from perdure._model.errors import CacheEntryMissing
from perdure._platform.ages_and_sizes import time_ago
from perdure._platform.clock import system_clock
from perdure._rooms.cache.expiry import has_expired
from perdure._rooms.cache.records import CacheEntry, CacheFilter
from perdure.cli import completion
from perdure.cli.find import orchestrator
from perdure.cli.groups import AsJson, Limit, new_group
from perdure.cli.output import (
    NOTHING,
    Column,
    facts,
    full_time,
    iso,
    note,
    plural,
    section,
    short_time,
    show,
    show_json,
    size_text,
    table,
    type_text,
)

app = new_group("List, show and clear cached results by key.")

Task = Annotated[
    str | None,
    typer.Option("--task", metavar="NAME", autocompletion=completion.tasks, help="Only results of this task."),
]
OlderThan = Annotated[
    str | None, typer.Option("--older-than", metavar="AGE", help="Only those made before, such as '30d' or '2h'.")
]
_SHOWN = 3  # keys that a message names


@app.command()
def ls(task: Task = None, older_than: OlderThan = None, limit: Limit = 20, as_json: AsJson = False) -> None:
    """List cached results by key, the newest first."""
    wanted = CacheFilter(task=task, before=_before(older_than))
    entries = list(orchestrator().cache_entries(wanted._replace(limit=limit)))
    if as_json:
        show_json([_shape(entry) for entry in entries])
    elif entries:
        _show_entries(entries)
    elif wanted == CacheFilter():
        show("Nothing is cached.")
        show(note("`cache_policy=INPUTS` on a task caches what it returns."))
    else:
        show("No cached result matches.")
        show(note("`perdure cache ls` lists all."))


@app.command("show")
def show_one(
    key: Annotated[str, typer.Argument(metavar="KEY", help="A cache key, or a prefix of one.")],
    as_json: AsJson = False,
) -> None:
    """Show the result of a cache key, and the components of the key."""
    entry = _one(key)
    if as_json:
        show_json(_shape(entry))
        return
    pairs: list[tuple[str, str | None]] = [
        ("key", entry.key),
        ("task", entry.task_name),
        ("run", entry.run_id),
        ("type", None if entry.type is None else type_text(entry.type)),
        ("size", None if entry.size is None else size_text(entry.size)),
        ("created", full_time(entry.created)),
        ("expires", None if entry.expires is None else _expiry(entry, full_time(entry.expires))),
        ("removed", None if entry.doomed is None else "its result is pending deletion, and is no longer used"),
    ]
    show(facts(pairs))
    if entry.components is not None:
        show(section("Made of"))
        show(facts(list(json.loads(entry.components).items())))


@app.command()
def clear(
    keys: Annotated[list[str] | None, typer.Argument(metavar="KEY", help="Cache keys, or prefixes of them.")] = None,
    task: Task = None,
    older_than: OlderThan = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove cache keys, so that their tasks run again.

    The results themselves stay, for the runs that made them; `perdure result prune` removes what nothing needs.
    """
    chosen = task is not None or older_than is not None
    if bool(keys) + chosen + everything != 1:
        raise typer.BadParameter("Choose what to clear: KEYs, or --task and --older-than, or --all.", param_hint="KEY")
    if as_json and not yes:
        raise typer.BadParameter("There is no terminal to ask for confirmation: add --yes.", param_hint="--json")
    wanted = CacheFilter(tuple(_one(key).key for key in keys or ()), task=task, before=_before(older_than))
    if not yes:
        count = len(orchestrator().cache_entries(wanted))
        if count:
            typer.confirm(f"Forget {plural(count, 'cached result')}?", abort=True)
    forgotten = orchestrator().clear_cache(wanted)
    if as_json:
        show_json({"forgotten": forgotten})
    else:
        show(f"Forgot {plural(forgotten, 'cached result')}.")


def _before(age: str | None) -> int | None:
    try:
        return None if age is None else time_ago(age, system_clock())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--older-than") from None


def _one(key: str) -> CacheEntry:
    known = orchestrator()
    found = known.cache_entries(CacheFilter(keys=(key,))) or known.cache_entries(
        CacheFilter(beginning=key, limit=_SHOWN + 1)
    )
    if not key or not found:
        raise CacheEntryMissing(f"No cache key begins with {key!r}. `perdure cache ls` lists them.")
    if len(found) > 1:
        shown = ", ".join(entry.key for entry in found[:_SHOWN]) + (" and more" if len(found) > _SHOWN else "")
        raise CacheEntryMissing(f"{key!r} begins several cache keys: {shown}. Give more characters of one.")
    return found[0]


def _show_entries(entries: list[CacheEntry]) -> None:
    columns = [
        Column("key"),
        Column("task"),
        Column("type"),
        Column("size", whole=True, right=True),
        Column("created", whole=True),
        Column("expires", whole=True),
    ]
    rows = [
        (
            entry.key,
            entry.task_name or NOTHING,
            NOTHING if entry.type is None else type_text(entry.type),
            size_text(entry.size),
            short_time(entry.created),
            NOTHING if entry.expires is None else _expiry(entry, short_time(entry.expires)),
        )
        for entry in entries
    ]
    show(table(columns, rows))


def _expiry(entry: CacheEntry, time: str) -> str:
    return "expired" if has_expired(entry.expires, system_clock()) else time


def _shape(entry: CacheEntry) -> dict[str, object]:
    return {
        "key": entry.key,
        "task_name": entry.task_name,
        "task_run_id": entry.run_id,
        "type": entry.type,
        "size": entry.size,
        "created": iso(entry.created),
        "expires": iso(entry.expires),
        "is_to_be_removed": entry.doomed is not None,
        "components": None if entry.components is None else json.loads(entry.components),
    }
