"""`perdure result prune`: removing results whose retention has ended."""

from collections.abc import Sequence
from typing import Annotated

import typer

from perdure._model.errors import ResultError, StorageError
from perdure._results.orphans import Orphans
from perdure._results.pruning import Freed, Pruned, to_json
from perdure._results.pruning import prune as prune_results
from perdure._session import session
from perdure._settings import settings
from perdure.cli.groups import MOST, AsJson
from perdure.cli.output import Column, duration_text, note, plural, section, show, show_json, size_text, table

_WHY = {
    "age": "older than their retention",
    "runs": "of older runs than are kept",
    "size": "more bytes than are kept",
    "items": "items of generators whose flow run has ended",
    "asked": "marked earlier",
}


def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be removed.")] = False,
    grace: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0,
            max=MOST,
            help="How long results stay pending deletion; by default PERDURE_RESULTS_PRUNE_GRACE_SECONDS.",
        ),
    ] = None,
    orphans: Annotated[
        bool,
        typer.Option("--orphans", help="Also remove orphans that crashes left: no other database may use the storage."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove results by `result_retention` and PERDURE_RESULTS_RETENTION, and print what that freed.

    Results are first marked pending deletion, and removed by the first prune after the grace period. Results that a
    cache key, an unfinished or a resumable run needs stay.
    """
    pruned = prune_results(dry_run=dry_run, grace=grace, orphans=orphans)
    if as_json:
        ids = {each.storage_id for each in (*pruned.freed, *pruned.waiting)} | pruned.failures.keys()
        ids |= {each.storage_id for each in pruned.skipped}
        ids |= {each.storage_id for each in pruned.orphans}
        show_json({**to_json(pruned), "storages": {id: _place(id) for id in sorted(ids)}})
    else:
        _show(pruned)
    if pruned.failures:
        raise StorageError(_failures(pruned))


def _show(pruned: Pruned) -> None:
    if pruned.freed:
        _show_freed("Would remove" if pruned.dry_run else "Removed", pruned.freed)
    elif not pruned.waiting and not pruned.skipped:
        show("There is nothing to remove.")
        if settings.current().results_retention is None and not pruned.waiting:
            show(note("PERDURE_RESULTS_RETENTION, or `result_retention=` on flows and tasks, limits what is kept."))
    if pruned.waiting:
        if pruned.freed:
            show("")
        _show_freed("Pending deletion:", pruned.waiting)
        grace = duration_text(int(pruned.grace_seconds * 1_000_000))
        show(note(f"The cache no longer uses them. The first prune after their grace period of {grace} removes them."))
    if pruned.orphans:
        _show_orphans(pruned)
    for each in pruned.skipped:
        named = ", ".join(each.keys)
        show(note(f"Left alone {plural(each.count, 'record')} in {each.storage_id} ({named}): {each.reason}"))


def _show_freed(what: str, freed: Sequence[Freed]) -> None:
    show(
        f"{what} {plural(sum(each.count for each in freed), 'result')}, {size_text(sum(each.size for each in freed))}."
    )
    columns = [
        Column("storage"),
        Column("why", whole=True),
        Column("results", whole=True, right=True),
        Column("size", whole=True, right=True),
    ]
    rows = [
        (_place(each.storage_id), _WHY[each.reason], f"{each.count:,}", size_text(each.size))
        for each in sorted(freed, key=lambda each: (-each.size, each.storage_id, each.reason))
    ]
    show(table(columns, rows))


def _show_orphans(pruned: Pruned) -> None:
    removed = pruned.orphans[0].removed
    show(section("Orphans" + (", removed" if removed else "")))
    columns = [
        Column("storage"),
        Column("what", whole=True),
        Column("count", whole=True, right=True),
        Column("size", whole=True, right=True),
        Column("such as"),
    ]
    show(table(columns, [_orphans_row(each) for each in pruned.orphans]))
    if not removed:
        show(note("No result refers to them. --orphans removes them: not if another database uses the storage, too."))


def _orphans_row(orphans: Orphans) -> tuple[str, ...]:
    place, count = _place(orphans.storage_id), f"{orphans.count:,}"
    return place, orphans.kind, count, size_text(orphans.size), orphans.keys[0]


def _place(storage_id: str) -> str:
    try:
        return session.current().storages.get(storage_id).describe("x")[:-2]
    except ResultError:
        return storage_id


def _failures(pruned: Pruned) -> str:
    texts = [f"{_place(id)}: {text}" for id, text in pruned.failures.items()]
    return "Some could not be read or removed; the rest is done, and you can run prune again. " + " ".join(texts)
