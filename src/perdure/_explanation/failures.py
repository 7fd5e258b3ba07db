"""Failed flow runs by what they failed of: an exception's type, and its message without what differs each time."""

import re
from collections import Counter
from collections.abc import Sequence

from perdure._model.state_types import StateType
from perdure._platform.clock import Micros
from perdure._platform.named import NamedTuple
from perdure._rooms.runs.records import FailureCount, FailureFilter, FlowRun, RunFilter
from perdure._store.protocol import Orchestrator

_GROUPS = 200
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


class Failures(NamedTuple):
    """Groups of failed runs, the largest first."""

    groups: Sequence[FailureGroup]
    runs: int  # in all groups, those beyond the first 200 included
    is_complete: bool  # whether all runs that the filter lets through were looked at


def failures(orchestrator: Orchestrator, filter: FailureFilter) -> Failures:
    """The failed flow runs in groups, at most 200."""
    found = orchestrator.failures(filter)
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
    shown = [_group(key, counts, runs[newest[key]]) for key, counts in largest[:_GROUPS] if newest[key] in runs]
    return Failures(shown, looked_at.total(), all(count < filter.limit for count in looked_at.values()))


def _group(
    key: tuple[StateType, str | None, str | None], counts: Sequence[FailureCount], newest: FlowRun
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
    """The most telling text that is in all messages of a group."""
    parts = [part.strip() for part in (message or "").split(_GAP)]
    tried = (f"{name}: {parts[0]}" if name and parts[0] else None, max(parts, key=len), name)
    return next((text for text in tried if text and all(text in (each.message or "") for each in counts)), None)
