"""`perdure result import`: results that others wrote."""

from typing import Annotated

import typer

from perdure._results.result_import import ImportSummary, import_results
from perdure.cli.groups import AsJson
from perdure.cli.output import note, plural, show, show_json, size_text


def import_(
    where: Annotated[
        str,
        typer.Argument(
            metavar="DIR|SLUG", help="A directory, an address such as s3://bucket/prefix, or a saved storage's slug."
        ),
    ],
    flow: Annotated[
        str, typer.Option("--flow", metavar="NAME", help="The flow whose run is to have the results.")
    ] = "prefect-import",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read the documents, and record nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Record the result documents in a storage, such as those of Prefect 2, in the database.

    They stay where they are, and nothing is unpickled. Importing again adds only what is new.
    """
    summary = import_results(where, flow=flow, dry_run=dry_run)
    if as_json:
        show_json(summary._asdict() | {"dry_run": dry_run})
    else:
        _show(summary, dry_run)


def _show(summary: ImportSummary, dry_run: bool) -> None:
    done = "Would import" if dry_run else "Imported"
    size = f" ({size_text(summary.size)})" if summary.imported else ""
    show(f"{done} {plural(summary.imported, 'result')}{size} from {summary.place}.")
    if summary.known:
        show(f"{plural(summary.known, 'document')} {'was' if summary.known == 1 else 'were'} already recorded.")
    if summary.others:
        more = ", ..." if summary.others > len(summary.examples) else ""
        show(f"Passed over {plural(summary.others, 'other file')}: {', '.join(summary.examples)}{more}")
    if summary.flow_run_id is not None:
        show(
            note(f"`perdure result ls --flow-run {summary.flow_run_id}` lists them; `perdure result get KEY` gets one.")
        )
