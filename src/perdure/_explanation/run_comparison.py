"""Two runs of a flow beside each other: parameters, states, calls, results and code.

All of it is from the records of the runs, but for small results in formats without code in them, whose values are
compared. What the records do not say is said not to be known.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from perdure._model.errors import ResultError, StorageError
from perdure._model.flow_names import is_same_flow, spellings
from perdure._model.records import DecisionRecord, ResultRecord, StartRecord
from perdure._model.state_types import StateType
from perdure._platform.clock import Micros
from perdure._platform.named import NamedTuple
from perdure._platform.redaction import REDACTED
from perdure._results.difference import diff_plainly
from perdure._results.store import FindStorage
from perdure._rooms.results.records import ResultFilter
from perdure._rooms.runs.records import FlowRun, RunFilter, TaskRun
from perdure._store.protocol import Orchestrator

_CALLS = 20_000  # of each run: what is counted
_COMPARED = 2_000  # calls of each run whose results and code are compared
_CHUNK = 500  # ids that are asked for at once
_READ = 20  # results whose values are compared, where their digests differ
_SMALL = 1024**2  # bytes of such a result
_LISTED = 200  # results that are not known to be equal
Run = FlowRun | TaskRun


@dataclass(frozen=True, slots=True)
class ParameterPair:
    """A parameter as it is recorded of the two runs; null too for a run that has none of the name."""

    name: str
    before: object
    after: object
    is_in: Literal["both", "before", "after"]
    differs: bool | None  # None: both are hidden, or cut


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of one task or flow by one of the runs."""

    count: int
    seconds: float | None  # all together, of those that have ended; None if none has
    taken: int  # those that took the result of an earlier run
    states: dict[str, int]  # how many are in each, by its type; "PENDING" for those without one


@dataclass(frozen=True, slots=True)
class CallsPair:
    """The calls of one task or flow by the two runs; None for a run that made none."""

    of: str
    of_task: bool
    before: Calls | None
    after: Calls | None
    equal: int  # results
    different: int
    unknown: int  # results of which it is not known


@dataclass(frozen=True, slots=True)
class ResultPair:
    """Results of the two runs, or of two of their calls that correspond, that are not known to be equal."""

    of: str
    of_task: bool
    name: str  # of the run that has the newer one
    before_id: str
    after_id: str
    is_same: bool | None
    note: str | None  # why that is not known, or is known without their values
    changes: int | None  # places in which they differ, where their values were compared


