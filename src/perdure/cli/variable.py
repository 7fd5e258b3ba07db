"""`perdure variable`: values that flows share by name."""

import json
from typing import Annotated, Any

import typer

from perdure._model.errors import VariableMissing
from perdure._platform.suggest import nearest
from perdure._rooms.variables.records import VariableRecord
from perdure._rooms.variables.variable import Variable
from perdure.cli import completion
from perdure.cli.find import orchestrator
from perdure.cli.groups import AsJson, new_group
from perdure.cli.output import Column, iso, note, short_time, show, show_json, table

app = new_group("List, set and delete variables. They are not for secrets: everybody can read them.")

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", autocompletion=completion.variables, help="Lower-case letters, digits, dashes and underscores."
    ),
]


@app.command()
def ls(as_json: AsJson = False) -> None:
    """List all variables."""
    records = orchestrator().variables()
    if as_json:
        show_json([_shape(record) for record in records])
    elif records:
        columns = [Column("name", whole=True), Column("value"), Column("updated", whole=True)]
        show(table(columns, [(each.name, each.value, short_time(each.updated)) for each in records]))
    else:
        show("There is no variable.")
        show(note("`perdure variable set NAME VALUE` sets one, and so does `Variable.set(…)` in Python."))


@app.command()
def get(name: Name, as_json: AsJson = False) -> None:
    """Print a variable's value: text as it is, all else as JSON."""
    record = orchestrator().variable(name)
    if record is None:
        raise _missing(name)
    value = json.loads(record.value)
    if as_json:
        show_json(_shape(record))
    else:
        show(value if isinstance(value, str) else record.value)


@app.command("set")
def set_one(
    name: Name,
    value: Annotated[str, typer.Argument(help="JSON; what is not JSON is text.")],
    text: Annotated[bool, typer.Option("--text", help="Take the value as text, even if it is JSON.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace one that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Set a variable."""
    parsed = value if text else _parsed(value)
    Variable.set(name, parsed, overwrite)
    if as_json:
        show_json({"name": name, "value": parsed})
    else:
        show(f"Set variable {name!r}.")


@app.command()
def rm(name: Name, as_json: AsJson = False) -> None:
    """Delete a variable."""
    if not Variable.delete(name):
        raise _missing(name)
    if as_json:
        show_json({"name": name, "deleted": True})
    else:
        show(f"Deleted variable {name!r}.")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _missing(name: str) -> VariableMissing:
    hint = nearest(name, [each.name for each in orchestrator().variables()])
    return VariableMissing(f"There is no variable {name!r}.{hint or ' `perdure variable ls` lists them.'}")


def _shape(record: VariableRecord) -> dict[str, object]:
    times = {"created": iso(record.created), "updated": iso(record.updated)}
    return record._asdict() | {"value": json.loads(record.value)} | times
