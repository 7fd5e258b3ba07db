"""Flow runs and task runs with their states, tags, results and lineage."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from perdure._migration.takeover.context import Context
from perdure._migration.takeover.logs import take_logs
from perdure._migration.takeover.result_references import Reference, result_of
from perdure._migration.takeover.source import Row, from_json, listed, marks, micros
from perdure._model.records import (
    FlowRunRecord,
    InputRecord,
    PastStateRecord,
    Record,
    RenameRecord,
    ResultRecord,
    StateRecord,
    TaskRunRecord,
)
from perdure._model.state_types import StateType
from perdure._platform.ids import dated_id
from perdure._platform.named import NamedTuple
from perdure._rooms.results.records import ResultFilter
from perdure._rooms.runs.records import FlowRun, RunFilter, TaskRun

_PAGE = 500  # runs that are taken together
_CALLED_BY = "__parents__"  # among the inputs of Prefect 3's task runs
_KEY_ENDING = re.compile(r"-[0-9a-f]{8}$")
_OWN_LABELS = "prefect."
# What a flow run has in Prefect and not here. With any of these, its row is kept.
_EXTRAS = (
    *("deployment_id", "deployment_version", "idempotency_key", "auto_scheduled", "next_scheduled_start_time"),
    *("work_queue_id", "work_queue_name", "infrastructure_document_id", "infrastructure_pid", "job_variables"),
    *("created_by", "context", "labels"),
)


class _Run(NamedTuple):
    """A run as the target is to have it."""

    record: FlowRunRecord | TaskRunRecord
    states: Sequence[PastStateRecord]
    result: ResultRecord | None
    inputs: Sequence[InputRecord]

    def records(self, states: Iterable[PastStateRecord]) -> list[Record]:
        """The states come last: where they are, all else is."""
        result = [] if self.result is None else [self.result]
        return [self.record, *result, *self.inputs, *states]


Ask = Callable[[RunFilter], Sequence[FlowRun] | Sequence[TaskRun]]


def take_flow_runs(context: Context) -> None:
    """Take all flow runs that have begun, the oldest first, and their log lines."""
    left = 0
    for ids in _pages(context, "flow_run"):
        rows = _flow_rows(context, ids)
        states = _states(context, "flow_run", {old: record.id for old, record in rows.items()})
        for old in [old for old, (past, _) in states.items() if _has_not_begun(past)]:
            _leave(context, old, rows.pop(old), states.pop(old)[0])
        runs = [_Run(record, *states[old], ()) for old, record in rows.items()]
        _merge(context, "flow runs", runs, context.target.flow_runs)
        take_logs(context, "flow_run_id", {old: record.id for old, record in rows.items()})
        left += len(ids) - len(rows)
    if left:
        context.notes.append(f"Flow runs that have not begun are left to Prefect: {left}. They are in the file.")


def _has_not_begun(states: Sequence[PastStateRecord]) -> bool:
    return bool(states) and all(state.type is StateType.SCHEDULED for state in states)


def _leave(context: Context, old: str, record: FlowRunRecord, states: Sequence[PastStateRecord]) -> None:
    """Keep a run that nobody has begun: it is Prefect's to run, and taken with a later takeover if it does."""
    if context.target.flow_runs(RunFilter(ids=(record.id,))):  # an earlier takeover has it
        tally = context.tallies["flow runs"]
        tally.source, tally.known, tally.found = tally.source + 1, tally.known + 1, tally.found + 1
        return
    tally = context.tallies["flow runs"]
    tally.source += 1
    tally.kept += 1
    cells = {"id": old, "name": record.name, "flow": record.flow_name, "parameters": record.parameters}
    context.kept.add("flow_run", {**cells, "state": states[-1].name}, "it has not begun: Prefect may still run it")


def take_task_runs(context: Context) -> None:
    """Take all task runs, the oldest first, and the log lines of those outside flows."""
    query = "SELECT 1 FROM log WHERE flow_run_id IS NULL AND task_run_id IS NOT NULL LIMIT 1"
    has_own_logs = bool(context.source.select(query))
    for ids in _pages(context, "task_run"):
        rows, inputs = _task_rows(context, ids)
        new_ids = {old: record.id for old, record in rows.items()}
        states = _states(context, "task_run", new_ids)
        runs = [_Run(record, *states[old], inputs.get(record.id, ())) for old, record in rows.items()]
        _merge(context, "task runs", runs, context.target.task_runs)
        if has_own_logs:
            take_logs(context, "task_run_id", new_ids)


def _pages(context: Context, table: str) -> Iterable[list[str]]:
    of, done, total = f"{table.replace('_', ' ')}s", 0, context.count(table)
    for page in context.source.stream(f"SELECT id FROM {table} ORDER BY created, id", size=_PAGE):
        yield [str(id) for (id,) in page]
        done += len(page)
        context.progress(of, done, total)