@dataclass(frozen=True, slots=True)
class CodePair:
    """Something of the code of the two runs."""

    what: Literal["version", "entry point", "directory", "source"]
    of: str  # the flow, or the task
    before: str | None
    after: str | None
    differs: bool | None  # None: it is not recorded of both
    changes: tuple[str, ...] = ()  # of a source: which parts differ


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Two runs of flows beside each other."""

    before: FlowRun
    after: FlowRun
    is_rerun: bool  # whether the second one is the first one run again
    parameters: tuple[ParameterPair, ...]
    calls: tuple[CallsPair, ...]  # the flow's own result is in the first one
    results: tuple[ResultPair, ...]
    code: tuple[CodePair, ...]
    unknown: tuple[str, ...]  # what is not known, in sentences

    def as_json(self) -> dict[str, Any]:
        """All but the two runs, as plain JSON values."""
        found = {name: [asdict(each) for each in getattr(self, name)] for name in _LISTS}
        return {"is_rerun": self.is_rerun, **found, "unknown": list(self.unknown)}


_LISTS = ("parameters", "calls", "results", "code")


_Called = tuple[str, bool]  # a task or a flow, and whether it is a task


class _Side(NamedTuple):
    """The records of one of the runs."""

    run: FlowRun
    start: StartRecord | None
    calls: dict[tuple[str, bool], list[Run]]  # oldest first, by task or flow
    results: Mapping[str, ResultRecord]
    decisions: Mapping[str, DecisionRecord]
    is_cut: bool


def compare_runs(
    orchestrator: Orchestrator, before: FlowRun, after: FlowRun, storages: FindStorage | None = None
) -> RunComparison:
    """Compare two flow runs. Storages of results are found by `storages`, where that is given.

    Of each run, 20,000 calls are counted, and the results of the first 2,000 are compared.
    """
    one, other = _side(before, orchestrator), _side(after, orchestrator)
    one = one._replace(calls=_called_as(one.calls, other.calls))
    pairs = _result_pairs(one, other)
    compared = _compared(pairs, storages)
    counts = Counter((pair.of, pair.of_task, pair.is_same) for pair in compared)
    differing = [pair for pair in compared if pair.is_same is not True]
    differing.sort(key=lambda pair: pair.is_same is None)
    return RunComparison(
        before=before,
        after=after,
        is_rerun=_earlier_of(other.start) == before.id,
        parameters=_parameters(before, after),
        calls=tuple(_calls(one, other, counts)),
        results=tuple(differing[:_LISTED]),
        code=(*_code_of_flows(one, other), *_code_of_tasks(one, other, orchestrator)),
        unknown=tuple(_unknown(one, other, differing)),
    )


def _side(run: FlowRun, orchestrator: Orchestrator) -> _Side:
    wanted = RunFilter(flow_run_ids=(run.id,), limit=_CALLS + 1, oldest_first=True)
    called: list[Run] = [*orchestrator.task_runs(wanted), *orchestrator.flow_runs(wanted)]
    called.sort(key=lambda each: each.id)
    calls: dict[tuple[str, bool], list[Run]] = {}
    for each in called[:_CALLS]:
        calls.setdefault(_of(each), []).append(each)
    ids = [run.id, *(each.id for each in called[:_COMPARED])]
    chunks = [tuple(ids[start : start + _CHUNK]) for start in range(0, len(ids), _CHUNK)]
    results = [each for chunk in chunks for each in orchestrator.results(ResultFilter(run_ids=chunk))]
    decisions = [each for chunk in chunks for each in orchestrator.decisions(chunk)]
    return _Side(
        run,
        orchestrator.start(run.id),
        calls,
        {each.run_id: each for each in results},
        {each.run_id: each for each in decisions},
        len(called) > _COMPARED,
    )


def _called_as(calls: Mapping[_Called, list[Run]], there: Mapping[_Called, list[Run]]) -> dict[_Called, list[Run]]:
    """A run's calls, with flows called as the other run has them: an earlier version may have named them otherwise."""
    found: dict[_Called, list[Run]] = {}
    for (of, of_task), runs in calls.items():
        names = (of,) if of_task else spellings(of)
        name = next((each for each in names if (each, of_task) in there), of)
        found.setdefault((name, of_task), []).extend(runs)
    return found


def _of(run: Run) -> tuple[str, bool]:
    return (run.task_name, True) if isinstance(run, TaskRun) else (run.flow_name, False)


def _earlier_of(start: StartRecord | None) -> str | None:
    """The id of the flow run that is run again by one that was started so."""
    entry = _entry(start)
    return entry.get("rerun_of") or entry.get("reuses", "").partition("/")[0] or None


def _entry(start: StartRecord | None) -> dict[str, str]:
    return {} if start is None or start.entry_point is None else dict(json.loads(start.entry_point))


def _parameters(before: FlowRun, after: FlowRun) -> tuple[ParameterPair, ...]:
    one, other = json.loads(before.parameters), json.loads(after.parameters)
    return tuple(_parameter(name, one, other) for name in {**one, **other})


def _parameter(name: str, one: Mapping[str, object], other: Mapping[str, object]) -> ParameterPair:
    a, b = one.get(name), other.get(name)
    if name not in one or name not in other:
        return ParameterPair(name, a, b, "before" if name in one else "after", True)
    same = json.dumps(a) == json.dumps(b)  # 1, 1.0 and True differ
    return ParameterPair(name, a, b, "both", None if same and _is_redacted(a) else not same)


def _is_redacted(value: object) -> bool:
    """Whether a recorded value may stand for several: it is hidden, or was cut."""
    return REDACTED in (text := json.dumps(value, ensure_ascii=False)) or "…" in text or " items>" in text


