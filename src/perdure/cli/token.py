"""`perdure token`: who may use the server."""

from typing import TYPE_CHECKING, Annotated

import typer

from perdure._model.errors import TokenError
from perdure._platform.ages_and_sizes import parse_age
from perdure._platform.clock import system_clock
from perdure._rooms.tokens.records import Scope
from perdure.cli.groups import AsJson, new_group
from perdure.cli.output import Column, iso, note, say, short_time, show, show_json, table, write

if TYPE_CHECKING:
    from perdure._rooms.tokens.records import Token
    from perdure._rooms.tokens.store import Tokens

app = new_group("Create, list and revoke tokens for the server.")
_Database = Annotated[
    str | None, typer.Option(help="The server's: a path, or postgresql://…; by default the one of the settings.")
]


@app.command()
def create(
    name: Annotated[str, typer.Option(help="The token's name.")],
    scope: Annotated[Scope, typer.Option(help="What it allows: reading, also writing, or everything.")] = Scope.READ,
    expires: Annotated[
        str | None, typer.Option(metavar="AGE", help="When it expires, such as 90d; by default never.")
    ] = None,
    database: _Database = None,
    as_json: AsJson = False,
) -> None:
    """Create a token, and show it once: only its digest is stored."""
    from perdure._server.running import is_there, opened

    now = system_clock()
    until = None if expires is None else now + _age(expires)
    is_new = not is_there(database)
    orchestrator = opened(database)
    text, token = orchestrator.tokens.create(name, scope, now, until)
    if is_new:
        say(f"There was no database {orchestrator.place}: it was made, for a server that is still to be started.")
    if as_json:
        show_json({"token": text, **_shape(token)})
    else:
        write(f"{text}\n")  # alone on standard output, for `TOKEN=$(perdure token create …)`
        say("This is shown once. Set it as PERDURE_API_TOKEN, or send it as `Authorization: Bearer`.")


@app.command()
def ls(database: _Database = None, as_json: AsJson = False) -> None:
    """List the tokens, oldest first."""
    tokens = _tokens(database).all()
    if as_json:
        show_json([_shape(token) for token in tokens])
    elif tokens:
        columns = [Column("token", whole=True), *map(Column, ("name", "scope", "created", "last use", "state"))]
        show(table(columns, [_row(token) for token in tokens]))
    else:
        show("There is no token.")
        show(note("`perdure token create --name ci --scope write` makes one."))


@app.command()
def revoke(
    called: Annotated[str, typer.Argument(metavar="NAME", help="A token's name, or its visible part.")],
    database: _Database = None,
    as_json: AsJson = False,
) -> None:
    """Revoke every valid token of this name; servers notice it within a second."""
    revoked = _tokens(database).revoke(called, system_clock())
    if as_json:
        show_json([_shape(token) for token in revoked])
    else:
        for token in revoked:
            show(f"Revoked {token.name!r}, {token.shown}….")


def _tokens(database: str | None) -> "Tokens":
    from perdure._server.running import opened
    from perdure._settings import settings
    from perdure._store.sql.database_from_settings import known_database_at

    if database is not None:
        known_database_at(database, settings.current())
    return opened(database).tokens


def _age(text: str) -> int:
    try:
        return parse_age(text)
    except ValueError as error:
        raise TokenError(str(error)) from None


def _state(token: "Token") -> str:
    if token.revoked is not None:
        return "revoked"
    if not token.is_live(system_clock()):
        return "expired"
    return "live" if token.expires is None else f"until {short_time(token.expires)}"


def _row(token: "Token") -> tuple[str, ...]:
    return (
        *(token.shown, token.name, token.scope.value),
        *(short_time(token.created), short_time(token.used), _state(token)),
    )


def _shape(token: "Token") -> dict[str, object]:
    times = {name: iso(getattr(token, name)) for name in ("created", "expires", "revoked", "used")}
    return {"shown": token.shown, "name": token.name, "scope": token.scope.value, **times}