# What the source has


def _flow_rows(context: Context, ids: Sequence[str]) -> dict[str, FlowRunRecord]:
    columns = listed(context.source, "flow_run", "r", ("flow_version", "parameters", "tags", *_EXTRAS))
    query = (
        "SELECT r.id, r.created, r.name, w.name, p.id, p.created, f.id, f.created,"
        f" {columns} FROM flow_run r LEFT JOIN flow w ON w.id = r.flow_id"
        " LEFT JOIN task_run p ON p.id = r.parent_task_run_id LEFT JOIN flow_run f ON f.id = p.flow_run_id"
        f" WHERE r.id IN {marks(len(ids))} ORDER BY r.created, r.id"
    )
    found: dict[str, FlowRunRecord] = {}
    for row in context.source.select(query, ids):
        id, created, name, flow, task, task_created, parent, parent_created, version, parameters, tags, *extras = row
        made = micros(created)
        found[id] = FlowRunRecord(
            *(dated_id(id, made), name, flow or "", version),
            _id(parent, parent_created),
            _id(task, task_created),
            _tags(tags),
            parameters if isinstance(from_json(parameters), dict) else "{}",
            made,
        )
        _keep_extras(context, id, found[id].id, extras)
    return found


def _keep_extras(context: Context, old: str, new: str, values: Sequence[Any]) -> None:
    extras = dict(zip(_EXTRAS, values, strict=True))
    for name in ("context", "labels", "job_variables", "created_by"):
        extras[name] = from_json(extras[name]) or None
    labels = extras["labels"] or {}
    extras["labels"] = {name: value for name, value in labels.items() if not name.startswith(_OWN_LABELS)} or None
    cells = {name: value for name, value in extras.items() if value}
    if cells:
        context.kept.add("flow_run", {"id": old, "perdure_id": new, **cells}, "runs have no such fields here")


def _task_rows(
    context: Context, ids: Sequence[str]
) -> tuple[dict[str, TaskRunRecord], dict[str, Sequence[InputRecord]]]:
    columns = listed(context.source, "task_run", "r", ("dynamic_key", "task_inputs", "tags"))
    query = (
        f"SELECT r.id, r.created, r.name, r.task_key, f.id, f.created, {columns}"
        " FROM task_run r LEFT JOIN flow_run f ON f.id = r.flow_run_id"
        f" WHERE r.id IN {marks(len(ids))} ORDER BY r.created, r.id"
    )
    rows = context.source.select(query, ids)
    given = {row[0]: _given(from_json(row[7])) for row in rows}
    sources = _new_ids(context, {id for pairs in given.values() for _, id in pairs})
    found: dict[str, TaskRunRecord] = {}
    inputs: dict[str, Sequence[InputRecord]] = {}
    for id, created, name, key, flow, flow_created, dynamic_key, _, tags in rows:
        made = micros(created)
        new = dated_id(id, made)
        known = [(parameter, sources[source]) for parameter, source in given[id] if source in sources]
        callers = [source for parameter, source in known if parameter == _CALLED_BY]
        caller = callers[0] if callers else None
        task = _task_name(name, key, dynamic_key)
        flow_id = _id(flow, flow_created)
        found[id] = TaskRunRecord(new, name, task, key or "", flow_id, caller, _tags(tags), made)
        inputs[new] = [InputRecord(new, source, parameter) for parameter, source in known if parameter != _CALLED_BY]
    return found, inputs


def _given(inputs: object) -> list[tuple[str, str]]:
    """The parameters of a task run that were given results, and of which task runs."""
    if not isinstance(inputs, dict):
        return []
    return [
        (str(name), each["id"])
        for name, values in inputs.items()
        for each in values or ()
        if isinstance(each, dict) and each.get("input_type") == "task_run" and isinstance(each.get("id"), str)
    ]


def _new_ids(context: Context, ids: Iterable[str]) -> dict[str, str]:
    wanted, found = sorted(ids), {}
    for first in range(0, len(wanted), _PAGE):
        page = wanted[first : first + _PAGE]
        rows = context.source.select(f"SELECT id, created FROM task_run WHERE id IN {marks(len(page))}", page)
        found.update({id: dated_id(id, micros(created)) for id, created in rows})
    return found


def _task_name(name: str, key: str | None, dynamic_key: str | None) -> str:
    """What the task was called: the run's name begins with it, unless that was made from a template."""
    for ending in (f"-{dynamic_key}", f"-{(dynamic_key or '')[:3]}"):
        if dynamic_key and name.endswith(ending) and len(name) > len(ending):
            return name.removesuffix(ending)
    return _KEY_ENDING.sub("", key or name).rpartition(".")[2] or name


