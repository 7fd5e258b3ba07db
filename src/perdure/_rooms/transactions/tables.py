"""The tables of transactions, their steps and values, and of idempotency keys."""

from perdure._model.fields import Small
from perdure._model.records import FlowKeyRecord, StepRecord, TransactionRecord, ValueRecord
from perdure._model.tables import Index, Table


class Place:
    """In which order steps ended."""

    place: Small


TXN = Table(
    "txn",
    TransactionRecord,
    Index("txn_by_key", ("key",), unique=True),
    Index("txn_by_flow_run", ("flow_run_id",)),
)
TXN_STEP = Table("txn_step", StepRecord, Index("txn_step_by_place", ("transaction_id", "place")), more=Place)
TXN_VALUE = Table("txn_value", ValueRecord, key=2)
FLOW_KEY = Table("flow_key", FlowKeyRecord, Index("flow_key_by_run", ("flow_run_id",)), key=2)
TABLES = (TXN, TXN_STEP, TXN_VALUE, FLOW_KEY)
