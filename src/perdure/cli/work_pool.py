"""`perdure work-pool`: where runs of deployments wait for workers."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from perdure._model.errors import WorkerError
from perdure._platform.clock import system_clock
from perdure._platform.suggest import nearest
from perdure._rooms.deployments.job_templates import (
    KINDS,
    check_kind,
    check_template,
    default_template,
    template_of,
)
from perdure._rooms.deployments.keeping import keep_pool
from perdure._rooms.deployments.port import QueueFilter, WorkPool, WorkQueue
from perdure._rooms.deployments.signatures import signed_template
from perdure.cli import completion, find
from perdure.cli.groups import MOST, AsJson, new_group
from perdure.cli.output import NOTHING, Column, Row, iso, note, show, show_json, table

app = new_group("Make, list, pause and delete work pools and their queues.")

Name = Annotated[str, typer.Argument(metavar="NAME", autocompletion=completion.work_pools, help="The work pool.")]
Queue = Annotated[str | None, typer.Option("--queue", metavar="NAME", help="A queue of it: a named limit within it.")]
AtOnce = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, max=MOST, help="How many runs at once.")]


@app.command()
def create(
    name: Name,
    limit: AtOnce = None,
    no_limit: Annotated[bool, typer.Option("--no-limit", help="Take away the limit that it has.")] = False,
    queue: Queue = None,
    kind: Annotated[
        str | None, typer.Option("--type", "-t", metavar="TYPE", help=f"{', '.join(KINDS)}; process by default.")
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option("--base-job-template", metavar="FILE", help="What workers start, as JSON; - reads it from stdin."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a work pool, or a queue of one; or change its limit, or what its workers start: all else stays."""
    if no_limit and limit is not None:
        raise typer.BadParameter("Give --limit or --no-limit, not both.", param_hint="--no-limit")
    deployments = find.orchestrator().deployments
    if queue is not None:
        _found(name)
        there = next((each for each in deployments.queues(name) if each.name == queue), None)
        of = there or WorkQueue(name, queue, None, None)
        stays = None if no_limit else of.concurrency_limit
        deployments.put_queue(of._replace(concurrency_limit=stays if limit is None else limit))
    else:
        before = next((each for each in deployments.pools() if each.name == name), None)
        made = before or WorkPool(name, kind or "process", None, None, "{}", system_clock())
        if kind is not None and kind != made.type:
            raise WorkerError(
                f"The work pool {name!r} is of type {made.type!r}. Delete it first, or take another name."
            )
        check_kind(made.type)
        if template is not None:
            made = signed_template(made._replace(template=_read_template(template, made.type)))
        stays = None if no_limit else made.concurrency_limit
        keep_pool(made._replace(concurrency_limit=stays if limit is None else limit), deployments)
    _say(name, f"The work pool {name!r}" + (f" has the queue {queue!r}." if queue else " is there."), as_json)


def _read_template(file: Path, kind: str) -> str:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        template = json.loads(text)
    except (OSError, ValueError) as error:
        raise WorkerError(f"The base job template {file} cannot be read: {error}.") from None
    check_template(kind, template)
    return json.dumps(template)


@app.command()
def template(
    kind: Annotated[str, typer.Option("--type", "-t", metavar="TYPE", help=", ".join(KINDS))] = "process",
    as_json: AsJson = True,  # noqa: ARG001 - it is a file of JSON in any case
) -> None:
    """Print the base job template of work pools that have none of their own, as JSON."""
    show_json(default_template(kind))


@app.command()
def inspect(name: Name, as_json: AsJson = False) -> None:
    """Show a work pool: what deployments may choose by job_variables, with the defaults, and its queues."""
    pool = _found(name)
    of = template_of(pool)
    if as_json:
        show_json({**_shape(pool), "template": of})
        return
    limit = "no limit" if pool.concurrency_limit is None else f"{pool.concurrency_limit} at once"
    show(f"{pool.name}: type {pool.type}, {'paused' if pool.paused is not None else limit}")
    required = of["variables"].get("required", [])
    rows = [_variable(each, shape, each in required) for each, shape in of["variables"].get("properties", {}).items()]
    show(table([Column("job variable"), Column("default"), Column("what it is", style="dim")], rows))


def _variable(name: str, shape: dict[str, Any], required: bool) -> Row:
    default = json.dumps(shape["default"]) if "default" in shape else "to be given" if required else NOTHING
    choices = f"One of {', '.join(map(str, shape['enum']))}." if "enum" in shape else ""
    return (name, default, " ".join(part for part in (shape.get("description", ""), choices) if part))


