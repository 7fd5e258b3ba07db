"""`perdure webhook`: URLs to which a server delivers events."""

from typing import Annotated

import typer

from perdure._model.errors import HookError
from perdure._rooms.events.hooks import webhook
from perdure.cli.find import orchestrator
from perdure.cli.groups import MOST, AsJson, new_group
from perdure.cli.hooks import HookId, OfFlow, On, add, found, remove, shape, show_hooks
from perdure.cli.output import NOTHING, Column, iso, note, short_time, show, show_json, table

app = new_group("Deliver events to URLs, by a server.")


@app.command()
def create(
    url: Annotated[str, typer.Argument(metavar="URL", help="https://… that takes a POST with a JSON body.")],
    on: On,
    flow: OfFlow = None,
    secret: Annotated[
        str | None,
        typer.Option("--secret", envvar="PERDURE_WEBHOOK_SECRET", help="Signs deliveries, by HMAC-SHA256."),
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Its address may be one that is not public.")] = False,
    as_json: AsJson = False,
) -> None:
    """Deliver events to a URL by POST, each at least once."""
    hook = add(webhook(url, secret, on, flow, private))
    if as_json:
        show_json(shape(hook))
    else:
        show(f"A server delivers {hook.kinds} to {hook.shown}. Its id is {hook.id}.")


@app.command()
def ls(as_json: AsJson = False) -> None:
    """List webhooks."""
    show_hooks("webhook", as_json, "`perdure webhook create https://… --on flow-run.failed` makes one.")


@app.command()
def delete(id: HookId, as_json: AsJson = False) -> None:
    """Delete a webhook, with its deliveries."""
    remove("webhook", id, as_json)


@app.command()
def deliveries(
    id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Only of this webhook or notification.")] = None,
    state: Annotated[str | None, typer.Option("--state", help="Only waiting, delivered or failed ones.")] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=MOST, help="The maximum number, the newest first.")
    ] = 20,
    as_json: AsJson = False,
) -> None:
    """List deliveries, with the outcome of the last attempt."""
    hook_id = None if id is None else _any(id)
    tried = orchestrator().services.deliveries(hook_id, state, limit)
    if as_json:
        show_json([each._asdict() | {"due": iso(each.due)} for each in tried])
    elif tried:
        columns = [
            *(Column("id", whole=True), Column("event", whole=True), Column("state", whole=True)),
            *(Column("attempts", right=True), Column("at", whole=True), Column("came to")),
        ]
        rows = [
            (each.id, each.event_id, each.state, str(each.attempts), short_time(each.due), each.outcome or NOTHING)
            for each in tried
        ]
        show(table(columns, rows))
    else:
        show("There are no deliveries.")
        show(
            note("A server delivers events: `perdure server start`. `perdure server services` shows when it last did.")
        )


def _any(id: str) -> str:
    try:
        return found("webhook", id).id
    except HookError:
        return found("notification", id).id


# The names that other groups and other tools use.
app.command("rm", hidden=True)(delete)
