"""`perdure result diff`"""

from typing import TYPE_CHECKING, Annotated

import typer

from perdure._model.errors import PerdureError
from perdure._results.comparison_changes import Change
from perdure._results.difference import Difference, difference_as_json
from perdure._results.difference import diff as compared
from perdure.cli import completion, find
from perdure.cli.groups import AsJson
from perdure.cli.output import note, plural, say, show, show_json, size_text
from perdure.cli.result_which import HELP

if TYPE_CHECKING:
    from rich.text import Text

_SIGNS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow"), "retyped": ("≠", "yellow")}
_SHOWN = 50  # changes


def diff(
    before: Annotated[str, typer.Argument(metavar="BEFORE", autocompletion=completion.runs, help=HELP)],
    after: Annotated[str, typer.Argument(metavar="AFTER", autocompletion=completion.runs, help="Another one.")],
    quick: Annotated[bool, typer.Option("--quick", help="By their digests only: nothing large is loaded.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare the results of two runs.

    If their digests are equal, they are the same. Otherwise the values are loaded and compared by key, index,
    column, array region or line: compare only what was written by code that you trust. Exit codes: 0 if they are the
    same, 1 if they differ, 2 if that cannot be determined.
    """
    try:
        first, second = find.any_run(before), find.any_run(after)
        difference = compared(first.id, second.id, by_digest=quick)
    except PerdureError as error:
        say(str(error), "Error")
        raise typer.Exit(2) from None
    if as_json:
        show_json({"before": first.id, "after": second.id} | difference_as_json(difference))
    else:
        _show(difference)
    raise typer.Exit(int(not difference.is_same))


def _show(difference: Difference) -> None:
    if difference.is_same:
        show("The results are the same." + (" Their digests say so." if difference.by == "digest" else ""))
        return
    chunks = difference.chunks
    if chunks is not None:
        count = f"{len(chunks.differing):,} of {plural(chunks.total, 'chunk')}"
        show(note(f"By their digests, {count} differ ({size_text(chunks.size)})."))
    if difference.by == "digest":
        show("The results have different digests; without --quick their values are compared.")
        return
    for change in difference.changes[:_SHOWN]:
        show(*_lines(change))
    more = len(difference.changes) - _SHOWN
    total = len(difference.changes) + difference.more
    if more > 0:
        rest = f"the first {len(difference.changes)}" if difference.more else "all"
        show(note(f"and {more + difference.more:,} more; --json has {rest}"))
    show(note(plural(total, "difference")))


def _lines(change: Change) -> "list[Text]":
    from rich.text import Text

    sign, style = _SIGNS[change.kind]
    line = Text(f"{sign} ", style=style)
    line.append(change.path or "the value", style="bold default")
    line.append(f"  {_summary(change)}", style="default not bold")
    lines = [line]
    if change.regions:
        lines.append(Text(f"    in {', '.join(change.regions)}", style="dim"))
    lines += [Text(f"    {sample.place}  {sample.before} → {sample.after}") for sample in change.samples]
    looks = {"+": "green", "-": "red", "@": "cyan"}
    lines += [Text(f"    {each}", style=looks.get(each[:1], "")) for each in change.lines]
    return lines


def _summary(change: Change) -> str:
    if change.lines:
        return "text differs"
    if change.samples:
        share = f"{change.count:,} of {change.total:,} differ"
        return share if change.largest is None else f"{share}, by at most {change.largest:g}"
    if change.before is not None and change.after is not None:
        return f"{change.before} → {change.after}"
    return change.before if change.before is not None else change.after or ""
