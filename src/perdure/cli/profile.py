"""`perdure profile`: named sets of settings."""

import os
from typing import Annotated

import typer

from perdure._settings import settings
from perdure.cli import completion
from perdure.cli.groups import AsJson, new_group
from perdure.cli.output import Column, facts, note, show, show_json, table

app = new_group("Manage named sets of settings.")

Name = Annotated[str, typer.Argument(autocompletion=completion.profiles, help="A profile's name.")]
_VARIABLE = settings.SETTINGS["profile"].variable


@app.command()
def ls(as_json: AsJson = False) -> None:
    """List the profiles."""
    profiles = settings.profiles()
    held = {name: profiles.inspect(name) for name in profiles.names()}
    in_use = _in_use()
    if as_json:
        show_json([{"name": name, "in_use": name == in_use, "settings": len(values)} for name, values in held.items()])
        return
    rows = [("●" if name == in_use else "", name, str(len(values))) for name, values in held.items()]
    columns = [Column("", whole=True, style="green"), Column("profile", whole=True), Column("settings", right=True)]
    show(table(columns, rows))
    if len(held) == 1:
        show(note("\n`perdure profile create NAME` makes another."))


@app.command()
def create(name: Name, as_json: AsJson = False) -> None:
    """Make an empty profile."""
    settings.profiles().create(name)
    _report(f"Created profile {name!r}.", f"`perdure profile use {name}` makes it the active one.", name, as_json)


@app.command()
def use(name: Name, as_json: AsJson = False) -> None:
    """Make a profile the active one."""
    settings.profiles().use(name)
    given = os.environ.get(_VARIABLE)
    hint = f"{_VARIABLE}={given} in the environment still overrides it." if given else None
    _report(f"Using profile {name!r}.", hint, name, as_json)


@app.command()
def inspect(
    name: Annotated[
        str | None,
        typer.Argument(autocompletion=completion.profiles, help="A profile's name; without it, the one in use."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a profile sets. Secrets are shown as asterisks."""
    chosen = name or _in_use()
    values = settings.profiles().inspect(chosen)
    if as_json:
        show_json({"name": chosen, "in_use": chosen == _in_use(), "settings": values})
    elif values:
        show(facts(values.items()))
    else:
        show(f"Profile {chosen!r} sets nothing.")
        show(note(f"`perdure config set NAME=VALUE --profile {chosen}` does."))


@app.command()
def rename(name: Name, new_name: Annotated[str, typer.Argument(help="Its new name.")], as_json: AsJson = False) -> None:
    """Rename a profile."""
    settings.profiles().rename(name, new_name)
    _report(f"Renamed profile {name!r} to {new_name!r}.", None, new_name, as_json)


@app.command()
def delete(name: Name, as_json: AsJson = False) -> None:
    """Delete a profile that is not the active one."""
    settings.profiles().delete(name)
    _report(f"Deleted profile {name!r}.", None, name, as_json)


def _in_use() -> str:
    return os.environ.get(_VARIABLE) or settings.profiles().active()


def _report(text: str, hint: str | None, name: str, as_json: bool) -> None:
    if as_json:
        show_json({"name": name, "in_use": name == _in_use()})
        return
    show(text)
    if hint:
        show(note(hint))


# The names that other groups and other tools use.
app.command("rm", hidden=True)(delete)
app.command("show", hidden=True)(inspect)
