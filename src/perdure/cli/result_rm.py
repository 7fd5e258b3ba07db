"""`perdure result rm`"""

from collections.abc import Sequence
from typing import Annotated

import typer

from perdure._model.errors import ResultInUse
from perdure._model.records import ResultRecord
from perdure._results.lookup import kept_records, known_runs, persisted_record
from perdure._results.removal import Removal, needs_of, remove_records
from perdure._rooms.results.records import ResultFilter
from perdure.cli import find
from perdure.cli.groups import AsJson
from perdure.cli.output import note, plural, say, show, show_json, size_text
from perdure.cli.result_filter import Chosen, check_one, choosing
from perdure.cli.result_ls import run_names
from perdure.cli.result_which import Several

_NAMED = 3  # runs that a question names


@choosing
def rm(
    which: Several = [],  # noqa: B006 - typer copies it
    chosen: Chosen = Chosen(),  # noqa: B008 - the options take its place
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also results that a cache key or an unfinished run needs.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be removed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove results from their storage permanently: those of RUNs, or those that options choose.

    The records of their runs stay. Results that are still needed are refused if named, and skipped if chosen by
    options.
    """
    check_one(which, chosen)
    if as_json and not (yes or dry_run):
        raise typer.BadParameter("There is no terminal to ask for confirmation: add --yes.", param_hint="--json")
    records, passed_over = _chosen(chosen, force) if chosen else (_named(which, force), 0)
    if passed_over:
        say(f"{plural(passed_over, 'result')} skipped, since something still needs them.")
    if dry_run:
        _show_plan(records, as_json)
        return
    if records and not yes:
        typer.confirm(f"Remove {_count_and_size(records)} permanently: {_names(records)}?", abort=True)
    removals = list(remove_records(records))
    if as_json:
        show_json([_shape(each) for each in removals])
    else:
        _show(removals)


def _named(which: Sequence[str], force: bool) -> list[ResultRecord]:
    runs = {run.id: run for run in (find.any_run(each, only=True) for each in which)}
    records = [persisted_record(id) for id in runs]
    needed = {} if force else {record.run_id: needs for record in records if (needs := needs_of(record))}
    if needed:
        texts = "; ".join(f"{runs[id].name}: {', and '.join(needs)}" for id, needs in needed.items())
        raise ResultInUse(f"Nothing was removed, since something is still needed. {texts}. --force removes it anyway.")
    return records


def _chosen(chosen: Chosen, force: bool) -> tuple[list[ResultRecord], int]:
    """What the options choose, and how many more they would if nothing needed them."""
    wanted = chosen.narrowed(ResultFilter(items=False), only=True)  # items of a generator go with its flow run
    # There may be a million: without their previews, which may take 28 KiB each.
    found = [record._replace(preview=None) for record in kept_records(known_runs(), wanted)]
    free = found if force else [record for record in found if not needs_of(record)]
    return free, len(found) - len(free)


def _count_and_size(records: Sequence[ResultRecord]) -> str:
    sizes: dict[tuple[str | None, str | None], int] = {}
    for record in records:  # the newest of those that are one document has the size that this has now
        sizes.setdefault((record.storage_id, record.storage_key), record.size or 0)
    return f"{plural(len(records), 'result')} ({size_text(sum(sizes.values()))})"


def _names(records: Sequence[ResultRecord]) -> str:
    shown = list(records[:_NAMED])
    names = run_names(shown)
    more = len(records) - len(shown)
    return ", ".join(names.get(each.run_id, each.run_id) for each in shown) + (f" and {more:,} more" if more else "")


def _show_plan(records: Sequence[ResultRecord], as_json: bool) -> None:
    if as_json:
        show_json([{"run_id": record.run_id, "size": record.size} for record in records])
    elif records:
        show(f"Would remove {_count_and_size(records)}: {_names(records)}.")
    else:
        show("There is nothing to remove.")


def _shape(removal: Removal) -> dict[str, object]:
    return {"run_id": removal.record.run_id, "freed": removal.freed, "shared_with": list(removal.shared_with)}


def _show(removals: Sequence[Removal]) -> None:
    if not removals:
        show("There is nothing to remove.")
        return
    freed = size_text(sum(each.freed for each in removals))
    show(f"Removed {plural(len(removals), 'result')}; {freed} freed.")
    kept = sum(bool(each.shared_with) for each in removals)
    if kept:
        show(note(f"{plural(kept, 'document')} stay{'s' if kept == 1 else ''}: other runs' results are the same."))
