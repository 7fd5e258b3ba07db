__all__ = [
    "CommitMode",
    "IsolationLevel",
    "Transaction",
    "get_transaction",
    "transaction",
]

class CommitMode(enum.Enum):
    EAGER = 'EAGER'
    LAZY = 'LAZY'
    OFF = 'OFF'

class IsolationLevel(enum.Enum):
    READ_COMMITTED = 'READ_COMMITTED'
    SERIALIZABLE = 'SERIALIZABLE'

from perdure import Transaction as Transaction

from perdure import get_transaction as get_transaction

from perdure import transaction as transaction
