"""What a run was given, and the Python that calls its function with it again, without the run's caching and tracking.

The arguments are those that may be shown: secrets are not among them, long ones are cut, and what JSON has no form for,
such as dates and paths, is the text of it. Results of other runs are loaded, where they are kept.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from perdure._explanation.comparison import arguments_of
from perdure._explanation.facts import LOOKED_AT, Run
from perdure._model.records import InputRecord, ResultRecord
from perdure._platform.redaction import REDACTED
from perdure._rooms.results.records import ResultFilter
from perdure._rooms.runs.records import FlowRun
from perdure._store.protocol import Orchestrator

_UNKNOWN = "..."
_CUT = "…"


class Given(NamedTuple):
    """An argument."""

    name: str
    shown: str | None  # as far as it may be shown; None if nothing of it is kept
    code: str | None  # Python that makes it; None if that is not known
    source_id: str | None  # the run whose result it is


class Reproduction(NamedTuple):
    """A call, and its arguments as far as they are recorded."""

    python: str
    arguments: tuple[Given, ...]
    is_whole: bool  # whether all arguments are known


def reproduction_of(run: Run, orchestrator: Orchestrator) -> Reproduction:
    """The call of a run's function."""
    sources = _sources(orchestrator.inputs_of((run.id,))[:LOOKED_AT])
    results = _results(list(sources.values()), orchestrator)
    if isinstance(run, FlowRun):
        shown: Mapping[str, str | None] = {
            name: json.dumps(value, ensure_ascii=False) for name, value in json.loads(run.parameters).items()
        }
    else:
        shown = {name: each.shown for name, each in arguments_of(run, orchestrator).items()}
    given = tuple(_given(name, text, sources.get(name), results) for name, text in shown.items())
    return Reproduction(_python(_place_of(run, orchestrator), given), given, all(each.code for each in given))


def _sources(inputs: Sequence[InputRecord]) -> dict[str, str]:
    """The run whose result an argument is, by its name: of several, it is not known how they make it."""
    found: dict[str, list[str]] = {}
    for each in inputs:
        found.setdefault(each.name, []).append(each.source_id)
    return {name: ids[0] for name, ids in found.items() if len(ids) == 1}


def _results(ids: Sequence[str], orchestrator: Orchestrator) -> dict[str, ResultRecord]:
    if not ids:
        return {}
    return {each.run_id: each for each in orchestrator.results(ResultFilter(run_ids=tuple(ids)))}


def _given(name: str, shown: str | None, source: str | None, results: Mapping[str, ResultRecord]) -> Given:
    record = None if source is None else results.get(source)
    if record is not None and record.kind == "persisted" and record.removed is None:
        return Given(name, shown, f'get_result("{source}")', source)
    return Given(name, shown, None if shown is None else _code(shown), source)


def _code(shown: str) -> str | None:
    """Python for a value that is shown; None if it is not shown whole."""
    if shown in ("True", "False", "None"):
        return shown
    try:
        value = json.loads(shown)
    except ValueError:
        return None
    return repr(value) if _is_whole(value) else None


def _is_whole(value: object) -> bool:
    if isinstance(value, dict):
        return all(map(_is_whole, value)) and all(map(_is_whole, value.values()))
    if isinstance(value, list):
        return all(map(_is_whole, value))
    if isinstance(value, str):  # "<numpy.ndarray …>" stands for something else, as hidden text does
        return _CUT not in value and REDACTED not in value and not (value.startswith("<") and value.endswith(">"))
    return not isinstance(value, float) or math.isfinite(value)


def _place_of(run: Run, orchestrator: Orchestrator) -> tuple[str, str] | None:
    """The module and the name of the function; None if it cannot be imported."""
    key = run.task_key if not isinstance(run, FlowRun) else _code_key(run, orchestrator)
    module, _, name = key.rpartition(".")
    return (module, name) if module and all(part.isidentifier() for part in key.split(".")) else None


def _code_key(run: FlowRun, orchestrator: Orchestrator) -> str:
    start = orchestrator.start(run.id)
    entry = {} if start is None or start.entry_point is None else json.loads(start.entry_point)
    return str(entry.get("code", ""))


def _python(place: tuple[str, str] | None, given: Sequence[Given]) -> str:
    lines = []
    if place is not None:
        lines.append(f"from {place[0]} import {place[1]}")
    if any((each.code or "").startswith("get_result(") for each in given):
        lines.append("from perdure.results import get_result")
    name = "function" if place is None else f"{place[1]}.fn"
    call = [f"    {each.name}={each.code or _UNKNOWN}," for each in given if each.name.isidentifier()]
    lines += ["", f"{name}(", *call, ")"] if call else ["", f"{name}()"]
    return "\n".join(lines).lstrip("\n") + "\n"
