"""Folding: a batch of records, as the states of task runs, becomes a few statements with many rows each.

The problem: a task run that succeeds is reported as one creation and three states. Written one by one these are an
INSERT and three UPDATEs of its row, and three INSERTs of states: of each, most of the time goes to parsing, locating
the row and updating indexes, not to the data.

The idea: a batch is written in one transaction, so nobody can see what was between its first record and its last. Only
the outcome has to be the same as if each record had been written alone, in order. So of each run only what it came to
is kept (`_Run`), and rows for one statement are collected and written by one `executemany`:

    TaskRunRecord(t1), State(t1, PENDING), State(t1, RUNNING), State(t1, COMPLETED), ResultRecord(t1)
    ──►  create_task_run  [(t1, ..., COMPLETED, started, ended, count=1)]         one INSERT, with the last state in it
         add_state        [(t1, PENDING), (t1, RUNNING), (t1, COMPLETED)]         the history, as it was
         put_result       [(t1, ...)]

A run whose creation is not in the batch was written before: its row is advanced by an UPDATE with the same columns.

What always holds:

- Writing records in one batch or in several comes to the same tables. A property test cuts sequences at random.
- States of a run are ordered by their *arrival*, a number that this writer gives in the order of the records
  (`Arrivals`), and never by their times, which come from the clocks of several machines. Only states of another
  system, which are imported, are numbered by their own times.
- Statements run in one fixed order (`_ORDER`), whatever the order of the records was: the runs first, a decision
  before the entry of its cache key, the entry before the claim of the key is released. A new statement needs a place
  in it: ask what must be there before it, and what must see it.
- Within one statement the order of rows is that of the records, since the last one wins.

The loop over states is a quarter of what a run costs in the database. It is written out on purpose: measure before you
tidy it.
"""

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from perdure._model.records import (
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
from perdure._model.state_types import FINAL, StateType
from perdure._platform.clock import Micros
from perdure._rooms.results.tables import OWN_KEY_LENGTH
from perdure._store.sql.clock_skew import is_clock_skewed
from perdure._store.sql.statements import Statements
from perdure._store.sql.tags import NO_TAGS, rendered_all

Row = tuple[Any, ...]
# sqlite3 binds plain text and integers three times faster than their subclasses.
_TEXT: dict[str, str] = {kind: str.__str__(kind) for kind in StateType}
_FINAL = frozenset(_TEXT[kind] for kind in FINAL)
_RUNNING = _TEXT[StateType.RUNNING]


class Arrivals:
    """Numbers that order the states of a run: microseconds of the writer's clock, never twice the same.

    The low bits distinguish writers, so that two processes that write of one run do not collide.
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

    record: FlowRunRecord | TaskRunRecord | None = None
    state: Row = ()  # type, name, message, time
    begun: Micros = 0  # the time of its first state
    started: Micros | None = None
    count = 0
    is_past = False  # whether its states are another system's

    def name_stays(self, record: FlowRunRecord | TaskRunRecord) -> None:
        """Take a record of the run; a run that is reported again keeps its name."""
        self.record = record if self.record is None else record._replace(name=self.record.name)


class Batch:
    """The rows of some records, by table; `absent` stands for None in them."""

    def __init__(self, records: Iterable[Record], arrival: int, absent: float | None) -> None:
        self._absent = absent
        self.flow_runs: dict[str, _Run] = {}
        self.task_runs: dict[str, _Run] = {}
        self._rows: dict[str, list[Row]] = {}  # by the statement's name; most batches have rows of a few
        self._blocks: list[BlockRecord] = []
        self._full_results: set[str] = set()  # the runs of those that `put_result` puts, after all plain ones
        self.first_arrival = arrival  # of its states
        self._fold(records, arrival)

    def statements(self, sql: Statements) -> list[tuple[str, list[Row]]]:
        """Each statement with its rows, in the order in which they must run."""
        rows = self._rows
        steps = [
            *self._of_runs(self.flow_runs, sql.create_flow_run, sql.advance_flow_run, sql.amend_flow_run),
            *self._of_runs(self.task_runs, sql.create_task_run, sql.advance_task_run, sql.amend_task_run),
        ]
        steps += [(getattr(sql, name), rows[name]) for name in _ORDER if name in rows]
        for block in self._blocks:
            # A name goes to the block that was saved under it last; the one before stays, for its results.
            steps.append((sql.free_slug, [(block.type, block.name, block.id)]))
            steps.append((sql.put_block, [block]))
        return [step for step in steps if step[1]]

    def _of(self, statement: str) -> list[Row]:
        """The rows of a statement until now, to add some."""
        return self._rows.setdefault(statement, [])

    def _fold(self, records: Iterable[Record], arrival: int) -> None:
        # What nearly all records are is folded in place: this loop is a tenth of the cost of a run.
        absent, states, plain_results = self._absent, self._of("add_state"), self._of("put_plain_result")
        task_runs, flow_runs = self.task_runs, self.flow_runs
        for record in records:
            if type(record) is StateRecord:
                run_id, of_task, state, name, message, time = record
                text = _TEXT[state]
                stored = absent if message is None else message
                states.append((run_id, arrival, 1 if of_task else 0, text, name, stored, time))
                arrival += Arrivals.STEP
                runs = task_runs if of_task else flow_runs
                run = runs.get(run_id)
                if run is None:
                    run = runs[run_id] = _Run()
                    run.begun = time
                run.state = (text, name, stored, time)
                if text is _RUNNING:
                    run.count += 1
                    if run.started is None:
                        run.started = time
            elif type(record) is ResultRecord and record[_DETAILS:] == _NO_DETAILS and self._is_plain(record):
                run_id, of_task, form, type_name, is_exception, created = record[:6]
                plain_results.append((run_id, 1 if of_task else 0, form, type_name, 1 if is_exception else 0, created))
            elif type(record) is TaskRunRecord and record.tags == NO_TAGS and record.id not in task_runs:
                run = task_runs[record.id] = _Run()
                run.record = record
            else:
                _ADD[type(record)](self, record)

    def _is_plain(self, record: ResultRecord) -> bool:
        """Whether a result's few fields are all that its row needs, and no other one waits that would replace it."""
        if record.run_id in self._full_results:
            return False
        return not is_clock_skewed(record.run_id, record.created) and not self._rows.get("mark_result")

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
            self._of("add_tag").extend((1 if of_task else 0, tag, record.id) for tag in rendered_all(record.tags))
        run = runs.get(record.id)
        if run is None:
            run = runs[record.id] = _Run()
        run.name_stays(record)

    def _add_past_state(self, record: PastStateRecord) -> None:
        """Number a state by its own time: services that look for new states have passed that by."""
        run_id, of_task, kind, name, message, time = record
        text, stored = _TEXT[kind], self._absent if message is None else message
        self._of("add_past_state").append((run_id, time * Arrivals.STEP, 1 if of_task else 0, text, name, stored, time))
        runs = self.task_runs if of_task else self.flow_runs
        run = runs.setdefault(run_id, _Run())
        run.is_past = True
        if not run.state or time >= run.state[3]:
            run.state = (text, name, stored, time)
        run.begun = run.begun or time
        if text == _RUNNING:
            run.count += 1
            run.started = time if run.started is None else min(time, run.started)

    def _add_name(self, record: RenameRecord) -> None:
        self._of("rename_task_run" if record.of_task else "rename_flow_run").append((record.name, record.run_id))

    def _add_result(self, record: ResultRecord) -> None:
        run_id, of_task, kind, type, is_exception, created, *rest, _, _ = record
        absent = self._absent
        values = [absent if value is None else value for value in rest]
        if record.storage_key is not None and len(record.storage_key) != OWN_KEY_LENGTH:
            self._add_named_result(record)
        self._full_results.add(run_id)
        skewed = created if is_clock_skewed(run_id, created) else absent
        self._of("put_result").append(
            (run_id, 1 if of_task else 0, kind, type, 1 if is_exception else 0, created, *values, skewed)
        )
        removals = self._rows.get("mark_result")
        if removals:  # of the run's result before this one
            self._rows["mark_result"] = [row for row in removals if row[3] != run_id]

    def _add_named_result(self, record: ResultRecord) -> None:
        """Note a result under a key of the user's, of which an event is to be made."""
        if record.kind != "persisted" or record.is_exception or record.item_of is not None or record.digest is None:
            return
        rows = self._of("add_named_result")
        size = self._absent if record.size is None else record.size
        rows.append(
            (
                *(self.first_arrival + len(rows) * Arrivals.STEP, record.run_id, 1 if record.of_task else 0),
                *(record.storage_id, record.storage_key, record.digest, record.type, size, record.created),
            )
        )

    def _add_process(self, record: ProcessRecord) -> None:
        self._of("put_process").append(tuple(self._absent if value is None else value for value in record))

    def _add_start(self, record: StartRecord) -> None:
        self._of("put_start").append(tuple(self._absent if value is None else value for value in record))

    def _add_decision(self, record: DecisionRecord) -> None:
        row = (*record, record.cache_key)
        self._of("put_decision").append(tuple(self._absent if value is None else value for value in row))

    def _add_step(self, record: StepRecord) -> None:
        values = tuple(self._absent if value is None else value for value in record)
        self._of("add_step").append((*values, record.transaction_id))

    def _add_wait(self, record: WaitRecord) -> None:
        self._of("put_wait").append(tuple(self._absent if value is None else value for value in record))

    def _add_artifact(self, record: ArtifactRecord) -> None:
        self._of("put_artifact").append(tuple(self._absent if value is None else value for value in record))

    def _add_artifact_change(self, record: ArtifactChangeRecord) -> None:
        id, updated, data = record
        self._of("change_artifact").append((updated, data, id, updated))

    def _add_commit(self, record: CommitRecord) -> None:
        self._of("commit_transaction").append((record.time, record.transaction_id))
        self._of("commit_steps").append((record.transaction_id,))

    def _add_removal(self, record: RemovalRecord) -> None:
        run_id, doomed, removed = record
        stored = self._absent if removed is None else removed
        self._of("mark_result").append((doomed, stored, stored, run_id, stored, doomed))


_DETAILS = ResultRecord._fields.index("value")  # from there on, nothing is known of a value that is in memory only
_NO_DETAILS = (None,) * (len(ResultRecord._fields) - _DETAILS)
# The statements in the order in which they must run, after those of the runs themselves.
_ORDER = (
    *(
        "add_tag",
        "rename_flow_run",
        "rename_task_run",
        "add_state",
        "add_past_state",
        "put_plain_result",
        "put_result",
        "add_named_result",
        "mark_result",
        "add_input",
    ),
    *("put_process", "put_start"),
    "put_decision",  # while their keys still stand for what they did
    *("add_source", "put_cancellation", "put_wait", "put_cache_entry", "release_key"),
    *("add_step", "commit_transaction", "commit_steps", "end_step", "put_value"),
    *("add_log", "put_artifact", "change_artifact"),
)
# Made once: a batch is often one run's.
_ADD: dict[type, Callable[[Batch, Any], None]] = {
    TaskRunRecord: Batch._add_run,
    FlowRunRecord: Batch._add_run,
    PastStateRecord: Batch._add_past_state,
    RenameRecord: Batch._add_name,
    ResultRecord: Batch._add_result,
    RemovalRecord: Batch._add_removal,
    InputRecord: lambda batch, record: batch._of("add_input").append(record),
    ProcessRecord: Batch._add_process,
    StartRecord: Batch._add_start,
    CancelRecord: lambda batch, record: batch._of("put_cancellation").append(record),
    WaitRecord: Batch._add_wait,
    CacheRecord: lambda batch, record: batch._of("put_cache_entry").append(record),
    DecisionRecord: Batch._add_decision,
    SourceRecord: lambda batch, record: batch._of("add_source").append(record),
    ReleaseRecord: lambda batch, record: batch._of("release_key").append(record),
    StepRecord: Batch._add_step,
    StepEndRecord: lambda batch, record: batch._of("end_step").append((record.phase, record.run_id)),
    CommitRecord: Batch._add_commit,
    ValueRecord: lambda batch, record: batch._of("put_value").append(record),
    LogRecord: lambda batch, record: batch._of("add_log").append(record),
    ArtifactRecord: Batch._add_artifact,
    ArtifactChangeRecord: Batch._add_artifact_change,
    BlockRecord: lambda batch, record: batch._blocks.append(record),
}
