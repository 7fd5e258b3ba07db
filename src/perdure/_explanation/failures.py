"""Failed flow runs by what they failed of: an exception's type, and its message without what differs each time."""

import re
from collections import Counter
from collections.abc import Sequence

from perdure._model.state_types import StateType
from perdure._platform.clock import Micros, system_clock
from perdure._platform.named import NamedTuple
from perdure._rooms.runs.records import FailureCount, FailureFilter, FlowRun, RunFilter
from perdure._store.protocol import Orchestrator

_GROUPS = 200
_BARS = 30  # of a trend, at most
_MINUTE, _HOUR, _DAY = 60_000_000, 3_600_000_000, 86_400_000_000  # microseconds
# How long a step may be: such as people count in.
_LENGTHS = (
    *(n * _MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * _HOUR for n in (1, 2, 3, 6, 12)),
    *(n * _DAY for n in (1, 2, 7, 14, 30)),
)
_LENGTH = 300  # characters of a message
_GAP = "…"
_SAID = re.compile(r"^(?:Task|Flow) run encountered an exception[.:]? ")
_TYPE = re.compile(r"^([A-Za-z_][\w.]*)(?:: |$)")
# Ids, addresses in memory, digests, and numbers; not digits that end a name, such as utf8 and float64.
_VARIES = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
    r"|\b0x[0-9a-fA-F]+\b"
    r"|\b(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{8,}\b"
    r"|(?<![A-Za-z_0-9])[0-9]+(?:[._,:][0-9]+)*(?:[eE][+-]?[0-9]+)?"
)


class FailureGroup(NamedTuple):
    """Flow runs that failed of the same."""

    state_type: StateType  # FAILED or CRASHED
    type: str | None  # the exception's Python type; only its name, if no result was recorded; None if there is none
    message: str | None  # its first line, with "…" for ids and numbers; None if none was recorded
    runs: int
    flows: tuple[tuple[str, int], ...]  # how many of which flow, most first
    newest: FlowRun
    first: Micros  # when the first of them failed
    last: Micros
    search: str | None  # a text that is in the message of each of them, and of few others
    trend: tuple[int, ...]  # how many failed in each of the steps


class Failures(NamedTuple):
    """Groups of failed runs, the largest first."""

    groups: Sequence[FailureGroup]
    runs: int  # in all groups, those beyond the first 200 included
    is_complete: bool  # whether all runs that the filter lets through were looked at
    steps: "Steps"  # of the trends: from the filter's beginning, or the first failure, until its end, or now


class Steps(NamedTuple):
    """A time in at most 30 equal steps."""

    begin: Micros
    length: Micros
    number: int

    def place(self, time: Micros) -> int:
        """The step that a time is in; of one outside of them, the nearest."""
        return min(max((time - self.begin) // self.length, 0), self.number - 1)


def steps_until(since: Micros, until: Micros, least: Micros = _MINUTE) -> Steps:
    """A time in steps of a length that people count in, the last of which ends with it."""
    whole = max(until - since, 1)
    lengths = [each for each in _LENGTHS if each >= least]
    length = next((each for each in lengths if whole <= each * _BARS), -(-whole // (_BARS * _DAY)) * _DAY)
    count = -(-whole // length)
    return Steps(until - count * length, length, count)


def failures(orchestrator: Orchestrator, filter: FailureFilter) -> Failures:
    """The failed flow runs in groups, at most 200."""
    until = system_clock() if filter.before is None else filter.before
    # Where only what is found says when it began, it is counted by the hour.
    counted = Steps(0, _HOUR, 1) if filter.after is None else steps_until(filter.after, until)
    found = orchestrator.failures(filter._replace(first_step=counted.begin, step=counted.length))
    # A day at least, so that a first failure is seen as one.
    since = min([until - _DAY, *(each.first for each in found)])
    steps = counted if filter.after is not None else steps_until(since, until, _HOUR)
    groups: dict[tuple[StateType, str | None, str | None], list[FailureCount]] = {}
    for each in found:
        name, message = _said(each)
        groups.setdefault((each.state_type, name, message), []).append(each)
    largest = sorted(groups.items(), key=lambda item: (-sum(each.runs for each in item[1]), item[1][0].newest_id))
    newest = {key: max(each.newest_id for each in counts) for key, counts in largest[:_GROUPS]}
    runs = {run.id: run for run in orchestrator.flow_runs(RunFilter(ids=tuple(newest.values())))} if newest else {}
    looked_at = Counter[StateType]()
    for each in found:
        looked_at[each.state_type] += each.runs
    shown = [
        _group(key, counts, runs[newest[key]], _trend(counts, counted, steps))
        for key, counts in largest[:_GROUPS]
        if newest[key] in runs
    ]
    return Failures(shown, looked_at.total(), all(count < filter.limit for count in looked_at.values()), steps)


def _trend(counts: Sequence[FailureCount], counted: Steps, steps: Steps) -> tuple[int, ...]:
    bars = [0] * steps.number
    for each in counts:
        # In the middle: the steps in which it was counted need not begin with those that are shown.
        bars[steps.place(counted.begin + each.step * counted.length + counted.length // 2)] += each.runs
    return tuple(bars)


def _group(
    key: tuple[StateType, str | None, str | None],
    counts: Sequence[FailureCount],
    newest: FlowRun,
    trend: tuple[int, ...],
) -> FailureGroup:
    kind, _, message = key
    flows = Counter[str]()
    for each in counts:
        flows[each.flow_name] += each.runs
    type = next((each.type for each in counts if each.type is not None), key[1])
    first, last = min(each.first for each in counts), max(each.last for each in counts)
    return FailureGroup(
        kind,
        type,
        message,
        flows.total(),
        tuple(flows.most_common()),
        newest,
        first,
        last,
        _search(key[1], message, counts),
        trend,
    )


def _said(count: FailureCount) -> tuple[str | None, str | None]:
    """The name of an exception's type, and its message without what varies."""
    if count.message is None:
        return _short(count.type), None
    text = _SAID.sub("", count.message, count=1)
    name = None
    if text != count.message and (match := _TYPE.match(text)) is not None:
        name, text = match[1], text[match.end() :]
    return _short(count.type) or name, normalised(text)


def _short(type: str | None) -> str | None:
    return None if type is None else type.rpartition(".")[2]


def normalised(message: str) -> str:
    """A message's first line, with "…" for ids, addresses and numbers."""
    line = message.strip().partition("\n")[0]
    return _VARIES.sub(_GAP, line)[:_LENGTH]


def _search(name: str | None, message: str | None, counts: Sequence[FailureCount]) -> str | None:
    """The most telling text that is in all messages of a group, if these are those of the flow runs themselves."""
    if any(each.from_task for each in counts):
        return None
    parts = [part.strip() for part in (message or "").split(_GAP)]
    tried = (f"{name}: {parts[0]}" if name and parts[0] else None, max(parts, key=len), name)
    return next((text for text in tried if text and all(text in (each.message or "") for each in counts)), None)
