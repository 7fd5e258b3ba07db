"""`perdure worker`: processes that take runs of deployments from work pools, and start them."""

import signal
from collections.abc import Sequence
from typing import Annotated

import typer

from perdure._model.errors import WorkerError
from perdure._platform.clock import system_clock
from perdure._rooms.deployments import serving
from perdure._rooms.deployments.job_templates import check_kind
from perdure._rooms.deployments.keeping import keep_pool
from perdure._rooms.deployments.port import DEFAULT_POOL, Deployments, WorkerRecord, WorkPool
from perdure._session import session
from perdure._settings import settings
from perdure._worker.kinds import infrastructure_of
from perdure._worker.loop import Worker
from perdure.cli import completion, find
from perdure.cli.groups import MOST, AsJson, new_group
from perdure.cli.output import Column, Row, iso, note, short_time, show, show_json, table

app = new_group("Start a worker, list workers.")


@app.command()
def start(
    pools: Annotated[
        list[str],
        typer.Option(
            "--pool",
            "-p",
            metavar="NAME",
            autocompletion=completion.work_pools,
            help="Whose runs it takes; repeatable.",
        ),
    ] = [DEFAULT_POOL],  # noqa: B006 - typer copies it
    limit: Annotated[
        int | None,
        typer.Option("--limit", "-l", metavar="N", min=1, max=MOST, help="How many runs at once."),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", metavar="TEXT", help="The worker's name.")] = None,
    kind: Annotated[
        str | None,
        typer.Option("--type", "-t", metavar="TYPE", help="Of pools that are not there yet; process by default."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take runs from work pools and start them, until Ctrl-C: what runs may end first, for half a minute."""
    known = session.current()
    infrastructure = infrastructure_of(_type_of(known.orchestrator.deployments, pools, kind))
    makes_ticks = settings.current().api_url is None  # else the server does
    worker = Worker(known, pools, infrastructure, name=name, limit=limit, makes_ticks=makes_ticks)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: worker.stop())
    if as_json:
        show_json({"pools": list(pools), "limit": limit})
    else:
        show(f"Worker for {', '.join(pools)}. Stop it with Ctrl-C.")
    try:
        worker.run()
    finally:
        infrastructure.close()


def _type_of(known: Deployments, pools: Sequence[str], wanted: str | None) -> str:
    """The type that the pools have, or get, since they are not there yet."""
    kinds = {each.name: each.type for each in known.pools() if each.name in pools}
    chosen = wanted or next(iter(kinds.values()), "process")
    check_kind(chosen)
    for pool in pools:
        if kinds.get(pool, chosen) != chosen:
            raise WorkerError(
                f"The work pool {pool!r} is of type {kinds[pool]!r}, and this worker is for pools of type {chosen!r}."
                " Start one worker for each type."
            )
    for pool in pools:
        if pool not in kinds:
            keep_pool(WorkPool(pool, chosen, None, None, "{}", system_clock()), known)
    return chosen


@app.command()
def ls(
    pool: Annotated[
        str | None,
        typer.Option(
            "--pool", "-p", metavar="NAME", autocompletion=completion.work_pools, help="Only those of this pool."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List workers, with their version, last heartbeat, and how many runs they have of how many they take."""
    workers = find.orchestrator().deployments.workers(pool)
    if as_json:
        show_json([_shape(each) for each in workers])
    elif workers:
        names = ("worker", "pool", "type", "version")
        columns = [*map(Column, names), Column("runs", right=True), Column("heartbeat")]
        show(table(columns, [_row(each) for each in workers]))
    else:
        show("There are no workers.")
        show(note("`perdure worker start` starts one."))


def _row(each: WorkerRecord) -> Row:
    runs = str(each.running) if each.capacity is None else f"{each.running} of {each.capacity}"
    seen = short_time(each.seen) + ("" if is_there(each) else " (gone)")
    return (each.name, each.work_pool, each.type, each.version, runs, seen)


def is_there(each: WorkerRecord) -> bool:
    """Whether a worker has given a heartbeat within its lease, as far as clocks agree."""
    return serving.is_there(each, system_clock(), settings.current().lease_seconds)


def _shape(each: WorkerRecord) -> dict[str, object]:
    times = {"started": iso(each.started), "seen": iso(each.seen)}
    return {**each._asdict(), **times, "is_there": is_there(each)}