@app.command()
def ls(as_json: AsJson = False) -> None:
    """List work pools and their queues, with how many runs wait and run."""
    deployments = find.orchestrator().deployments
    pools = deployments.pools()
    if as_json:
        show_json([_shape(each) for each in pools])
    elif pools:
        columns = [Column("work pool"), Column("type"), *(Column(each, right=True) for each in _COUNTS)]
        rows = [row for pool in pools for row in _rows(pool)]
        show(table([*columns, Column("workers", right=True)], rows))
    else:
        show("There are no work pools.")
        show(note("`perdure work-pool create NAME` makes one; the pool `default` is made when it is needed."))


_COUNTS = ("at once", "running", "waiting")


def _rows(pool: WorkPool) -> list[Row]:
    deployments = find.orchestrator().deployments
    places = deployments.queued(QueueFilter(work_pool=pool.name, phases=("waiting", "claimed")))
    workers = len(deployments.workers(pool.name))

    def row(title: str, limit: int | None, paused: bool, queue: str | None) -> tuple[str, ...]:
        own = [each for each in places if queue is None or each.work_queue == queue]
        running = sum(each.phase == "claimed" for each in own)
        shown = "paused" if paused else NOTHING if limit is None else str(limit)
        return (title, pool.type if queue is None else "", shown, str(running), str(len(own) - running))

    rows: list[Row] = [(*row(pool.name, pool.concurrency_limit, pool.paused is not None, None), str(workers))]
    for queue in deployments.queues(pool.name):
        limit, paused = queue.concurrency_limit, queue.paused is not None
        rows.append((*row(f"  {queue.name}", limit, paused, queue.name), ""))
    return rows


@app.command()
def pause(name: Name, queue: Queue = None, as_json: AsJson = False) -> None:
    """Have no more runs of a work pool, or of a queue of it, be begun; what runs is left alone."""
    _pause(name, queue, system_clock())
    _say(name, f"Paused the work pool {name!r}" + (f", its queue {queue!r}." if queue else "."), as_json)


@app.command()
def resume(name: Name, queue: Queue = None, as_json: AsJson = False) -> None:
    """Have runs of a work pool, or of a queue of it, be begun again."""
    _pause(name, queue, None)
    _say(name, f"Resumed the work pool {name!r}" + (f", its queue {queue!r}." if queue else "."), as_json)


def _pause(name: str, queue: str | None, since: int | None) -> None:
    deployments = find.orchestrator().deployments
    _found(name)
    if queue is None:
        deployments.pause_pool(name, since)
        return
    before = next((each for each in deployments.queues(name) if each.name == queue), None)
    if before is None:
        raise WorkerError(f"The work pool {name!r} has no queue {queue!r}. `perdure work-pool ls` lists them.")
    deployments.put_queue(before._replace(paused=since))


@app.command()
def delete(name: Name, queue: Queue = None, as_json: AsJson = False) -> None:
    """Delete a work pool, or a queue of one. Its runs wait until there is one of this name again."""
    _found(name)
    deployments = find.orchestrator().deployments
    done = deployments.delete_pool(name) if queue is None else deployments.delete_queue(name, queue)
    if not done:
        raise WorkerError(f"The work pool {name!r} has no queue {queue!r}. `perdure work-pool ls` lists them.")
    if as_json:
        show_json({"name": name, "queue": queue, "deleted": True})
    else:
        show(f"Deleted the work pool {name!r}." if queue is None else f"Deleted the queue {queue!r} of {name!r}.")


def _found(name: str) -> WorkPool:
    pools = {each.name: each for each in find.orchestrator().deployments.pools()}
    if name not in pools:
        advice = nearest(name, list(pools)) or " `perdure work-pool ls` lists them."
        raise WorkerError(f"There is no work pool {name!r}.{advice}")
    return pools[name]


def _say(name: str, text: str, as_json: bool) -> None:
    if as_json:
        show_json(_shape(_found(name)))
    else:
        show(text)


def _shape(pool: WorkPool) -> dict[str, object]:
    queues = find.orchestrator().deployments.queues(pool.name)
    shapes = [{**each._asdict(), "paused": iso(each.paused)} for each in queues]
    return {**pool._asdict(), "paused": iso(pool.paused), "created": iso(pool.created), "queues": shapes}


app.command("rm", hidden=True)(delete)
app.command("get-default-base-job-template", hidden=True)(template)
