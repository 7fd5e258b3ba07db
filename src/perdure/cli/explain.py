"""How an explanation is shown: `perdure task-run explain`, `perdure flow-run explain`."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

from perdure._explanation.explain import explain
from perdure._explanation.types import Component, Explanation, Involved, Part
from perdure._rooms.runs.records import FlowRun, TaskRun
from perdure.cli.output import NOTHING, Column, console, facts, full_time, iso, note, section, show, show_json, table
from perdure.cli.runs import show_heading

if TYPE_CHECKING:
    from rich.text import Text

_SHOWN = 20  # runs whose results went into it
Shape = dict[str, object]


def show_why(run: FlowRun | TaskRun, as_json: bool) -> None:
    """Explain why a run called its function, or did not, with everything that decided it."""
    explanation = explain(run.id)
    if as_json:
        show_json(_shape(explanation))
        return
    show_heading(run)
    width = console().width
    show(textwrap.fill(explanation.verdict, width, break_on_hyphens=False))
    if explanation.advice is not None:
        show(note(textwrap.fill(explanation.advice, width, break_on_hyphens=False)))
    show("", facts(_facts(explanation).items()))
    _show_components(explanation)
    if explanation.changes:
        show(section("Source"), *(f"  {each}" for each in explanation.changes))
    if explanation.sources:
        show(section("Made from"), facts((name, _named(source)) for name, source in explanation.sources[:_SHOWN]))
    if len(explanation.sources) > _SHOWN:
        show(note(f"and {len(explanation.sources) - _SHOWN:,} more; --json has up to 1,000"))
    if explanation.unknown:
        show("", *(note(each) for each in explanation.unknown))


def _facts(explanation: Explanation) -> "dict[str, str | Text | None]":
    run, nearest = explanation.run, explanation.nearest
    return {
        "id": run.id,
        "flow run": None if run.flow_run_id is None else f"{run.flow_run_name or NOTHING}  {run.flow_run_id}",
        "result of": None if explanation.used is None else _named(explanation.used),
        "nearest": None if nearest is None or nearest == explanation.used else _named(nearest),
        "cache key": explanation.cache_key,
        "expires": None if explanation.expires is None else full_time(explanation.expires),
    }


def _named(run: Involved) -> "Text":
    from rich.text import Text

    text = Text(run.name if run.flow_run_name is None else f"{run.flow_run_name}/{run.name}")
    text.append(f"  {run.id}", style="dim")
    return text


def _show_components(explanation: Explanation) -> None:
    nearest = explanation.nearest
    for of in get_args(Part):
        components = [each for each in explanation.components if each.of == of]
        if not components:
            continue
        columns = [Column(""), Column("", whole=True), Column("this run" if nearest is not None else "")]
        if nearest is not None:
            columns.append(Column(nearest.name))
        show(section(of.capitalize()), table(columns, [_row(each, nearest) for each in components]))


def _row(component: Component, nearest: Involved | None) -> "Sequence[str | Text]":
    from rich.text import Text

    if nearest is None:
        return " ", component.name, component.text
    if component.differs:
        return Text("≠", style="yellow"), component.name, Text(component.text, style="yellow"), component.text_before
    dim = "dim"
    return (
        Text("=", style=dim),
        Text(component.name, style=dim),
        Text(component.text, style=dim),
        Text("same", style=dim),
    )


def _shape(explanation: Explanation) -> Shape:
    return {
        "run": _run_shape(explanation.run),
        "kind": explanation.kind,
        "ran": explanation.ran,
        "reason": explanation.reason,
        "verdict": explanation.verdict,
        "advice": explanation.advice,
        "used": None if explanation.used is None else _run_shape(explanation.used),
        "nearest": None if explanation.nearest is None else _run_shape(explanation.nearest),
        "components": [
            each._asdict() | {"differs": None if explanation.nearest is None else each.differs}
            for each in explanation.components
        ],
        "changes": list(explanation.changes),
        "sources": [{"name": name, "run": _run_shape(run)} for name, run in explanation.sources],
        "cache_key": explanation.cache_key,
        "expires": iso(explanation.expires),
        "unknown": list(explanation.unknown),
    }


def _run_shape(run: Involved) -> Shape:
    return run._asdict() | {"time": iso(run.time)}
