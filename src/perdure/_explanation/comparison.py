"""A run's identity and cache key beside those of the nearest earlier run."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from perdure._explanation.facts import LOOKED_AT, Facts, Known, Run, with_details
from perdure._explanation.types import Component, Part
from perdure._model.records import InputRecord
from perdure._rooms.runs.records import FlowRun, RunFilter
from perdure._store.protocol import Orchestrator

Parts = dict[str, str]
_ARGUMENT = "argument "
_SHOWN = 80  # characters of a flow's parameter
_LABELS = {"source": "source", "helpers": "used source", "run": "flow run"}


def nearest_of(facts: Facts) -> Known | None:
    """The earlier run that has the most components in common with it, and of several the newest."""
    if facts.maker is not None:
        return facts.maker
    mine, step = _key_parts(facts.this), _step_parts(facts.step)
    of_keys = [each for each in facts.earlier if mine and _key_parts(each)]
    if of_keys:
        return max(of_keys, key=lambda each: _in_common(mine, _key_parts(each)))  # the first, so the newest, of several
    of_steps = [each for each in facts.earlier if step and each.step is not None]
    return max(of_steps, key=lambda each: _in_common(step, _step_parts(each.step)), default=None)


def compared(facts: Facts, nearest: Known | None, orchestrator: Orchestrator) -> tuple[Component, ...]:
    """The components of its cache key and of its identity, each beside that of the nearest earlier run."""
    this = facts.this
    ids = [facts.run.id] if nearest is None else [facts.run.id, nearest.run.id]
    inputs = [each for id in ids for each in orchestrator.inputs_of((id,))[:LOOKED_AT]]
    names = _names_of(orchestrator, inputs)
    shown = _shown(this, inputs, names)
    before = {} if nearest is None else _shown(nearest, inputs, names)
    keyed = facts.maker if facts.maker is not None and _is_of_cache(facts) else this  # whoever took it had the same key
    if keyed is not this:
        shown = _shown(keyed, inputs, names) | shown
    key_before = {} if nearest is None else _key_parts(nearest)
    step_before = {} if nearest is None else _step_parts(nearest.step)
    has_parts = _key_parts(keyed) or _step_parts(facts.step)
    return (
        *(() if has_parts else [Component("arguments", name, None, None, text) for name, text in shown.items()]),
        *_beside("cache key", _key_parts(keyed), key_before, shown, before),
        *_beside("identity", _step_parts(facts.step), step_before, shown, before),
    )


def arguments_of(run: Run, orchestrator: Orchestrator) -> dict[str, Component]:
    """What is kept of a run's arguments, by their names: what may be shown of them, and their digests."""
    (known,) = with_details(orchestrator, [run])
    inputs = orchestrator.inputs_of((run.id,))[:LOOKED_AT]
    shown = _shown(known, inputs, _names_of(orchestrator, inputs))
    digests = _step_parts(known.step) | _key_parts(known)
    names = [name for name in dict.fromkeys((*digests, *shown)) if name.startswith(_ARGUMENT)]
    return {
        name.removeprefix(_ARGUMENT): Component("arguments", name, digests.get(name), None, shown.get(name))
        for name in names
    }


def changes_of_source(this: Known, nearest: Known, orchestrator: Orchestrator) -> tuple[str, ...]:
    """Which parts of the source differ; none if that is not known."""
    now, before = (_source_of(each, orchestrator) for each in (this, nearest))
    if not now or not before:
        return ()
    changed = [f"{name} changed" for name in now if name in before and now[name] != before[name]]
    added = [f"{name} is new" for name in now if name not in before]
    return (*changed, *added, *(f"{name} was removed" for name in before if name not in now))


def _source_of(run: Known, orchestrator: Orchestrator) -> Parts:
    parts = {} if run.decision is None else _json(run.decision.components)
    text = orchestrator.source(parts.get("source", "") + parts.get("helpers", ""))
    return _json(text)


def _is_of_cache(facts: Facts) -> bool:
    return facts.this.decision is not None and facts.this.decision.why in ("cached", "waited")


def _json(text: str | None) -> dict[str, Any]:
    return {} if text is None else dict(json.loads(text))


def _key_parts(run: Known) -> Parts:
    """The components of a run's cache key, by what they are called."""
    parsed = {} if run.decision is None else _json(run.decision.components)
    return {_label(name): digest for name, digest in parsed.items()}


def _label(name: str) -> str:
    kind, _, rest = name.partition(".")
    if kind == "inputs" and rest:
        return f"argument {rest}"
    if kind == "flow" and rest:
        return f"flow parameter {rest}"
    return _LABELS.get(name, name)


def _step_parts(step: str | None) -> Parts:
    """The components of an identity, by what they are called."""
    parsed = _json(step)
    parts = {"task": str(parsed["key"])} if "key" in parsed else {}
    parts |= {f"argument {name}": digest for name, digest in (parsed.get("arguments") or {}).items()}
    if "step" in parsed:
        parts["step id"] = str(parsed["step"])
    return parts | {"turn": str(parsed["turn"])} if "turn" in parsed else parts


def _in_common(one: Parts, other: Parts) -> int:
    return sum(other.get(name) == digest for name, digest in one.items())


def _beside(of: Part, now: Parts, before: Parts, shown: Parts, shown_before: Parts) -> Sequence[Component]:
    names = [*now, *(name for name in before if name not in now)] if now else []
    return [
        Component(of, name, now.get(name), before.get(name), _of(shown, name, now), _of(shown_before, name, before))
        for name in sorted(names, key=lambda name: (_place(name), name))
    ]


def _place(name: str) -> int:
    """The task first, then the arguments, then the rest."""
    return 0 if name == "task" else 1 if name.startswith("argument ") else 2


def _of(shown: Parts, name: str, parts: Parts) -> str | None:
    return shown.get(name) if name in parts else None


def _shown(run: Known, inputs: Sequence[InputRecord], names: Mapping[str, str]) -> Parts:
    """What may be shown of a run's arguments, by the names of their components."""
    made_by: dict[str, list[str]] = {}
    for each in inputs:
        if each.run_id == run.run.id and each.source_id in names:
            made_by.setdefault(each.name, []).append(names[each.source_id])
    shown = {f"argument {name}": _result_of(makers) for name, makers in made_by.items()}
    if run.decision is not None:
        shown |= {f"argument {name}": text for name, text in _json(run.decision.arguments).items()}
    if isinstance(run.run, FlowRun):
        texts = {name: json.dumps(value, ensure_ascii=False) for name, value in _json(run.run.parameters).items()}
        cut = {name: text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…" for name, text in texts.items()}
        shown |= {f"argument {name}": text for name, text in cut.items()}
    return shown


def _result_of(makers: Sequence[str]) -> str:
    return f"the result of {makers[0]}" if len(makers) == 1 else f"results of {makers[0]} and {len(makers) - 1:,} more"


def _names_of(orchestrator: Orchestrator, inputs: Sequence[InputRecord]) -> dict[str, str]:
    ids = tuple({each.source_id for each in inputs})
    if not ids:
        return {}
    return {
        run.id: run.name for ask in (orchestrator.task_runs, orchestrator.flow_runs) for run in ask(RunFilter(ids=ids))
    }
