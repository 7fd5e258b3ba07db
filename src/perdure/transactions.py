"""Transactions: `with transaction() as txn:` over several steps of a flow."""

from perdure._engine.coordination.transaction import Transaction
from perdure._execution.transactions import CommitMode, IsolationLevel, get_transaction, transaction
from perdure._platform.moved import export

__all__ = ["CommitMode", "IsolationLevel", "Transaction", "get_transaction", "transaction"]

export(globals())
