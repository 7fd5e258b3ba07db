"""Transactions: `with transaction() as txn:` over several steps of a flow."""

from perdure._engine.coordination.transaction import Transaction
from perdure._execution.transactions import get_transaction, transaction
from perdure._platform.moved import export

__all__ = ["Transaction", "get_transaction", "transaction"]

export(globals())
