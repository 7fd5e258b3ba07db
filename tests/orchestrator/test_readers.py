"""The connections that a process reads by: no more than there may be, and none is lost to those who wait."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from perdure._store.sql.database import Connection
from perdure._store.sql.readers import Readers
from perdure.errors import OrchestratorError

_connections: list[sqlite3.Connection] = []


@pytest.fixture(autouse=True)
def _all_are_closed() -> Iterator[None]:
    yield
    while _connections:
        _connections.pop().close()


class Opened:
    """Opens connections, and knows how many it has opened; the first ones may fail."""

    def __init__(self, failures: int = 0) -> None:
        self.count = 0
        self._failures = failures

    def __call__(self) -> Connection:
        if self._failures:
            self._failures -= 1
            raise OrchestratorError("It cannot be opened.")
        self.count += 1
        _connections.append(sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None))
        return _connections[-1]


def test_threads_that_read_at_once_share_as_many_connections_as_there_may_be() -> None:
    opened = Opened()
    readers, start = Readers(opened, most=3), Barrier(12)

    def read(_: int) -> list[int]:
        start.wait()
        found = []
        for number in range(200):
            connection = readers.take()
            found += [row[0] for row in connection.execute("SELECT ?", (number,)).fetchall()]
            readers.give_back(connection, is_lost=False)
        return found

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(read, range(12)))

    assert answers == [list(range(200))] * 12
    assert 1 <= opened.count <= 3
    assert len(readers.idle()) == opened.count


def test_one_reader_after_another_uses_one_connection() -> None:
    opened = Opened()
    readers = Readers(opened, most=3)

    for _ in range(10):
        readers.give_back(readers.take(), is_lost=False)

    assert opened.count == 1


@pytest.mark.parametrize("is_lost", [False, True], ids=["given back", "lost"])
def test_who_waits_continues_once_a_connection_is(is_lost: bool) -> None:
    opened, began = Opened(), Event()
    readers = Readers(opened, most=1)
    first = readers.take()

    def wait() -> Connection:
        began.set()
        return readers.take()

    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(wait)
        began.wait(10)
        readers.give_back(first, is_lost)
        found = second.result(timeout=10)

    assert (found is first) is not is_lost
    assert opened.count == 1 + is_lost


def test_a_connection_that_could_not_be_opened_does_not_count() -> None:
    opened = Opened(failures=2)
    readers = Readers(opened, most=1)

    for _ in range(2):
        with pytest.raises(OrchestratorError):
            readers.take()

    assert readers.take() is not None
