"""What an orchestrator does for those who commit several things together, or once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from perdure._model.ports import reads
from perdure._model.records import FlowKeyRecord, Owner, Record, ResultRecord, StepRecord, TransactionRecord
from perdure._platform.clock import Micros


class Transactions(Protocol):
    """Transactions, the steps that ended inside them, and idempotency keys. Any thread may use it."""

    def open(self, record: TransactionRecord) -> TransactionRecord:
        """Begin a transaction; its record, if there is one with its key already."""

    @reads
    def of_key(self, key: str) -> TransactionRecord | None:
        """The record of the transaction with a key; None if there is none."""

    @reads
    def unfinished(self, flow_run_id: str) -> Sequence[TransactionRecord]:
        """The transactions of an outermost flow run with steps that are staged, or have pending hooks; newest first."""

    @reads
    def steps(self, transaction_id: str) -> Sequence[StepRecord]:
        """The steps of a transaction that are staged, or committed with hooks to come, in the order of their ends."""

    def commit(self, transaction_id: str, now: Micros, owner: Owner | None = None) -> None:
        """Let the results of all staged steps be seen, in one transaction of the database.

        `owner` is the claim under which its flow run runs.

        Raises:
            RunTakenOver: that claim is lost.
            OrchestratorError: it could not be done, and nothing has changed.
        """

    @reads
    def committed_steps(self, transaction_id: str) -> Sequence[ResultRecord]:
        """The results that a transaction committed, of runs with an identity."""

    @reads
    def values(self, transaction_id: str) -> Mapping[str, str]:
        """What a transaction keeps for its hooks, by name."""

    def create_once(self, key: FlowKeyRecord, records: Iterable[Record]) -> bool:
        """Create a flow run by its records, unless the flow has one with the key; whether it was created.

        Of several that would at once, in any process, one does.
        """

    @reads
    def run_of_key(self, flow_name: str, key: str) -> str | None:
        """The id of the flow run that has an idempotency key."""

    @reads
    def key_of_run(self, flow_run_id: str) -> str | None:
        """The idempotency key of a flow run."""


PORT = Transactions
