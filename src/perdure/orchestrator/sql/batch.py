"""Folding: a run of records becomes a few statements with many rows each.

A run that is created and gets its states in one batch is one INSERT with the newest state in it, which
costs a quarter of an INSERT and three UPDATEs. The outcome is the same as writing each record alone.
"""

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from perdure.core.clock import Micros
from perdure.core.records import (
    ArtifactChangeRecord,
    ArtifactRecord,
    BlockRecord,
    CacheRecord,
    CancelRecord,
    CommitRecord,
    DecisionRecord,
    FlowRunRecord,
    InputRecord,
    LogRecord,
    PastStateRecord,
    ProcessRecord,
    Record,
    ReleaseRecord,
    RemovalRecord,
    RenameRecord,
    ResultRecord,
    SourceRecord,
    StartRecord,
    StateRecord,
    StepEndRecord,
    StepRecord,
    TaskRunRecord,
    ValueRecord,
    WaitRecord,
)
from perdure.core.states import FINAL, StateType
from perdure.orchestrator.sql.askew import is_askew
from perdure.orchestrator.sql.statements import Statements
from perdure.orchestrator.sql.tags import NO_TAGS, spelled_all

Row = tuple[Any, ...]
# sqlite3 binds plain text and integers three times faster than their subclasses.
_TEXT: dict[str, str] = {kind: str.__str__(kind) for kind in StateType}
_FINAL = frozenset(_TEXT[kind] for kind in FINAL)
_RUNNING = _TEXT[StateType.RUNNING]


