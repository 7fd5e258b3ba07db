__all__ = [
    "Transaction",
    "get_transaction",
    "transaction",
]

from perdure import Transaction as Transaction

from perdure import get_transaction as get_transaction

from perdure import transaction as transaction
