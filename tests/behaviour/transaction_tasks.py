"""Tasks of transactions that run in other processes."""

from pathlib import Path

from perdure import Transaction, get_transaction, task


@task
def mark(path: str) -> list[str]:
    Path(path).write_text("made")
    transaction = get_transaction()
    assert transaction is not None
    transaction.set("path", path)
    return [path]


@mark.on_rollback
def unmark(transaction: Transaction) -> None:
    Path(transaction.get("path")).unlink()


@mark.on_commit
def marked(transaction: Transaction) -> None:
    with Path(transaction.get("path")).open("a") as file:
        file.write(", committed")
