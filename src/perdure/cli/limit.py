"""`perdure limit`: concurrency limits and rate limits."""

from collections.abc import Sequence
from typing import Annotated

import typer

from perdure._model.errors import LimitError
from perdure._platform.clock import system_clock
from perdure._platform.suggest import nearest
from perdure._rooms.limits.records import Limit, Slot
from perdure.cli import completion
from perdure.cli.find import orchestrator
from perdure.cli.groups import AsJson, new_group
from perdure.cli.limit_missing import missing_limits
from perdure.cli.output import NOTHING, Column, facts, full_time, iso, note, section, short_time, show, show_json, table

app = new_group("Create and change concurrency limits and rate limits.")

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        autocompletion=completion.limits,
        help="Tasks with this tag, and concurrency(NAME), are limited.",
    ),
]
Decay = Annotated[
    float | None,
    typer.Option("--decay", metavar="N", help="Slots released each second: makes it a rate limit."),
]


@app.command()
def create(
    name: Name,
    slots: Annotated[int, typer.Argument(min=0, max=1_000_000, help="The number of slots.")],
    decay: Decay = None,
    as_json: AsJson = False,
) -> None:
    """Create a limit; running flows notice it within five seconds."""
    if any(limit.name == name for limit in orchestrator().limits.all()):
        raise LimitError(f"There is a limit {name!r} already. `perdure limit update {name}` changes it.")
    limit = Limit(name, slots, decay, system_clock())
    orchestrator().limits.put(limit)
    _say(limit, "Made", as_json)


@app.command()
def ls(as_json: AsJson = False) -> None:
    """List limits, with taken slots and waiting runs; and names that runs asked for and that are not there."""
    limits = orchestrator().limits.all()
    lines = {limit.name: orchestrator().limits.slots(limit.name) for limit in limits}
    if as_json:
        show_json([_shape(limit, lines[limit.name]) for limit in limits])
    elif limits:
        columns = [Column("limit"), *(Column(title, right=True) for title in ("slots", "taken", "waiting", "a second"))]
        rows = [(limit.name, *map(str, _counts(limit, lines[limit.name])), _decay_text(limit)) for limit in limits]
        show(table(columns, rows))
    else:
        show("There are no limits.")
        show(note("`perdure limit create db 5` lets five tasks with the tag `db` run at once."))
    if not as_json and (missing := missing_limits()):
        rows = [(name, short_time(last)) for name, last in missing.items()]
        show(section("Asked for, and not there"), table([Column("name"), Column("last", whole=True)], rows))


@app.command()
def inspect(name: Name, as_json: AsJson = False) -> None:
    """Show a limit, the runs that hold its slots, and those that wait."""
    limit = _found(name)
    line = orchestrator().limits.slots(name)
    if as_json:
        show_json(_shape(limit, line) | {"line": [_slot_shape(slot) for slot in line]})
        return
    show(name)
    a_second = None if limit.decay is None else _decay_text(limit)
    show(facts([("slots", str(limit.slots)), ("a second", a_second), ("created", full_time(limit.created))]))
    if line:
        columns = [Column("since", whole=True), Column("", whole=True), Column("slots", right=True), Column("run")]
        rows = [
            (short_time(slot.taken or slot.asked), _doing(slot), str(slot.occupy), slot.run_id or NOTHING)
            for slot in line
        ]
        show(section("In order"), table(columns, rows))


@app.command()
def update(
    name: Name,
    slots: Annotated[int | None, typer.Option("--slots", min=0, max=1_000_000, help="The number of slots.")] = None,
    decay: Decay = None,
    as_json: AsJson = False,
) -> None:
    """Change a limit. Runs keep their slots and their positions in the queue."""
    if slots is None and decay is None:
        raise typer.BadParameter("Give what to change: --slots or --decay.", param_hint="--slots")
    before = _found(name)
    if decay is not None and before.decay is None and orchestrator().limits.slots(name):
        raise LimitError(f"The slots of {name!r} are in use: it cannot become a rate limit now.")
    changed = before._replace(
        slots=before.slots if slots is None else slots, decay=before.decay if decay is None else decay
    )
    orchestrator().limits.put(changed)
    _say(changed, "Changed", as_json)


@app.command()
def delete(name: Name, as_json: AsJson = False) -> None:
    """Delete a limit: tasks that wait for its slots continue."""
    _found(name)
    orchestrator().limits.delete(name)
    if as_json:
        show_json({"name": name, "deleted": True})
    else:
        show(f"Deleted the limit {name!r}.")


def _found(name: str) -> Limit:
    limits = {limit.name: limit for limit in orchestrator().limits.all()}
    if name not in limits:
        advice = nearest(name, list(limits)) or " `perdure limit ls` lists them."
        raise LimitError(f"There is no limit {name!r}.{advice}")
    return limits[name]


def _say(limit: Limit, done: str, as_json: bool) -> None:
    if as_json:
        show_json(_shape(limit, ()))
    elif limit.decay is None:
        show(f"{done} the limit {limit.name!r}: {limit.slots} at once.")
    else:
        show(f"{done} the limit {limit.name!r}: {limit.slots} at once, then {_decay_text(limit)} a second.")


def _counts(limit: Limit, line: Sequence[Slot]) -> tuple[int, int, int]:
    taken = sum(slot.occupy for slot in line if slot.taken is not None)
    return limit.slots, taken, sum(slot.taken is None for slot in line)


def _decay_text(limit: Limit) -> str:
    return NOTHING if limit.decay is None else f"{limit.decay:g}"


def _doing(slot: Slot) -> str:
    return "waits" if slot.taken is None else "holds"


def _shape(limit: Limit, line: Sequence[Slot]) -> dict[str, object]:
    slots, taken, waiting = _counts(limit, line)
    counts = {"slots": slots, "taken": taken, "waiting": waiting}
    return {"name": limit.name, **counts, "slot_decay_per_second": limit.decay, "created": iso(limit.created)}


def _slot_shape(slot: Slot) -> dict[str, object]:
    times = {"asked": iso(slot.asked), "taken": iso(slot.taken)}
    return {"id": slot.id, "occupy": slot.occupy, "run_id": slot.run_id, "process_id": slot.process_id, **times}


# The names that other groups and other tools use.
app.command("rm", hidden=True)(delete)
app.command("show", hidden=True)(inspect)
