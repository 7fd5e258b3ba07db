"""Fencing: which records of a batch come from a stale process, which has lost its flow run, and so are refused.

The problem: a process that is thought to be dead may only have been asleep: a laptop's lid, a stopped container, a
network that was cut. Meanwhile another process has claimed its flow run and resumed it. Then the first one wakes, and
writes what it has buffered. Two processes would write the history of one run, and a step's result of either could win.
No check before the write helps, however late: the process may fall asleep between the check and the write.

The idea: the database decides, within the very transaction that writes. Each claim of a flow run raises its *epoch*, a
number in its row of `flow_start`. A batch says under which epochs its writer believes to own its flow runs, and these
are compared once a batch:

    A owns run r with epoch 1, and falls asleep
    B claims r:  UPDATE ... SET epoch = 2, process = B WHERE epoch = 1 AND its state is as B read it
    A wakes:     BEGIN; SELECT epoch OF r -> 2 > 1: A has lost r; of its batch only what is not r's is written; COMMIT

The comparison takes the row's lock (`share`; in SQLite, writing transactions exclude each other), so that nobody
claims the run between it and the commit. It costs one SELECT a batch. Whose each record is (`_OF`, `_Roots`), is
looked up only when a claim was in fact lost, by going up from task run to flow run to the outermost one, whose epoch
counts.

What always holds:

- An epoch only grows (it is negative while its owner is of a version that says none), and whoever compares is in the
  transaction that writes.
- Of a batch that has lost a claim, no record is kept that belongs to the lost run, or to a run that no kept record has
  reported. Heartbeats, blocks, releases of claims and log lines are always kept: they are true whoever owns the run.
- The writer hears which claims it has lost, and ends the code of those runs with `RunTakenOver`.
- Rows are locked in the order of their ids, so that two processes do not wait for each other.

A new kind of record needs a line in `_OF` if it belongs to a run. Without one it is kept for ever, from anybody.
Processes of earlier versions say no epochs: their records are refused once a run has been claimed by one that does.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypeGuard

from perdure._model.records import (
    ArtifactChangeRecord,
    ArtifactRecord,
    CacheRecord,
    CommitRecord,
    DecisionRecord,
    FlowRunRecord,
    InputRecord,
    PastStateRecord,
    Record,
    RenameRecord,
    ResultRecord,
    StartRecord,
    StateRecord,
    StepEndRecord,
    StepRecord,
    TaskRunRecord,
    ValueRecord,
    WaitRecord,
)
from perdure._model.state_types import FINAL
from perdure._store.sql.database import Connection
from perdure._store.sql.statements import Statements

Epochs = Mapping[str, int]  # by outermost flow run: the claim under which its owner writes
_MOST = 500  # ids in one statement
_UNKNOWN = ""  # whose a run is of which nobody has heard
_OLDEST_FENCED = 2  # a run that was claimed by one that says its epoch: from then on, each of its owners does

# Whose a record is: the id of a run, of a transaction or of an artifact. Records that are not here are always kept:
# heartbeats, blocks, what releases a claim, and log lines, which show what a process did after it had lost its run.
_OF: dict[type, Callable[[Any], str | None]] = {
    **dict.fromkeys((FlowRunRecord, TaskRunRecord, ArtifactChangeRecord), lambda record: record.id),
    **dict.fromkeys(
        (
            StateRecord,
            PastStateRecord,
            RenameRecord,
            InputRecord,
            CacheRecord,
            DecisionRecord,
            StepRecord,
            StepEndRecord,
        ),
        lambda record: record.run_id,
    ),
    ResultRecord: lambda record: record.item_of or record.run_id,
    **dict.fromkeys((StartRecord, WaitRecord), lambda record: record.flow_run_id),
    **dict.fromkeys((CommitRecord, ValueRecord), lambda record: record.transaction_id),
    ArtifactRecord: lambda record: record.task_run_id or record.flow_run_id,
}
# Where it is found what an id belongs to: a table, and its columns in the order in which they say so.
_ABOVE = (
    ("task_run", "coalesce(parent_task_run_id, flow_run_id)", "name <> ''"),
    ("flow_run", "coalesce(parent_task_run_id, parent_flow_run_id)", "name <> ''"),
    ("txn", "flow_run_id", "1 = 1"),
    ("artifact", "coalesce(task_run_id, flow_run_id)", "1 = 1"),
)


def lost_claims(connection: Connection, sql: Statements, epochs: Epochs) -> set[str]:
    """The flow runs that others have claimed since; nobody claims one of the others before the transaction's end."""
    return asked_claims(connection, sql, epochs)()


def asked_claims(connection: Connection, sql: Statements, epochs: Epochs) -> Callable[[], set[str]]:
    """The same, requested now; the answer may be waited for later in the transaction."""
    if len(epochs) == 1:
        ((id, epoch),) = epochs.items()
        asked = connection.execute(sql.epoch, (id,))

        def lost_one() -> set[str]:
            row = asked.fetchone()
            return {id} if row is not None and abs(row[0]) > epoch else set()

        return lost_one
    ids = sorted(epochs)  # two processes lock the rows in one order
    pages = [ids[first : first + _MOST] for first in range(0, len(ids), _MOST)]
    all_asked = [connection.execute(_epochs_of(len(page), sql.mark, sql.share), page) for page in pages]
    return lambda: {id for asked in all_asked for id, epoch in asked.fetchall() if abs(epoch) > epochs[id]}


