"""Transactions: `with transaction() as txn:` over several steps of a flow."""

import enum
from contextvars import Token
from types import TracebackType
from typing import Any

from perdure._engine.coordination.transaction import Transaction
from perdure._engine.coordination.transaction_lifecycle import enter_transaction, leave_transaction
from perdure._engine.drivers import adrive, drive
from perdure._model.colour import caller_is_async
from perdure._model.errors import TransactionError
from perdure._run.context import current_run, current_transaction, transaction_above
from perdure._session import session as sessions

__all__ = ["CommitMode", "IsolationLevel", "Transaction", "get_transaction", "transaction"]


class CommitMode(enum.Enum):
    """When a transaction commits, by Prefect's names. Here that is at the end of the outermost one: `LAZY`."""

    EAGER = "EAGER"
    LAZY = "LAZY"
    OFF = "OFF"


class IsolationLevel(enum.Enum):
    """What transactions of one key see of each other, by Prefect's names. Here one is inside at a time."""

    READ_COMMITTED = "READ_COMMITTED"
    SERIALIZABLE = "SERIALIZABLE"


class transaction:  # noqa: N801 - it is used as a function is
    """The results of all that is called inside the `with` block are committed together, or not at all.

    When the block ends, it waits for what was submitted in it, lets the results be seen, and calls `on_commit` hooks.
    When it raises, or something that was submitted fails, `on_rollback` hooks of the tasks that completed are called,
    the last one's first, and the results are removed. In coroutines, write `async with`.

    Args:
        key: what tells it from all other transactions, in all runs: with it, results that were once committed are not
            made again. Of several processes that are at it, one is inside at a time.
        commit_mode: `CommitMode.LAZY`, which is how it is anyway; others are refused.
        isolation_level: taken for users of Prefect 3; both levels are kept, since one is inside at a time.

    Raises:
        TransactionError: there can be none here: inside a task, or with a key inside another one.
    """

    def __init__(
        self,
        key: str | None = None,
        *,
        commit_mode: CommitMode | None = None,
        isolation_level: IsolationLevel | None = None,  # noqa: ARG002
    ) -> None:
        if commit_mode not in (None, CommitMode.LAZY):
            raise TransactionError(
                f"transaction(commit_mode={commit_mode}): a transaction commits when the outermost one of its `with`"
                " blocks ends. Leave commit_mode= out, and put what is to be committed sooner into a block before."
            )
        if key is not None and (not isinstance(key, str) or not key):
            raise TransactionError(
                f"transaction(key={key!r}): a key is text that is not empty, such as 'day-2024-05-01'."
            )
        self._key = key
        self._transaction: Transaction | None = None
        self._token: Token[Any] | None = None

    def __enter__(self) -> Transaction:
        if caller_is_async():
            raise TransactionError(
                "`with transaction()` would block the event loop. Write `async with transaction()` in coroutines."
            )
        session = sessions.current()
        run = current_run.get()
        return self._begun(drive(enter_transaction(run, transaction_above(run), self._key, session), session))

    def __exit__(self, _: object, error: BaseException | None, __: TracebackType | None) -> None:
        session = sessions.current()
        drive(leave_transaction(self._ended(), session, error), session)

    async def __aenter__(self) -> Transaction:
        session = sessions.current()
        run = current_run.get()
        return self._begun(await adrive(enter_transaction(run, transaction_above(run), self._key, session), session))

    async def __aexit__(self, _: object, error: BaseException | None, __: TracebackType | None) -> None:
        session = sessions.current()
        await adrive(leave_transaction(self._ended(), session, error), session)

    def _begun(self, begun: Transaction) -> Transaction:
        self._transaction = begun
        self._token = current_transaction.set(begun)
        return begun

    def _ended(self) -> Transaction:
        assert self._transaction is not None
        assert self._token is not None
        try:
            current_transaction.reset(self._token)
        except ValueError:  # a generator that is closed elsewhere than where it was begun
            current_transaction.set(self._transaction.outer)
        return self._transaction


def get_transaction() -> Transaction | None:
    """The innermost transaction that the current code is in, as in a task that is called inside; None if in none."""
    run = current_run.get()
    found: Transaction | None = transaction_above(run) or getattr(run, "transaction", None)
    return found
