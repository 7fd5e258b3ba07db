"""What `perdure webhook` and `perdure notification` have in common."""

from typing import Annotated

import typer

from perdure._model.errors import HookError
from perdure._rooms.events.port import Hook
from perdure.cli import completion
from perdure.cli.find import orchestrator
from perdure.cli.output import Column, iso, note, one_line, short_time, show, show_json, table

On = Annotated[
    list[str],
    typer.Option("--on", metavar="KIND", help="The kind of event, such as flow-run.failed or flow-run.*; repeatable."),
]
OfFlow = Annotated[
    str | None,
    typer.Option("--flow", metavar="NAME", autocompletion=completion.flows, help="Only of runs of this flow."),
]
HookId = Annotated[str, typer.Argument(metavar="ID", help="Its id, or a prefix of it.")]


def add(hook: Hook) -> Hook:
    """Store a hook."""
    orchestrator().services.put_hook(hook)
    return hook


def show_hooks(way: str, as_json: bool, hint: str) -> None:
    """List webhooks, or notifications."""
    hooks = [hook for hook in orchestrator().services.hooks() if hook.way == way]
    if as_json:
        show_json([shape(hook) for hook in hooks])
    elif hooks:
        columns = [Column("id", whole=True), Column("to"), Column("on"), Column("flow"), Column("created", whole=True)]
        rows = [(each.id, each.shown, each.kinds, each.flow_name or "all", short_time(each.created)) for each in hooks]
        show(table(columns, rows))
    else:
        show(f"There is no {way}.")
        show(note(hint))


def remove(way: str, id: str, as_json: bool) -> None:
    """Delete a hook by a prefix of its id."""
    hook = found(way, id)
    orchestrator().services.delete_hook(hook.id)
    if as_json:
        show_json({"id": hook.id, "deleted": True})
    else:
        show(f"Deleted the {way} to {one_line(hook.shown)}.")


def found(way: str, id: str) -> Hook:
    """The hook whose id begins so.

    Raises:
        HookError: there is none, or several.
    """
    hooks = [hook for hook in orchestrator().services.hooks() if hook.way == way and hook.id.startswith(id)]
    if len(hooks) != 1:
        which = "No" if not hooks else "More than one"
        raise HookError(f"{which} {way} has an id that begins with {id!r}. `perdure {way} ls` lists them.")
    return hooks[0]


def shape(hook: Hook) -> dict[str, object]:
    """A hook as JSON, without what is secret."""
    return {
        "id": hook.id,
        "to": hook.shown,
        "on": hook.kinds.split(","),
        "flow_name": hook.flow_name,
        "is_signed": hook.secret is not None,
        "created": iso(hook.created),
    }