def kept(
    connection: Connection, sql: Statements, records: Sequence[Record], lost: Collection[str]
) -> list[tuple[int, Record]]:
    """The records, with their places, but those of lost flow runs, and of runs that no kept record has reported."""
    roots, without = _Roots(connection, sql, records), {*lost, _UNKNOWN}
    return [(place, record) for place, record in enumerate(records) if roots.of(record) not in without]


def without_late_ends(connection: Connection, sql: Statements, records: Sequence[Record], claimed: str) -> list[Record]:
    """The records of a claim, but ends of runs below the claimed one that have come to an end since they were seen."""
    ends = _ends_below(records, claimed)
    ended: set[str] = set()
    for table in ("task_run", "flow_run") if ends else ():
        ids = sorted(ends)
        for first in range(0, len(ids), _MOST):
            page = ids[first : first + _MOST]
            rows: Sequence[tuple[Any, ...]] = connection.execute(_ended_of(table, len(page), sql.mark), page).fetchall()
            ended.update(id for (id,) in rows)
    return [each for each in records if not (_ends(each) and each.run_id in ended)]


def may_have_ended(records: Iterable[Record], claimed: str | None) -> bool:
    """Whether records say the ends of runs below a claimed one, which may have come to another end meanwhile."""
    return claimed is not None and bool(_ends_below(records, claimed))


def _ends_below(records: Iterable[Record], claimed: str) -> set[str]:
    return {each.run_id for each in records if _ends(each) and each.run_id != claimed}


def _ends(record: Record) -> TypeGuard[StateRecord]:
    return isinstance(record, StateRecord) and record.type in FINAL


@cache
def _ended_of(table: str, count: int, mark: str) -> str:
    final = ", ".join(f"'{each}'" for each in sorted(FINAL))
    return f"SELECT id FROM {table} WHERE id IN ({', '.join([mark] * count)}) AND state_type IN ({final})"


def refused_of_unfenced(connection: Connection, sql: Statements, records: Sequence[Record]) -> dict[int, str]:
    """Why records are not kept whose writer does not say its epochs, as earlier versions do not, by their places.

    It may have begun the run, or claimed it from another such process. It has lost a run that was claimed since by one
    that says its epoch.
    """
    roots = _Roots(connection, sql, records)
    found = [roots.of(record) for record in records]
    epochs: dict[str, int] = {}
    ids = sorted({root for root in found if root})
    for first in range(0, len(ids), _MOST):
        page = ids[first : first + _MOST]
        epochs |= dict(connection.execute(_epochs_of(len(page), sql.mark, sql.share), page).fetchall())
    lost = {id for id, epoch in epochs.items() if epoch >= _OLDEST_FENCED}
    why = "The flow run {} was taken over by another process."
    return {place: why.format(root) for place, root in enumerate(found) if root in lost}


class _Roots:
    """The outermost flow runs to which records belong."""

    def __init__(self, connection: Connection, sql: Statements, records: Sequence[Record]) -> None:
        self._connection = connection
        self._sql = sql
        self._above: dict[str, str | None] = {}
        for record in records:
            if isinstance(record, TaskRunRecord):
                self._above[record.id] = record.parent_task_run_id or record.flow_run_id
            elif isinstance(record, FlowRunRecord):
                self._above[record.id] = record.parent_task_run_id or record.parent_flow_run_id
        self._look_up({id for record in records if (id := _id_of(record)) is not None})

    def of(self, record: Record) -> str | None:
        """The outermost run; None where a record belongs to none, `_UNKNOWN` where nobody has heard of its run."""
        id = _id_of(record)
        if id is None:
            return None
        met = {id}
        while above := self._above[id]:
            if above in met:  # as nobody's runs are, and whoever may write can have them
                return _UNKNOWN
            met.add(above)
            id = above
        return _UNKNOWN if above == _UNKNOWN else id

    def _look_up(self, wanted: Iterable[str]) -> None:
        missing = {*wanted, *filter(None, self._above.values())} - self._above.keys()
        while missing:
            for table, column, where in _ABOVE:
                ids = sorted(missing - self._above.keys())
                for first in range(0, len(ids), _MOST):
                    page = ids[first : first + _MOST]
                    query = f"SELECT id, {column} FROM {table} WHERE {where} AND id IN "
                    query += f"({_marks(len(page), self._sql.mark)})"
                    self._above |= dict(self._connection.execute(query, page).fetchall())
            self._above |= dict.fromkeys(missing - self._above.keys(), _UNKNOWN)
            missing = set(filter(None, self._above.values())) - self._above.keys()


def _id_of(record: Record) -> str | None:
    of = _OF.get(type(record))
    return None if of is None else of(record)


@cache
def _epochs_of(count: int, mark: str, share: str) -> str:
    return f"SELECT flow_run_id, epoch FROM flow_start WHERE flow_run_id IN ({_marks(count, mark)}){share}"


def _marks(count: int, mark: str) -> str:
    return ", ".join([mark] * count)
