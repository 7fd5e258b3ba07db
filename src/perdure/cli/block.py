"""`perdure block`: saved configurations."""

import json
from typing import Annotated

import typer

from perdure import blocks
from perdure._model.errors import BlockMissing
from perdure._model.records import BlockRecord
from perdure._platform.suggest import nearest
from perdure.cli import completion
from perdure.cli.find import orchestrator
from perdure.cli.groups import AsJson, new_group
from perdure.cli.json_shapes import block_shape
from perdure.cli.output import Column, facts, full_time, note, section, short_time, show, show_json, table

app = new_group("List, inspect and delete saved blocks.")

Slug = Annotated[
    str,
    typer.Argument(
        metavar="TYPE/NAME", autocompletion=completion.blocks, help="A block's slug, such as local-file-system/dev."
    ),
]


@app.command()
def ls(
    type: Annotated[str | None, typer.Option("--type", help="Only those of this type.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the saved blocks."""
    records = orchestrator().blocks(type=type)
    if as_json:
        show_json([block_shape(record) for record in records])
    elif records:
        columns = [Column("block", whole=True), Column("updated"), Column("id", style="dim")]
        show(table(columns, [(_slug(each), short_time(each.updated), each.id) for each in records]))
    else:
        show("No block is saved.")
        show(note('`LocalFileSystem(basepath="…").save("dev")` in Python saves one.'))


@app.command()
def inspect(slug: Slug, as_json: AsJson = False) -> None:
    """Show a block's fields. Secrets are redacted."""
    record = _found(slug)
    shape = block_shape(record)
    if as_json:
        show_json(shape)
        return
    show(slug)
    show(facts({"id": record.id, "created": full_time(record.created), "updated": full_time(record.updated)}.items()))
    fields = {name: value if isinstance(value, str) else json.dumps(value) for name, value in shape["fields"].items()}
    show(section("Fields"), facts(fields.items()))


@app.command()
def delete(slug: Slug, as_json: AsJson = False) -> None:
    """Delete a block. Results in a deleted storage can still be read."""
    blocks.delete(slug)
    if as_json:
        show_json({"slug": slug, "deleted": True})
    else:
        show(f"Deleted block {slug!r}.")


def _found(slug: str) -> BlockRecord:
    type, _, name = slug.rpartition("/")
    found = orchestrator().blocks(type=type, name=name)
    if not found:
        saved = [_slug(each) for each in orchestrator().blocks()]
        raise BlockMissing(f"No block is saved as {slug!r}.{nearest(slug, saved) or ' `perdure block ls` lists them.'}")
    return found[0]


def _slug(record: BlockRecord) -> str:
    return f"{record.type}/{record.name}"


# The names that other groups and other tools use.
app.command("rm", hidden=True)(delete)
app.command("show", hidden=True)(inspect)
