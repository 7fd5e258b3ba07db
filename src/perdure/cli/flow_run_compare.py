"""`perdure flow-run compare`"""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from perdure._explanation.run_comparison import Calls, CallsPair, CodePair, ResultPair, RunComparison, compare_runs
from perdure.cli import completion, find
from perdure.cli.groups import AsJson
from perdure.cli.json_shapes import duration_of, run_shape
from perdure.cli.output import NOTHING, Column, duration_text, note, plural, section, show, show_json, state_text, table

if TYPE_CHECKING:
    from rich.text import Text

_SHOWN = 20  # results
_HELP = "A flow run's id, a prefix of it, or its name."


def compare(
    before: Annotated[str, typer.Argument(metavar="BEFORE", autocompletion=completion.flow_runs, help=_HELP)],
    after: Annotated[str, typer.Argument(metavar="AFTER", autocompletion=completion.flow_runs, help="Another one.")],
    as_json: AsJson = False,
) -> None:
    """Compare two flow runs: parameters, states, durations by task, results, and code.

    Results are compared by their digests, and small ones by their values, if no code is needed to load them.
    `perdure result diff` compares any two.
    """
    found = compare_runs(find.orchestrator(), find.flow_run(before), find.flow_run(after))
    if as_json:
        show_json({"before": run_shape(found.before), "after": run_shape(found.after)} | found.as_json())
    else:
        _show(found)


def _show(found: RunComparison) -> None:
    runs = (found.before, found.after)
    columns = [Column(""), *(Column(run.name) for run in runs)]
    show(
        table(
            columns,
            [
                ("flow", *(run.flow_name for run in runs)),
                ("state", *(state_text(run.state_type, run.state_name) for run in runs)),
                ("took", *(duration_text(duration_of(run)) for run in runs)),
                *((each.name, _value(each.before), _value(each.after)) for each in found.parameters if each.differs),
                *((f"{each.what} of {each.of}", *_code(each)) for each in found.code if each.differs),
            ],
        )
    )
    if same := _named(each.name for each in found.parameters if each.differs is False):
        show(note(f"The same in both: {same}."))
    if veiled := _named(each.name for each in found.parameters if each.differs is None):
        show(note(f"Hidden or cut, so not known to be the same: {veiled}."))
    if unknown := _named(each.of for each in found.code if each.differs is None and each.what == "source"):
        show(note(f"Whether their source differs is not recorded: {unknown}."))
    _show_calls(found)
    _show_results(found.results)
    for sentence in found.unknown:
        show(note(sentence))


def _named(names: Iterable[str]) -> str:
    return ", ".join(names)


def _value(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _code(pair: CodePair) -> tuple[str, str]:
    return pair.before or NOTHING, "; ".join(pair.changes) or pair.after or NOTHING


def _show_calls(found: RunComparison) -> None:
    columns = [
        Column("calls"),
        *(Column(run.name, whole=True, right=True) for run in (found.before, found.after)),
        Column("results", whole=True),
    ]
    rows = [(each.of, _calls(each.before), _calls(each.after), _outcome(each)) for each in found.calls[1:]]
    if rows:
        show(section("Calls"), table(columns, rows))


def _calls(calls: Calls | None) -> str:
    if calls is None:
        return NOTHING
    took = "" if calls.seconds is None else f" in {duration_text(int(calls.seconds * 1_000_000))}"
    return f"{calls.count:,}{took}" + (f", {calls.taken:,} reused" if calls.taken else "")


def _outcome(pair: CallsPair) -> str:
    counts = ((pair.equal, "equal"), (pair.different, "differ"), (pair.unknown, "unknown"))
    return ", ".join(f"{count:,} {word}" for count, word in counts if count) or NOTHING


def _show_results(results: tuple[ResultPair, ...]) -> None:
    if results:
        show(section("Results"), *map(_result, results[:_SHOWN]))
    if len(results) > _SHOWN:
        show(note(f"and {len(results) - _SHOWN:,} more; --json has the first 200"))


def _result(pair: ResultPair) -> "Text":
    from rich.text import Text

    line = Text("? " if pair.is_same is None else "~ ", style="dim" if pair.is_same is None else "yellow")
    line.append(pair.name, style="bold default")
    line.append(f"  {_said(pair)}", style="default not bold")
    return line


def _said(pair: ResultPair) -> str:
    if pair.note is not None:
        return pair.note
    if pair.is_same is None:
        return "It is not known whether they are equal."
    return "differ" if pair.changes is None else f"differ in {plural(pair.changes, 'place')}"
