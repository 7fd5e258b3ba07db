"""`perdure migrate --database`: take over what Prefect's database knows."""

import time
from typing import TYPE_CHECKING

from perdure._model.errors import MigrationError
from perdure.cli.find import orchestrator
from perdure.cli.output import Column, note, plural, say, show, show_json, table

if TYPE_CHECKING:
    from perdure._migration.takeover import Takeover

_SECONDS = 2.0  # between two lines of progress


def take_over(url: str, dry_run: bool, as_json: bool) -> None:
    """Take a database over, and show the outcome.

    Raises:
        MigrationError: it cannot be read, or not all of it is in the target afterwards.
    """
    from perdure._migration import takeover

    summary = takeover.take_over(url, orchestrator(), _Progress(), dry_run=dry_run)
    if as_json:
        tallies = [vars(tally) for tally in summary.tallies]
        show_json({**summary._asdict(), "tallies": tallies, "dry_run": dry_run})
    else:
        _show(summary, dry_run)
    if not dry_run and not summary.is_whole:
        short = ", ".join(tally.of for tally in summary.tallies if not tally.is_whole)
        raise MigrationError(
            f"Not all of {summary.place} is here now: {short}. Take it over again, and report it if it stays."
        )


class _Progress:
    """Lines on standard error, not too many of them."""

    def __init__(self) -> None:
        self._next = time.monotonic() + _SECONDS

    def __call__(self, of: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _SECONDS
            say(f"{of}: {done:,}{f' of {total:,}' if total else ''}")


def _show(summary: "Takeover", dry_run: bool) -> None:
    names = ("of", "in Prefect", "known before", "new", "updated", "in the file", *(() if dry_run else ("here now",)))
    columns = [Column(name, whole=True, right=name != "of") for name in names]
    rows = [
        [each.of, *(f"{count:,}" for count in (each.source, each.known, each.new, each.updated, each.kept))]
        + ([] if dry_run else [f"{each.found:,}"])
        for each in summary.tallies
        if each.source
    ]
    show(f"{'Would take over' if dry_run else 'Took over'} {summary.place}.", table(columns, rows))
    kept = plural(summary.kept_rows, "row")
    if summary.file is not None:
        show(f"What has no place here, {kept}, is in {summary.file}: JSON, a row a line, with the reason.")
    elif summary.kept_rows:
        show(f"What has no place here, {kept}, would be written to a file.")
    for each in summary.notes:
        show(each)
    if summary.left:
        left = ", ".join(f"{name} ({count:,})" for name, count in summary.left.items())
        show(note(f"Left where they are: {left}."))
