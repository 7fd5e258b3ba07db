"""`perdure result rewrite`"""

from collections import Counter
from collections.abc import Iterator
from typing import Annotated

import typer

from perdure._results.rewriting import Rewriting
from perdure._results.rewriting import rewrite as rewritten
from perdure._rooms.results.records import ResultFilter
from perdure.cli import completion, find
from perdure.cli.groups import AsJson
from perdure.cli.output import note, plural, show, show_json
from perdure.cli.result_filter import Chosen, check_one, choosing
from perdure.cli.result_ls import run_names
from perdure.cli.result_which import HELP

_SHOWN = 50  # results that could not be rewritten


@choosing
def rewrite(
    which: Annotated[list[str] | None, typer.Argument(metavar="RUN", autocompletion=completion.runs, help=HELP)] = None,
    chosen: Chosen = Chosen(),  # noqa: B008 - the options take its place
    all_: Annotated[bool, typer.Option("--all", help="All persisted results.")] = False,
    serializer: Annotated[
        str | None,
        typer.Option(
            "--serializer",
            metavar="NAME",
            help="Load what another serializer wrote, and write it by this one, such as 'encrypted/pickle'.",
        ),
    ] = None,
    sign_unsigned: Annotated[
        bool, typer.Option("--sign-unsigned", help="Also sign unsigned results: only if you know who wrote them.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Sign and encrypt results again, with the first keys of the rings, so that you can remove old keys.

    Results that have these keys are skipped, and unencrypted ones stay so. Without --serializer nothing is loaded.
    Each document is replaced atomically; you can kill the command, and run it again. Exits with 1 if any result
    cannot be rewritten.
    """
    check_one(which, chosen, all_)
    ids = [find.any_run(each).id for each in which or ()]
    wanted = chosen.narrowed(ResultFilter())
    counts: Counter[str] = Counter()
    reported = _reported(
        rewritten(ids, wanted=wanted, serializer=serializer, sign_unsigned=sign_unsigned, dry_run=dry_run), counts
    )
    if as_json:
        results = [{"run_id": each.record.run_id, "steps": each.steps, "reason": each.reason} for each in reported]
        show_json({"is_dry_run": dry_run, "results": results, "looked_at": counts["all"]})
    else:
        for count, each in enumerate(each for each in reported if each.reason is not None):
            if count < _SHOWN:
                _show_failure(each)
            elif count == _SHOWN:
                show(note(f"More cannot be rewritten than these {_SHOWN}; --json has all."))
        _show_summary(counts, dry_run)
    raise typer.Exit(int(bool(counts["failed"])))


def _reported(rewritings: Iterator[Rewriting], counts: "Counter[str]") -> Iterator[Rewriting]:
    """Those to be printed; all are counted."""
    for each in rewritings:
        counts["all"] += 1
        counts.update(each.steps)
        counts["failed"] += each.reason is not None
        counts["rewritten"] += bool(each.steps)
        if each.steps or each.reason is not None:
            yield each


def _show_failure(rewriting: Rewriting) -> None:
    from rich.padding import Padding
    from rich.text import Text

    id = rewriting.record.run_id
    line = Text("not rewritten", style="red")
    line.append(f"  {run_names([rewriting.record]).get(id, id)}", style="bold default")
    line.append(f"  {id}", style="dim not bold")
    show(line, Padding(Text(rewriting.reason or ""), (0, 0, 0, 15)))


def _show_summary(counts: "Counter[str]", dry_run: bool) -> None:
    steps = [f"{counts[step]:,} {step}" for step in ("serialized", "encrypted", "signed") if counts[step]]
    what = "Would rewrite" if dry_run else "Rewrote"
    rest = counts["all"] - counts["rewritten"] - counts["failed"]
    parts = [
        f"{what} {plural(counts['rewritten'], 'result')}" + (f" ({', '.join(steps)})" if steps else ""),
        f"{rest:,} as {'it' if rest == 1 else 'they'} should be" if rest else "",
        f"{counts['failed']:,} could not be" if counts["failed"] else "",
    ]
    show("; ".join(filter(None, parts)) + ".")
