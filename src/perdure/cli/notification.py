"""`perdure notification`: Apprise services to which a server delivers events."""

from typing import Annotated

import typer

from perdure._rooms.events.hooks import notification
from perdure.cli.groups import AsJson, new_group
from perdure.cli.hooks import HookId, OfFlow, On, add, remove, shape, show_hooks
from perdure.cli.output import show, show_json

app = new_group("Notify people of events through Apprise, by a server.")


@app.command()
def create(
    url: Annotated[str, typer.Argument(metavar="URL", help="An Apprise URL, such as slack://… or mailto://…")],
    on: On,
    flow: OfFlow = None,
    as_json: AsJson = False,
) -> None:
    """Deliver events to an Apprise service. Needs perdure[notifications], here and on the server."""
    hook = add(notification(url, on, flow))
    if as_json:
        show_json(shape(hook))
    else:
        show(f"A server delivers {hook.kinds} to {hook.shown}. Its id is {hook.id}.")


@app.command()
def ls(as_json: AsJson = False) -> None:
    """List notifications."""
    show_hooks("notification", as_json, "`perdure notification create slack://… --on flow-run.failed` makes one.")


@app.command()
def delete(id: HookId, as_json: AsJson = False) -> None:
    """Delete a notification, with its deliveries."""
    remove("notification", id, as_json)


# The names that other groups and other tools use.
app.command("rm", hidden=True)(delete)
