"""How an explanation is shown: `perdure task-run explain`, `perdure flow-run explain`."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from perdure.cli.output import NOTHING, Column, console, facts, full_time, iso, note, section, show, show_json, table
from perdure.cli.runs import show_heading
from perdure.core.records import FlowRun, TaskRun
from perdure.explanation import Component, Explanation, Involved, explain

if TYPE_CHECKING:
    from rich.text import Text

_SHOWN = 20  # runs whose results went into it
Shape = dict[str, Any]


def show_why(run: FlowRun | TaskRun, as_json: bool) -> None:
    """Explain why a run called its function, or did not, with everything that decided it."""
    told = explain(run.id)
    if as_json:
        show_json(_shape(told))
        return
    show_heading(run)
    width = console().width
    show(textwrap.fill(told.verdict, width, break_on_hyphens=False))
    if told.advice is not None:
        show(note(textwrap.fill(told.advice, width, break_on_hyphens=False)))
    show("", facts(_facts(told).items()))
    _show_components(told)
    if told.changes:
        show(section("Source"), *(f"  {each}" for each in told.changes))
    if told.sources:
        show(section("Made from"), facts((name, _named(source)) for name, source in told.sources[:_SHOWN]))
    if len(told.sources) > _SHOWN:
        show(note(f"and {len(told.sources) - _SHOWN:,} more; --json has up to 1,000"))
    if told.unknown:
        show("", *(note(each) for each in told.unknown))


def _facts(told: Explanation) -> "dict[str, str | Text | None]":
    run, nearest = told.run, told.nearest
    return {
        "id": run.id,
        "flow run": None if run.flow_run_id is None else f"{run.flow_run_name or NOTHING}  {run.flow_run_id}",
        "result of": None if told.used is None else _named(told.used),
        "nearest": None if nearest is None or nearest == told.used else _named(nearest),
        "cache key": told.cache_key,
        "expires": None if told.expires is None else full_time(told.expires),
    }


def _named(run: Involved) -> "Text":
    from rich.text import Text

    text = Text(run.name if run.flow_run_name is None else f"{run.flow_run_name}/{run.name}")
    text.append(f"  {run.id}", style="dim")
    return text


def _show_components(told: Explanation) -> None:
    nearest = told.nearest
    for of in ("cache key", "identity"):
        components = [each for each in told.components if each.of == of]
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


def _shape(told: Explanation) -> Shape:
    return {
        "run": _run_shape(told.run),
        "kind": told.kind,
        "ran": told.ran,
        "reason": told.reason,
        "verdict": told.verdict,
        "advice": told.advice,
        "used": None if told.used is None else _run_shape(told.used),
        "nearest": None if told.nearest is None else _run_shape(told.nearest),
        "components": [
            each._asdict() | {"differs": None if told.nearest is None else each.differs} for each in told.components
        ],
        "changes": list(told.changes),
        "sources": [{"name": name, "run": _run_shape(run)} for name, run in told.sources],
        "cache_key": told.cache_key,
        "expires": iso(told.expires),
        "unknown": list(told.unknown),
    }


def _run_shape(run: Involved) -> Shape:
    return run._asdict() | {"time": iso(run.time)}