def _id(id: str | None, created: object) -> str | None:
    return None if id is None else dated_id(id, micros(created))


def _tags(text: str | None) -> str:
    return json.dumps(sorted({str(tag) for tag in from_json(text) or ()}))


def _states(
    context: Context, table: str, ids: dict[str, str]
) -> dict[str, tuple[Sequence[PastStateRecord], ResultRecord | None]]:
    """By old id: the states, the oldest first, and the result of the last one that has one."""
    of, has_artifact = f"{table}_state", "result_artifact_id" in context.source.columns[f"{table}_state"]
    artifact = "a.data, a.description" if has_artifact else "NULL, NULL"
    join = "LEFT JOIN artifact a ON a.id = s.result_artifact_id" if has_artifact else ""
    columns = listed(context.source, of, "s", ("data", "state_details"))
    query = (
        f'SELECT s.{table}_id, s.type, s.name, s.message, s."timestamp", s.id, {columns}, {artifact} FROM {of} s {join}'
        f' WHERE s.{table}_id IN {marks(len(ids))} ORDER BY s."timestamp", s.id'
    )
    states: dict[str, list[PastStateRecord]] = {old: [] for old in ids}
    results: dict[str, ResultRecord | None] = dict.fromkeys(ids)
    for row in context.source.select(query, list(ids)):
        old, kind, name, message, time = row[:5]
        record = PastStateRecord(ids[old], table == "task_run", StateType(kind), name, message or None, micros(time))
        states[old].append(record)
        results[old] = _result(context, of, record, row)
    return {old: (states[old], results[old]) for old in ids}


def _result(context: Context, table: str, state: PastStateRecord, row: Row) -> ResultRecord | None:
    """What a state says of a result; where it says it in another form, that is kept."""
    data, details, artifact, description = row[6:]
    content = from_json(data) or from_json(artifact)
    if content is None:
        return None
    result = result_of(Reference(*state[:3], state.time, content, description, details))
    if result is None:
        kept = {"id": row[5], "run_id": row[0], "perdure_run_id": state.run_id, "data": content}
        context.kept.add(table, kept, "results of this form are not read here")
        context.tallies["results"].source += 1
        context.tallies["results"].kept += 1
    return result


# What the target has


def _merge(context: Context, of: str, runs: Sequence[_Run], ask: Ask) -> None:
    """Add what the target does not have of these runs, and see that it then has all of it."""
    ids = tuple(run.record.id for run in runs)
    tallies, records = context.tallies, list[Record]()
    known = {run.id: run for run in ask(RunFilter(ids=ids))}
    counts = {count.run_id: count.states for count in context.target.run_counts(list(known))} if known else {}
    for run in runs:
        there = known.get(run.record.id)
        missing = run.states if there is None else _missing(context, run, there, counts[there.id])
        renamed = there is not None and there.name != run.record.name
        outcome = "new" if there is None else "updated" if missing or renamed else "known"
        _note(context, of, run, outcome, len(missing))
        if outcome != "known":
            records += run.records(missing)
        if renamed:
            records.append(RenameRecord(run.record.id, isinstance(run.record, TaskRunRecord), run.record.name))
    context.commit(records)
    if not context.dry_run:
        tallies[of].found += len(ask(RunFilter(ids=ids))) if records else len(known)
        _count_found(context, runs)


def _note(context: Context, of: str, run: _Run, outcome: str, missing: int) -> None:
    tallies, count = context.tallies, len(run.states)
    for name, source, changed in ((of, 1, 1), ("results", int(run.result is not None), 1), ("states", count, missing)):
        tally = tallies[name]
        tally.source += source
        if name == "states":
            tally.new += changed
            tally.known += source - changed
        else:
            setattr(tally, outcome, getattr(tally, outcome) + source)


def _missing(context: Context, run: _Run, there: FlowRun | TaskRun, count: int) -> Sequence[PastStateRecord]:
    """The states that the target does not have."""
    last = run.states[-1] if run.states else None
    if last is None or (count == len(run.states) and there.state_time == last.time):
        return ()
    known = {_moment(state) for state in context.target.states(there.id)}
    return [state for state in run.states if _moment(state) not in known]


def _moment(state: StateRecord | PastStateRecord) -> tuple[str, str, int]:
    return (state.type, state.name, state.time)


def _count_found(context: Context, runs: Sequence[_Run]) -> None:
    wanted = {run.record.id: len(run.states) for run in runs}
    counts = context.target.run_counts(list(wanted))
    context.tallies["states"].found += sum(min(count.states, wanted[count.run_id]) for count in counts)
    with_result = tuple(run.record.id for run in runs if run.result is not None)
    if with_result:
        context.tallies["results"].found += len(context.target.results(ResultFilter(run_ids=with_result)))
