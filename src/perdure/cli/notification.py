"""`perdure notification`: services that Apprise knows, which a server tells of events."""

from typing import Annotated

import typer

from perdure.cli.groups import AsJson, new_group
from perdure.cli.hooks import HookId, OfFlow, On, add, remove, shape, show_hooks
from perdure.cli.output import show, show_json
from perdure.server.services.hooking import notification

app = new_group("Have a server tell people of events, through Apprise.")


@app.command()
def create(
    url: Annotated[str, typer.Argument(metavar="URL", help="As Apprise takes it, such as slack://… or mailto://…")],
    on: On,
    flow: OfFlow = None,
    as_json: AsJson = False,
) -> None:
    """Have a server tell a service of events. Needs perdure[notifications], here and there."""
    hook = add(notification(url, on, flow))
    if as_json:
        show_json(shape(hook))
    else:
        show(f"A server tells {hook.shown} of {hook.kinds}. Its id is {hook.id}.")


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
