"""`perdure deployment prune`: removing bundles of code that nothing needs any more."""

from typing import Annotated

import typer

from perdure._model.errors import StorageError
from perdure._platform.clock import system_clock
from perdure._rooms.deployments.bundle_removal import Removed, known_bundles, remove_bundles
from perdure._session import session
from perdure._session.storage_and_serializer import storage_of
from perdure._settings import settings
from perdure.cli.groups import MOST, AsJson
from perdure.cli.output import note, plural, show, show_json, size_text


def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be removed.")] = False,
    versions: Annotated[
        int | None,
        typer.Option(
            "--versions", metavar="N", min=1, max=MOST, help="Of each deployment, only the N newest keep their bundles."
        ),
    ] = None,
    orphans: Annotated[
        bool,
        typer.Option(
            "--orphans", help="Also bundles that this database does not know: no other one may use the storage."
        ),
    ] = False,
    grace: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0,
            max=MOST,
            help="How old they have to be; by default PERDURE_RESULTS_PRUNE_GRACE_SECONDS.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Remove bundles that no version of a deployment and no run needs any more, and copies of them on this machine.

    A run keeps its bundle until it has ended, and as long as it can be resumed.
    """
    chosen_settings, known = settings.current(), session.current()
    seconds = chosen_settings.results_prune_grace_seconds if grace is None else grace
    found = known_bundles(known.orchestrator.deployments, versions)
    default = storage_of(None, chosen_settings).settled().record().id
    removed = remove_bundles(
        found,
        known.storages.get,
        [default],
        chosen_settings.home,
        system_clock() - int(seconds * 1_000_000),
        orphans=orphans,
        dry_run=dry_run,
    )
    if as_json:
        show_json({"dry_run": dry_run, **vars(removed)})
    else:
        _show_removed(removed, dry_run, orphans)
    if removed.failures:
        raise StorageError(
            " ".join(f"The storage {id} could not be used: {why}" for id, why in removed.failures.items())
        )


def _show_removed(removed: Removed, dry_run: bool, orphans: bool) -> None:
    count = sum(removed.bundles.values())
    verb = "Would remove" if dry_run else "Removed"
    copies = f"{removed.copies} {'copy' if removed.copies == 1 else 'copies'} on this machine"
    if count or removed.copies:
        show(f"{verb} {plural(count, 'bundle')}, {size_text(removed.size)}, and {copies}.")
    else:
        show("There is nothing to remove.")
    if removed.orphans and not orphans:
        show(note(f"This database knows nothing of {plural(removed.orphans, 'other bundle')}: --orphans removes them."))
