"""`perdure backfill`: runs of a deployment for a range of partitions."""

import time
from typing import Annotated

import typer

from perdure._platform.clock import system_clock
from perdure._rooms.deployments.backfills import (
    Backfill,
    Order,
    Reprocess,
    backfill_named,
    backfills,
    cancel_backfill,
    pause_backfill,
    planned,
    start_backfill,
)
from perdure._rooms.deployments.port import QueueFilter
from perdure._rooms.deployments.runs import deployment_named
from perdure.cli import completion, find
from perdure.cli.groups import MOST, AsJson, json_object, new_group, one_of
from perdure.cli.output import NOTHING, Column, Row, iso, note, plural, short_time, show, show_json, table

app = new_group("Run a deployment for a range of partitions; watch, pause and cancel that.")

Which = Annotated[str, typer.Argument(metavar="ID", help="A backfill's id, or the beginning of it.")]
_LOOK_SECONDS = 1.0


@app.command()
def start(
    name: Annotated[
        str, typer.Argument(metavar="NAME", autocompletion=completion.deployments, help="A deployment: FLOW/NAME.")
    ],
    first: Annotated[str | None, typer.Option("--from", metavar="KEY", help="The first partition.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="KEY", help="The last partition.")] = None,
    order: Annotated[
        str,
        typer.Option("--order", metavar="ORDER", parser=one_of("oldest", "newest"), help="oldest or newest first."),
    ] = "oldest",
    max_active: Annotated[
        int | None, typer.Option("--max-active", metavar="N", min=1, max=MOST, help="Runs at once.")
    ] = None,
    reprocess: Annotated[
        str,
        typer.Option(
            "--reprocess",
            metavar="WHICH",
            parser=one_of("none", "failed", "all"),
            help="Also partitions that have a run: none, failed or all.",
        ),
    ] = "none",
    document: Annotated[str | None, typer.Option("--params", metavar="JSON", help="Parameters of its runs.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list the partitions.")] = False,
    as_json: AsJson = False,
) -> None:
    """Create a run for each partition of a range that has none, in order, so many at once."""
    parameters = None if document is None else json_object(document)
    known, now = find.orchestrator(), system_clock()
    of = deployment_named(name, known)
    chosen: tuple[Order, Reprocess] = (order, reprocess)  # type: ignore[assignment] # checked by `planned`
    wanted = planned(of, first, last, *chosen, now, known)
    if dry_run:
        keys = [each.key for each in wanted]
        if as_json:
            show_json(keys)
        else:
            show(f"{plural(len(keys), 'partition')}: {', '.join(keys[:20])}{' …' if len(keys) > 20 else ''}")
        return
    id = start_backfill(of, wanted, now, known, max_active=max_active, parameters=parameters)
    if as_json:
        show_json(_shape(backfill_named(id, known)))
    else:
        show(f"{plural(len(wanted), 'run')} of {of.flow_name}/{of.name}, from {wanted[0].key} to {wanted[-1].key}.")
        show(note(f"perdure backfill watch {id}"))


@app.command()
def ls(as_json: AsJson = False) -> None:
    """List backfills, newest first."""
    every = backfills(find.orchestrator())
    if as_json:
        show_json([_shape(each) for each in every])
    elif every:
        columns = [Column("deployment"), Column("from"), Column("to"), Column("done", right=True)]
        columns += [Column("failed", right=True), Column("at once", right=True), Column("began", whole=True)]
        show(table([*columns, Column("id", style="dim")], [_row(each) for each in every]))
    else:
        show("There are no backfills.")
        show(note("`perdure backfill start FLOW/NAME --from 2026-01-01` starts one."))


def _row(each: Backfill) -> Row:
    name = f"{each.deployment.flow_name}/{each.deployment.name}"
    limit = "paused" if each.paused else NOTHING if each.max_active is None else str(each.max_active)
    done, failed = f"{each.done} of {each.total}", str(_failed(each))
    return (name, each.first, each.last, done, failed, limit, short_time(each.created), each.id)


def _failed(each: Backfill) -> int:
    return each.counts.get("FAILED", 0) + each.counts.get("CRASHED", 0)


@app.command()
def watch(which: Which, as_json: AsJson = False) -> None:
    """Show how far a backfill is until it has ended; exit code 1 if a run of it failed."""
    last = ""
    while True:
        each = backfill_named(which, find.orchestrator())
        line = f"{each.done} of {each.total} done, {_failed(each)} failed"
        if as_json and each.done == each.total:
            show_json(_shape(each))
        elif line != last and not as_json:
            show(f"{each.first} to {each.last}: {line}{' (paused)' if each.paused else ''}")
        if each.done == each.total:
            raise typer.Exit(1 if _failed(each) else 0)
        last = line
        time.sleep(_LOOK_SECONDS)


@app.command()
def pause(which: Which, as_json: AsJson = False) -> None:
    """Start no more runs of a backfill; those that run are left alone."""
    _paused(which, system_clock(), "Paused", as_json)


@app.command()
def resume(which: Which, as_json: AsJson = False) -> None:
    """Start runs of a backfill again."""
    _paused(which, None, "Resumed", as_json)


def _paused(which: str, since: int | None, done: str, as_json: bool) -> None:
    orchestrator = find.orchestrator()
    each = backfill_named(which, orchestrator)
    pause_backfill(each, since, orchestrator)
    if as_json:
        show_json(_shape(backfill_named(each.id, orchestrator)))
    else:
        show(f"{done} the backfill {each.id}.")


@app.command()
def cancel(which: Which, as_json: AsJson = False) -> None:
    """Cancel the runs of a backfill that have not started; those that run are left alone."""
    orchestrator = find.orchestrator()
    each = backfill_named(which, orchestrator)
    count = cancel_backfill(each, system_clock(), orchestrator)
    if as_json:
        show_json(_shape(backfill_named(each.id, orchestrator)))
    else:
        show(f"Cancelled {plural(count, 'run')} of the backfill {each.id}.")


def _shape(each: Backfill) -> dict[str, object]:
    waiting = QueueFilter(work_pool=each.deployment.work_pool, work_queue=f"backfill/{each.id}", phases=("waiting",))
    return {
        "id": each.id,
        "deployment": f"{each.deployment.flow_name}/{each.deployment.name}",
        "first": each.first,
        "last": each.last,
        "max_active": each.max_active,
        "paused": iso(each.paused),
        "created": iso(each.created),
        "total": each.total,
        "done": each.done,
        "waiting": len(find.orchestrator().deployments.queued(waiting)),
        "counts": dict(each.counts),
    }