class Arrivals:
    """Numbers that order the states of a run: microseconds of the writer's clock, never twice the same.

    The low bits tell writers apart, so that two processes that write of one run do not collide.
    """

    _WRITER_BITS = 10
    STEP = 1 << _WRITER_BITS

    def __init__(self) -> None:
        self._last = int.from_bytes(os.urandom(2), "big") % self.STEP

    def take(self, count: int) -> int:
        """The first of `count` numbers, each `STEP` above the one before."""
        now = (time.time_ns() // 1_000 << self._WRITER_BITS) + self._last % self.STEP
        first = max(now, self._last + self.STEP)
        self._last = first + (count - 1) * self.STEP
        return first

    def pass_by(self, arrival: int) -> None:
        """Give only numbers above this one from now on: the clock may have been behind, or be so now."""
        self._last = max(self._last, arrival + self.STEP)


class _Run:
    """What a batch says of one run."""

    __slots__ = ("begun", "count", "is_past", "record", "started", "state")

    def __init__(self, record: FlowRunRecord | TaskRunRecord | None) -> None:
        self.record = record
        self.state: Row = ()  # type, name, message, time
        self.begun: Micros = 0  # the time of its first state
        self.started: Micros | None = None
        self.count = 0
        self.is_past = False  # whether its states are another system's

    def name_stays(self, record: FlowRunRecord | TaskRunRecord) -> None:
        """Take a record of the run; a run that is told of again keeps its name."""
        self.record = record if self.record is None else record._replace(name=self.record.name)


class Batch:
    """The rows of some records, by table; `absent` stands for None in them."""

    def __init__(self, records: Iterable[Record], arrival: int, absent: float | None) -> None:
        self._absent = absent
        self.flow_runs: dict[str, _Run] = {}
        self.task_runs: dict[str, _Run] = {}
        self.tags: list[Row] = []
        self.states: list[Row] = []
        self.past_states: list[Row] = []
        self.flow_run_names: list[Row] = []
        self.task_run_names: list[Row] = []
        self.results: list[Row] = []
        self.removals: list[Row] = []
        self.inputs: list[Row] = []
        self.processes: list[Row] = []
        self.starts: list[Row] = []
        self.decisions: list[Row] = []
        self.sources: list[Row] = []
        self.cancellations: list[Row] = []
        self.waits: list[Row] = []
        self.cache_entries: list[Row] = []
        self.releases: list[Row] = []
        self.steps: list[Row] = []
        self.commits: list[Row] = []
        self.step_ends: list[Row] = []
        self.values: list[Row] = []
        self.logs: list[Row] = []
        self.artifacts: list[Row] = []
        self.artifact_changes: list[Row] = []
        self.blocks: list[BlockRecord] = []
        self._fold(records, arrival)

    def statements(self, sql: Statements) -> list[tuple[str, list[Row]]]:
        """Each statement with its rows, in the order in which they must run."""
        steps = [
            *self._of_runs(self.flow_runs, sql.create_flow_run, sql.advance_flow_run, sql.amend_flow_run),
            *self._of_runs(self.task_runs, sql.create_task_run, sql.advance_task_run, sql.amend_task_run),
            (sql.add_tag, self.tags),
            (sql.rename_flow_run, self.flow_run_names),
            (sql.rename_task_run, self.task_run_names),
            (sql.add_state, self.states),
            (sql.add_past_state, self.past_states),
            (sql.put_result, self.results),
            (sql.mark_result, self.removals),
            (sql.add_input, self.inputs),
            (sql.put_process, self.processes),
            (sql.put_start, self.starts),
            (sql.put_decision, self.decisions),  # while their keys still stand for what they did
            (sql.add_source, self.sources),
            (sql.put_cancellation, self.cancellations),
            (sql.put_wait, self.waits),
            (sql.put_cache_entry, self.cache_entries),
            (sql.release_key, self.releases),
            (sql.add_step, self.steps),
            (sql.commit_transaction, self.commits),
            (sql.commit_steps, [(id,) for _, id in self.commits]),
            (sql.end_step, self.step_ends),
            (sql.put_value, self.values),
            (sql.add_log, self.logs),
            (sql.put_artifact, self.artifacts),
            (sql.change_artifact, self.artifact_changes),
        ]
        for block in self.blocks:
            # A name goes to the block that was saved under it last; the one before stays, for its results.
            steps.append((sql.free_slug, [(block.type, block.name, block.id)]))
            steps.append((sql.put_block, [block]))
        return [step for step in steps if step[1]]

    def _fold(self, records: Iterable[Record], arrival: int) -> None:
        # Most records are states, and this loop is a quarter of the cost of a run: states are folded in place.
        absent, add_state = self._absent, self.states.append
        for record in records:
            if type(record) is not StateRecord:
                _ADD[type(record)](self, record)
                continue
            run_id, of_task, kind, name, message, time = record
            if message is None:
                message = absent  # type: ignore[assignment]
            text = _TEXT[kind]
            add_state((run_id, arrival, 1 if of_task else 0, text, name, message, time))
            arrival += Arrivals.STEP
            runs = self.task_runs if of_task else self.flow_runs
            run = runs.get(run_id)
            if run is None:
                run = runs[run_id] = _Run(None)
                run.begun = time
            run.state = (text, name, message, time)
            if text == _RUNNING:
                run.count += 1
                if run.started is None:
                    run.started = time

    def _of_runs(self, runs: dict[str, _Run], create: str, advance: str, amend: str) -> list[tuple[str, list[Row]]]:
        if not runs:
            return []
        absent = self._absent
        stateless = (absent,) * 6 + (0,)
        created: list[Row] = []
        advanced: list[Row] = []
        amended: list[Row] = []
        for run_id, run in runs.items():
            state, record = run.state, run.record
            if state:
                ended = state[3] if state[0] in _FINAL else absent
                row = (*state, absent if run.started is None else run.started, ended, run.count)
            else:
                row = stateless
            if record is None:
                (amended if run.is_past else advanced).append((run_id, run.begun, *row))
            else:
                created.append((*[absent if value is None else value for value in record], *row))
        return [(create, created), (advance, advanced), (amend, amended)]

    def _add_run(self, record: FlowRunRecord | TaskRunRecord) -> None:
        of_task = type(record) is TaskRunRecord
        runs = self.task_runs if of_task else self.flow_runs
        if record.tags != NO_TAGS:
            self.tags += [(1 if of_task else 0, tag, record.id) for tag in spelled_all(record.tags)]
        run = runs.get(record.id)
        if run is None:
            runs[record.id] = _Run(record)
        else:
            run.name_stays(record)

    def _add_past_state(self, record: PastStateRecord) -> None:
        """Number a state by its own time: services that look for new states have passed that by."""
        run_id, of_task, kind, name, message, time = record
        text, told = _TEXT[kind], self._absent if message is None else message
        self.past_states.append((run_id, time * Arrivals.STEP, 1 if of_task else 0, text, name, told, time))
        runs = self.task_runs if of_task else self.flow_runs
        run = runs.setdefault(run_id, _Run(None))
        run.is_past = True
        if not run.state or time >= run.state[3]:
            run.state = (text, name, told, time)
        run.begun = run.begun or time
        if text == _RUNNING:
            run.count += 1
            run.started = time if run.started is None else min(time, run.started)

    def _add_name(self, record: RenameRecord) -> None:
        names = self.task_run_names if record.of_task else self.flow_run_names
        names.append((record.name, record.run_id))

    def _add_result(self, record: ResultRecord) -> None:
        run_id, of_task, kind, type, is_exception, created, *rest, _, _ = record
        absent = self._absent
        values = [absent if value is None else value for value in rest]
        askew = created if is_askew(run_id, created) else absent
        self.results.append(
            (run_id, 1 if of_task else 0, kind, type, 1 if is_exception else 0, created, *values, askew)
        )
        if self.removals:  # of the run's result before this one
            self.removals = [row for row in self.removals if row[2] != run_id]

    def _add_process(self, record: ProcessRecord) -> None:
        self.processes.append(tuple(self._absent if value is None else value for value in record))

    def _add_start(self, record: StartRecord) -> None:
        self.starts.append(tuple(self._absent if value is None else value for value in record))

    def _add_decision(self, record: DecisionRecord) -> None:
        row = (*record, record.cache_key)
        self.decisions.append(tuple(self._absent if value is None else value for value in row))

    def _add_step(self, record: StepRecord) -> None:
        values = tuple(self._absent if value is None else value for value in record)
        self.steps.append((*values, record.transaction_id))

    def _add_wait(self, record: WaitRecord) -> None:
        self.waits.append(tuple(self._absent if value is None else value for value in record))

    def _add_artifact(self, record: ArtifactRecord) -> None:
        self.artifacts.append(tuple(self._absent if value is None else value for value in record))

    def _add_artifact_change(self, record: ArtifactChangeRecord) -> None:
        id, updated, data = record
        self.artifact_changes.append((updated, data, id, updated))

    def _add_removal(self, record: RemovalRecord) -> None:
        run_id, doomed, removed = record
        told = self._absent if removed is None else removed
        self.removals.append((doomed, told, run_id, told, doomed))


# Made once: a batch is often one run's.
_ADD: dict[type, Callable[[Batch, Any], None]] = {
    TaskRunRecord: Batch._add_run,
    FlowRunRecord: Batch._add_run,
    PastStateRecord: Batch._add_past_state,
    RenameRecord: Batch._add_name,
    ResultRecord: Batch._add_result,
    RemovalRecord: Batch._add_removal,
    InputRecord: lambda batch, record: batch.inputs.append(record),
    ProcessRecord: Batch._add_process,
    StartRecord: Batch._add_start,
    CancelRecord: lambda batch, record: batch.cancellations.append(record),
    WaitRecord: Batch._add_wait,
    CacheRecord: lambda batch, record: batch.cache_entries.append(record),
    DecisionRecord: Batch._add_decision,
    SourceRecord: lambda batch, record: batch.sources.append(record),
    ReleaseRecord: lambda batch, record: batch.releases.append(record),
    StepRecord: Batch._add_step,
    StepEndRecord: lambda batch, record: batch.step_ends.append((record.phase, record.run_id)),
    CommitRecord: lambda batch, record: batch.commits.append((record.time, record.transaction_id)),
    ValueRecord: lambda batch, record: batch.values.append(record),
    LogRecord: lambda batch, record: batch.logs.append(record),
    ArtifactRecord: Batch._add_artifact,
    ArtifactChangeRecord: Batch._add_artifact_change,
    BlockRecord: lambda batch, record: batch.blocks.append(record),
}
