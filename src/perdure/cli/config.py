"""`perdure config`: the settings of a profile, and what holds."""

import os
from collections.abc import Iterable
from typing import Annotated

import typer

from perdure._settings import settings
from perdure._settings.fields import Settings
from perdure.cli import completion
from perdure.cli.groups import AsJson, new_group
from perdure.cli.output import Column, note, show, show_json, table

app = new_group("View and change settings.")

Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        autocompletion=completion.profiles,
        help="The profile to change; without it, the one in use.",
    ),
]


@app.command("set")
def set_(
    values: Annotated[
        list[str],
        typer.Argument(metavar="NAME=VALUE", autocompletion=completion.assignments, help="A setting and its value."),
    ],
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Set settings in a profile: all of them or, if one is wrong, none.

    perdure config set logging_level=DEBUG results_persist_by_default=true
    """
    chosen = profile or _in_use()
    settings.profiles().set(chosen, dict(_pair(text) for text in values))
    _report(chosen, [text.partition("=")[0] for text in values], "set in", as_json)


@app.command()
def unset(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME", autocompletion=completion.setting_names, help="A setting.")
    ],
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Remove settings from a profile, so that their defaults hold again."""
    chosen = profile or _in_use()
    variables = [_variable(name) for name in names]
    settings.profiles().unset(chosen, names)
    _report(chosen, variables, "removed from", as_json)


@app.command()
def view(as_json: AsJson = False) -> None:
    """Show every setting, its value and its source. Secrets are redacted."""
    holding, sources = settings.current(), settings.sources()
    if as_json:
        shape = {
            each.variable: {"value": _shown(each, holding), "source": sources[name]}
            for name, each in settings.SETTINGS.items()
        }
        show_json({"profile": holding.profile, "settings": shape})
        return
    from rich.text import Text

    columns = [Column("setting", whole=True), Column("value"), Column("from", whole=True)]
    rows = []
    for name, each in settings.SETTINGS.items():
        value, source = _shown(each, holding), sources[name]
        shown = Text("none" if value is None else value, overflow="fold")
        quiet = "dim" if source == "default" else ""
        shown.stylize(quiet)
        rows.append((Text(each.variable, style=quiet), shown, Text(source, style=quiet)))
    show(table(columns, rows), note(f"\nThe profile in use is {holding.profile!r}."))


def _shown(setting: settings.Setting, holding: Settings) -> str | None:
    value = getattr(holding, setting.name)
    return None if value is None else setting.shown(value)


def _in_use() -> str:
    return os.environ.get(settings.SETTINGS["profile"].variable) or settings.profiles().active()


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise typer.BadParameter(f"{text!r} has no '='. Write it as {name}=VALUE.")
    return name, value


def _variable(name: str) -> str:
    """The setting's full name; a name that is no setting may still stand in a profile, and be removed."""
    field = name.lower().removeprefix("perdure_")
    return settings.SETTINGS[field].variable if field in settings.SETTINGS else name


def _report(profile: str, names: Iterable[str], what: str, as_json: bool) -> None:
    variables = [_variable(name) for name in names]
    overridden = [variable for variable in variables if os.environ.get(variable)]
    if as_json:
        show_json({"profile": profile, "settings": variables, "overridden": overridden})
        return
    show(f"{', '.join(variables)} {what} profile {profile!r}.")
    if overridden:
        show(note(f"{', '.join(overridden)} in the environment still overrides it."))
