"""`perdure result rm`"""

from typing import Annotated

import typer

from perdure.cli import find
from perdure.cli.groups import AsJson
from perdure.cli.output import plural, show, show_json, size_text
from perdure.cli.result_which import Several
from perdure.core.errors import ResultInUse
from perdure.results import remove_result
from perdure.results.lookup import persisted_record
from perdure.results.removal import Removal, needs_of


def rm(
    which: Several,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also what a cache key or an unfinished run needs.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove results from their storage for good. What is known of their runs stays."""
    if as_json and not yes:
        raise typer.BadParameter("It cannot ask whether you mean it: add --yes.", param_hint="--json")
    runs = {run.id: run for run in (find.any_run(each, only=True) for each in which)}
    records = [persisted_record(id) for id in runs]
    needed = {} if force else {record.run_id: needs for record in records if (needs := needs_of(record))}
    if needed:
        texts = "; ".join(f"{runs[id].name}: {', and '.join(needs)}" for id, needs in needed.items())
        raise ResultInUse(f"Nothing was removed, since something is still needed. {texts}. --force removes it anyway.")
    if not yes:
        size = size_text(sum(record.size or 0 for record in records))
        names = ", ".join(run.name for run in list(runs.values())[:3]) + (", ..." if len(runs) > 3 else "")
        typer.confirm(f"Remove {plural(len(runs), 'result')} ({size}) for good: {names}?", abort=True)
    removals = [remove_result(id, force=force) for id in runs]
    if as_json:
        show_json([_shape(each) for each in removals])
    else:
        _show(removals)


def _shape(removal: Removal) -> dict[str, object]:
    return {"run_id": removal.record.run_id, "freed": removal.freed, "shared_with": list(removal.shared_with)}


def _show(removals: list[Removal]) -> None:
    freed = size_text(sum(each.freed for each in removals))
    show(f"Removed {plural(len(removals), 'result')}; {freed} freed.")
    kept = sum(bool(each.shared_with) for each in removals)
    if kept:
        show(f"{plural(kept, 'document')} stay{'s' if kept == 1 else ''}: other runs' results are the same.")
