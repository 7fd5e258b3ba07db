"""A few runs with something in every table."""

from sqlalchemy import Table, insert, select

from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.sql.database import Database
from perdure._store.sql.tables import metadata
from perdure.records import (
    CacheRecord,
    CancelRecord,
    DecisionRecord,
    FlowKeyRecord,
    FlowRunRecord,
    InputRecord,
    LogRecord,
    ProcessRecord,
    SourceRecord,
    StartRecord,
    StepRecord,
    TransactionRecord,
    ValueRecord,
    WaitRecord,
)
from perdure.states import StateType as S
from perdure.testing._sample_records import block, claim, flow_run, literal, persisted, state, task_run

PROCESS = "06a3d9f2-0000-7000-8000-0000000000aa"
TRANSACTION = "06a3d9f2-0000-7000-8000-0000000000bb"


def report_a_run(known: EmbeddedOrchestrator, end: S = S.COMPLETED, kept: bool = True) -> FlowRunRecord:
    """A flow run with a subflow, tasks, and all that may be known of them; `kept`: a result lies in a storage."""
    run = flow_run(tags='["nightly", "\\u00fc"]')
    inner = flow_run(parent_flow_run_id=run.id)
    task, below = task_run(run.id, tags='["nightly"]'), task_run(inner.id)
    made = persisted(task, preview="x" * 5_000) if kept else literal(task)
    known.commit(
        [
            *(run, state(run, S.RUNNING), inner, state(inner, S.COMPLETED, "with \n \t \\ and \U0001f40d")),
            *(task, state(task, S.COMPLETED), below, state(below, S.FAILED, "ValueError: x"), made, literal(below)),
            *(InputRecord(below.id, task.id, "x"), DecisionRecord(task.id, "computed", None)),
            *(StartRecord(run.id, PROCESS, None, None, None), ProcessRecord(PROCESS, "host", 1, None, 0, 0)),
            *(CancelRecord(run.id, "ada", 5, 6), WaitRecord(run.id, "step", 7)),
            *(LogRecord(run.id, None, 1, 20, "logger", "one"), LogRecord(run.id, task.id, 2, 20, "logger", "two")),
            *(CacheRecord(f"key-{task.id}", task.id, 1, 2), state(run, end)),
        ]
    )
    return run


def report_much(database: Database) -> None:
    """Several runs, blocks, sources, transactions and claims."""
    known = EmbeddedOrchestrator(database)
    runs = [report_a_run(known) for _ in range(3)]
    known.transactions.open(TransactionRecord(TRANSACTION, "k", runs[0].id, 1))
    step = StepRecord(runs[0].id, TRANSACTION, TRANSACTION, "k", None, None, None, None, "ended")
    known.commit([step, ValueRecord(TRANSACTION, "name", "1"), block("s3"), block(None), SourceRecord("d", "{}")])
    known.transactions.create_once(FlowKeyRecord("pipeline", "key", runs[0].id), [runs[0]])
    known.claim_key(claim())
    for table in metadata.sorted_tables:
        if not known.select(select(table).limit(1)):
            known.execute(insert(table).values(_row(table)))
    known.close()


def _row(table: Table) -> dict[str, object]:
    """Something in each column: what it means is of no concern to who carries it elsewhere."""
    values: dict[type, object] = {str: "text", bool: True, int: 1, float: 0.5}
    return {column.name: values[column.type.python_type] for column in table.columns}