def _calls(one: _Side, other: _Side, counts: Mapping[tuple[str, bool, bool | None], int]) -> Iterable[CallsPair]:
    flow = (other.run.flow_name, False)
    names = [flow, *dict.fromkeys((*one.calls, *other.calls))]
    for place, (of, of_task) in enumerate(names):
        # The first one is the flow itself, which is one call of it each.
        sides = [[side.run] if place == 0 else side.calls.get((of, of_task), []) for side in (one, other)]
        before, after = (_counted(runs, side) for runs, side in zip(sides, (one, other), strict=True))
        same, different, unknown = (counts.get((of, of_task, is_same), 0) for is_same in (True, False, None))
        yield CallsPair(of, of_task, before, after, same, different, unknown)


def _counted(runs: Sequence[Run], side: _Side) -> Calls | None:
    if not runs:
        return None
    took: list[Micros] = [run.ended - run.started for run in runs if run.ended is not None and run.started is not None]
    decided = (side.decisions.get(run.id) for run in runs)
    taken = sum(each is not None and each.why in ("cached", "waited", "reused") for each in decided)
    states = Counter(str(run.state_type or StateType.PENDING) for run in runs)
    return Calls(len(runs), sum(took) / 1_000_000 if took else None, taken, dict(states))


def _result_pairs(one: _Side, other: _Side) -> list[tuple[Run, Run, ResultRecord, ResultRecord]]:
    """The two runs, and their calls that correspond: by what they were called with, else by their order."""
    pairs: list[tuple[Run, Run]] = [(one.run, other.run)]
    for of, runs in one.calls.items():
        pairs += _corresponding(runs, other.calls.get(of, []), one, other)
    results = [(a, b, one.results.get(a.id), other.results.get(b.id)) for a, b in pairs]
    return [(a, b, x, y) for a, b, x, y in results if x is not None and y is not None]


def _corresponding(runs: Sequence[Run], others: Sequence[Run], one: _Side, other: _Side) -> Iterable[tuple[Run, Run]]:
    by_step = {step: run for run in others if (step := _step(run, other)) is not None}
    left, met = [], set[str]()
    for run in runs:
        match = by_step.get(_step(run, one) or "")
        if match is None:
            left.append(run)
        else:
            met.add(match.id)
            yield run, match
    rest = [each for each in others if each.id not in met]
    yield from zip(left, rest, strict=False)


def _step(run: Run, side: _Side) -> str | None:
    result = side.results.get(run.id)
    return None if result is None else result.step


def _compared(
    pairs: Iterable[tuple[Run, Run, ResultRecord, ResultRecord]], storages: FindStorage | None
) -> list[ResultPair]:
    found, room = [], _READ
    for before, after, one, other in pairs:
        pair = ResultPair(*_of(after), after.name, before.id, after.id, *_by_records(one, other), None)
        if pair.is_same is None and pair.note is None:
            is_small = max(one.size or 0, other.size or 0) <= _SMALL
            if room and is_small:
                room -= 1
                pair = _by_values(pair, one, other, storages)
            else:
                pair = replace(pair, note=_NOT_READ)
        found.append(pair)
    return found


_TYPES = "One is of the type {}, the other of {}."
_GONE = "A document of them is removed."
_UNKEPT = "One of them was not persisted."
_NOT_READ = "Their digests differ; they are large, or many."
_OPAQUE = "Their digests differ."
_SHOWN_DIFFERS = "Their digests differ, and so do their previews."
_UNLOADED = (_NOT_READ, _OPAQUE, _SHOWN_DIFFERS)


def _by_records(one: ResultRecord, other: ResultRecord) -> tuple[bool | None, str | None]:
    """Whether two results are the same, as far as their records say; and why nothing else would say it."""
    if one.type != other.type or one.is_exception != other.is_exception:
        before, after = (each.type.rpartition(".")[2] for each in (one, other))
        return False, _TYPES.format(before, after) if before != after else None
    if "unpersisted" in (one.kind, other.kind):
        return None, _UNKEPT
    if one.kind == other.kind == "literal":
        return one.value == other.value, None
    if one.digest is not None and one.digest == other.digest and one.serializer == other.serializer:
        return True, None
    return None, _GONE if one.removed is not None or other.removed is not None else None


