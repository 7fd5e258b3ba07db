"""`perdure result copy`"""

from typing import Annotated

import typer

from perdure._results.storage_by_name import storage_at
from perdure._results.transfer import copy_result
from perdure.cli import completion, find
from perdure.cli.groups import AsJson
from perdure.cli.output import note, plural, show, show_json, size_text
from perdure.cli.result_which import Several


def copy(
    which: Several,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="STORAGE",
            autocompletion=completion.blocks,
            help="A saved storage's slug, a directory, or a URL.",
        ),
    ],
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="KEY", help="Store it under this key; by default under its present one."),
    ] = None,
    move: Annotated[bool, typer.Option("--move", help="Remove the original once the copy is complete.")] = False,
    as_json: AsJson = False,
) -> None:
    """Copy or move results to another storage.

    The bytes are verified on the way, and the runs then refer to the new location.
    """
    if key is not None and len(which) > 1:
        raise typer.BadParameter("It can hold one result only. Copy them one by one.", param_hint="--key")
    runs = [find.any_run(each) for each in which]
    storage = storage_at(to)
    shapes = []
    for run in runs:
        done = copy_result(run.id, storage, key, move)
        if as_json:
            fields = {"origin": done.origin, "location": done.target, "size": done.size, "is_moved": done.is_moved}
            shapes.append(
                {"run_id": run.id, "storage_id": done.result.storage_id, "key": done.result.storage_key} | fields
            )
            continue
        show(f"{'Moved' if done.is_moved else 'Copied'} {run.name} ({size_text(done.size)}) to {done.target}")
        if not done.is_moved:
            show(
                note(f"The run's result is the copy from now on. {done.origin} is left; no run refers to it any more.")
            )
        if done.shared_with:
            others = plural(len(done.shared_with), "other run")
            show(note(f"{done.origin} stays: it is the result of {others}, too."))
    if as_json:
        show_json(shapes)
