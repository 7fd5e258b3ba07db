"""`limits.py COUNT`: print, as JSON, what the machine itself takes, in milliseconds each.

What a tracked task costs at least: its rows in the database, a commit where it has to last, a file.
"""

import inspect
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

ROW = ("0192f0c1-8d4e-7a31-8f0e-5d0c9a7b6e21", 1, "COMPLETED", "Completed", None, 1_760_000_000_000_000)
INSERT = "INSERT INTO state VALUES (?, ?, ?, ?, ?, ?)"


def _database(synchronous: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{synchronous}.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("CREATE TABLE state (run_id, of_task, type, name, message, time)")
    connection.execute("CREATE INDEX state_run_id ON state (run_id)")
    return connection


def insert(count: int) -> None:
    connection = _database("off")
    connection.execute("BEGIN")
    connection.executemany(INSERT, ((f"{i:08x}-8d4e-7a31-8f0e-5d0c9a7b6e21", *ROW[1:]) for i in range(count)))
    connection.execute("COMMIT")


def commit(count: int) -> None:
    connection = _database("normal")
    for _ in range(count):
        connection.execute(INSERT, ROW)


def commit_full(count: int) -> None:
    connection = _database("full")
    for _ in range(count):
        connection.execute(INSERT, ROW)


def write_and_rename(count: int) -> None:
    data = b"x" * 200
    for i in range(count):
        descriptor = os.open("temporary", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(descriptor, data)
        os.close(descriptor)
        os.rename("temporary", f"file-{i}")  # noqa: PTH104


def bind(count: int) -> None:
    signature = inspect.signature(lambda i, j=1: (i, j))
    for i in range(count):
        signature.bind(i).apply_defaults()


def thread(count: int) -> None:
    with ThreadPoolExecutor() as pool:
        for future in [pool.submit(int) for _ in range(count)]:
            future.result()


LIMITS: dict[str, Callable[[int], None]] = {
    "an SQLite row, inserted in bulk": insert,
    "an SQLite commit of one row (WAL, synchronous=normal)": commit,
    "an SQLite commit of one row (WAL, synchronous=full)": commit_full,
    "a file of 200 bytes, written and renamed": write_and_rename,
    "arguments bound to a signature": bind,
    "a thread pool's submit and result": thread,
}


def measure(limit: Callable[[int], None], count: int) -> float:
    start = time.perf_counter()
    limit(count)
    return (time.perf_counter() - start) / count * 1000


if __name__ == "__main__":
    count = int(sys.argv[1])
    print(json.dumps({name: measure(limit, count) for name, limit in LIMITS.items()}))
