"""What is committed together, or once: transactions, their steps, and the keys of flow runs."""

import json
from collections.abc import Iterable, Mapping, Sequence

from perdure._model.errors import RecordRefused
from perdure._model.records import (
    CacheRecord,
    CommitRecord,
    FlowKeyRecord,
    FlowRunRecord,
    Owner,
    Record,
    ResultRecord,
    StepRecord,
    TransactionRecord,
)
from perdure._platform.clock import Micros
from perdure._store.sql.access import Access


class SqlTransactions:
    """The transactions of a database: unlike those of other rooms, its writes come after all that was reported."""

    def __init__(self, access: Access) -> None:
        self._access, self._writer, self._read, self._sql = access, access.writer, access.read, access.sql

    def open(self, record: TransactionRecord) -> TransactionRecord:
        """Begin a transaction; its record, if there is one with its key already."""
        absent = self._sql.absent
        row = tuple(absent if value is None else value for value in record)
        self._writer.execute(self._sql.open_transaction, row)
        return self._access.all(TransactionRecord, self._sql.transaction, record.key)[0]

    def of_key(self, key: str) -> TransactionRecord | None:
        """The record of the transaction with a key; None if there is none."""
        self._writer.flush()
        return self._access.one(TransactionRecord, self._sql.transaction, key)

    def unfinished(self, flow_run_id: str) -> Sequence[TransactionRecord]:
        """The transactions of an outermost flow run with steps that are staged, or have hooks to come; newest first."""
        self._writer.flush()
        return self._access.all(TransactionRecord, self._sql.unfinished_transactions, flow_run_id)

    def steps(self, transaction_id: str) -> Sequence[StepRecord]:
        """The steps of a transaction that are staged, or committed with hooks to come, in the order of their ends."""
        self._writer.flush()
        return self._access.all(StepRecord, self._sql.steps, transaction_id)

    def commit(self, transaction_id: str, now: Micros, owner: Owner | None = None) -> None:
        """Let the results of all staged steps be seen, in one transaction of the database."""
        records: list[Record] = []
        for step in self.steps(transaction_id):
            if step.phase == "staged" and step.staged is not None:
                result, cached = json.loads(step.staged)
                records.append(ResultRecord(*result))
                records += [] if cached is None else [CacheRecord(*cached)]
        self._writer.commit_together([*records, CommitRecord(transaction_id, now)], owner=owner)

    def committed_steps(self, transaction_id: str) -> Sequence[ResultRecord]:
        """The results that a transaction committed, of runs with an identity."""
        self._writer.flush()
        return self._access.all(ResultRecord, self._sql.committed_steps, transaction_id)

    def values(self, transaction_id: str) -> Mapping[str, str]:
        """What a transaction keeps for its hooks, by name."""
        self._writer.flush()
        return dict(self._read(self._sql.values, (transaction_id,)))

    def create_once(self, key: FlowKeyRecord, records: Iterable[Record]) -> bool:
        """Create a flow run by its records, unless the flow has one with the key; whether it was created.

        Raises:
            RecordRefused: they create no such run, so that all who come with the key would wait for none.
        """
        given = list(records)
        if not any(isinstance(each, FlowRunRecord) and each.id == key.flow_run_id for each in given):
            raise RecordRefused(f"No record creates the run {key.flow_run_id!r} that is to have the key {key.key!r}.")
        return self._writer.commit_together(given, unless=(self._sql.add_flow_key, key))

    def run_of_key(self, flow_name: str, key: str) -> str | None:
        """The id of the flow run that has an idempotency key."""
        rows = self._read(self._sql.run_of_key, (flow_name, key))
        return rows[0][0] if rows else None

    def key_of_run(self, flow_run_id: str) -> str | None:
        """The idempotency key of a flow run."""
        rows = self._read(self._sql.key_of_run, (flow_run_id,))
        return rows[0][0] if rows else None


STORE = SqlTransactions