def _by_values(pair: ResultPair, one: ResultRecord, other: ResultRecord, storages: FindStorage | None) -> ResultPair:
    try:
        found = diff_plainly(one, other, storages)
    except (ResultError, StorageError) as error:
        return replace(pair, note=str(error))
    changes = len(found.changes) + found.more
    if found.is_same is None:
        return replace(pair, note=_SHOWN_DIFFERS if changes else _OPAQUE)
    return replace(pair, is_same=found.is_same, changes=changes)


def _code_of_flows(one: _Side, other: _Side) -> Iterable[CodePair]:
    entries = [_entry(each.start) for each in (one, other)]
    values: list[tuple[Literal["version", "entry point", "directory"], str | None, str | None]] = [
        ("version", one.run.flow_version, other.run.flow_version),
        ("entry point", *(entry.get("target") for entry in entries)),  # type: ignore[list-item]
        ("directory", *(entry.get("directory") for entry in entries)),  # type: ignore[list-item]
    ]
    for what, a, b in values:
        differs = None if a is None or b is None else a != b
        if what == "entry point" and differs:
            differs = _function_of(entries[0]) != _function_of(entries[1])
        yield CodePair(what, other.run.flow_name, a, b, differs)


def _function_of(entry: Mapping[str, str]) -> tuple[Path, str]:
    """Where the code of an entry point is: a file run as a script and imported as a module is the same one."""
    place, _, name = entry["target"].rpartition(":")
    is_file = place.endswith(".py")
    path = Path(place).with_suffix("") if is_file else Path(entry.get("directory", ""), *place.split("."))
    return (path.parent if path.name == "__init__" else path), name


def _code_of_tasks(one: _Side, other: _Side, orchestrator: Orchestrator) -> Iterable[CodePair]:
    """The sources of the tasks that both runs called, as far as cache keys record them."""
    for (of, of_task), runs in one.calls.items():
        others = other.calls.get((of, of_task), [])
        if of_task and others:
            a, b = (_source(each, side) for each, side in ((runs, one), (others, other)))
            differs = None if a is None or b is None else a != b
            changes = _changes(orchestrator.source(a), orchestrator.source(b)) if differs and a and b else ()
            yield CodePair("source", of, a and a[:12], b and b[:12], differs, changes)


def _source(runs: Sequence[Run], side: _Side) -> str | None:
    """The digests of a task's source as a call of it recorded them."""
    for run in runs:
        decision = side.decisions.get(run.id)
        components = {} if decision is None or decision.components is None else json.loads(decision.components)
        if "source" in components:
            return str(components["source"]) + str(components.get("helpers", ""))
    return None


def _changes(before: str | None, after: str | None) -> tuple[str, ...]:
    if before is None or after is None:
        return ()
    one, other = json.loads(before), json.loads(after)
    words = {
        name: "is new" if name not in one else "was removed" if name not in other else "changed"
        for name in {**other, **one}
        if one.get(name) != other.get(name)
    }
    return tuple(f"{name} {word}" for name, word in words.items())


def _unknown(one: _Side, other: _Side, differing: Sequence[ResultPair]) -> Iterable[str]:
    if not is_same_flow(one.run.flow_name, other.run.flow_name):
        yield "They are runs of different flows: calls of the same task are compared all the same."
    if one.is_cut or other.is_cut:
        yield f"Of each run, the results of {_COMPARED:,} calls are compared, and {_CALLS:,} calls are counted at most."
    if len(differing) > _LISTED:
        yield f"{len(differing) - _LISTED:,} more results differ, or are not known to be equal."
    if any(each.note in _UNLOADED for each in differing):
        yield "Equal values may have other bytes. `perdure result diff` loads two results, and compares their values."
    for side in (one, other):
        if side.run.ended is None:
            yield f"{side.run.name} has not ended."
