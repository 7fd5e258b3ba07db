"""Sixteen real processes at one limit: never too many inside, nobody overtaken, nothing lost with the killed."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from perdure import concurrency, session
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.sql.postgresql import PostgreSQL
from perdure.records import Limit
from tests.postgresql_server import new_database

_PREPARED = """
    import os, sys, time
    from pathlib import Path
    from perdure import concurrency, session, settings
    from perdure._store.embedded import EmbeddedOrchestrator
    from perdure._store.sql.postgresql import PostgreSQL

    if sys.argv[1]:
        session.use(session.Session(settings.current(), EmbeddedOrchestrator(PostgreSQL(sys.argv[1]))))
    def note(*words):
        with Path("events").open("a") as file:
            file.write(" ".join(map(str, words)) + "\\n")
"""


@contextmanager
def processes(directory: Path, code: str, count: int, url: str = "") -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Programs that run at the same time, each given the database's URL and its number."""
    file = directory / "program.py"
    file.write_text(textwrap.dedent(_PREPARED) + textwrap.dedent(code))
    started = [
        subprocess.Popen([sys.executable, str(file), url, str(number)], cwd=directory) for number in range(count)
    ]
    try:
        yield started
    finally:
        for process in started:
            if process.poll() is None:
                process.kill()
            process.wait()


def events(directory: Path) -> list[list[str]]:
    file = directory / "events"
    return [line.split() for line in file.read_text().splitlines()] if file.exists() else []


def wait_for(directory: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(events(directory)) < count:
        assert time.monotonic() < deadline, events(directory)
        time.sleep(0.02)


_IN_AND_OUT = """
    for turn in range(6):
        with concurrency("db", occupy=1 + turn % 2):
            note("in", 1 + turn % 2)
            time.sleep(0.005)
            note("out", -1 - turn % 2)
"""


def most_inside(directory: Path) -> int:
    inside = most = 0
    for _, change in events(directory):
        inside += int(change)
        most = max(most, inside)
    assert inside == 0
    return most


@pytest.mark.slow
def test_sixteen_processes_never_take_more_than_the_limit(tmp_path: Path) -> None:
    session.current().orchestrator.limits.put(Limit("db", 3, None, 0))
    with processes(tmp_path, _IN_AND_OUT, 16) as started:
        assert [process.wait(120) for process in started] == [0] * 16
    assert most_inside(tmp_path) <= 3


@pytest.mark.slow
def test_sixteen_processes_on_postgresql_never_take_more_than_the_limit(postgresql: str, tmp_path: Path) -> None:
    with new_database(postgresql) as url:
        known = EmbeddedOrchestrator(PostgreSQL(url))
        known.limits.put(Limit("db", 3, None, 0))
        with processes(tmp_path, _IN_AND_OUT, 16, url) as started:
            assert [process.wait(120) for process in started] == [0] * 16
        assert known.limits.slots("db") == []
        known.close()
    assert most_inside(tmp_path) <= 3


@pytest.mark.slow
def test_slots_of_killed_processes_are_free_again(tmp_path: Path) -> None:
    session.current().orchestrator.limits.put(Limit("db", 4, None, 0))
    code = """
        with concurrency("db"):
            note("in")
            time.sleep(60)
    """
    with processes(tmp_path, code, 8) as started:
        wait_for(tmp_path, 4)
        for process in started:  # four hold slots, the others wait
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        with concurrency("db", occupy=4, timeout_seconds=20):  # sooner than their leases end, after 30
            pass


@pytest.mark.slow
def test_who_comes_first_goes_first_even_with_a_large_wish(tmp_path: Path) -> None:
    known = session.current().orchestrator
    known.limits.put(Limit("db", 2, None, 0))
    code = """
        number = int(sys.argv[2])
        while not Path(f"go-{number}").exists():
            time.sleep(0.01)
        with concurrency("db", occupy=2 if number == 1 else 1):
            note(number)
            time.sleep(0.02)
    """
    with processes(tmp_path, code, 6) as started:
        with concurrency("db"):  # so that one slot is free, and number 1 wants two
            for number in (1, 0, 2, 3, 4, 5):
                before = len(known.limits.slots("db"))
                (tmp_path / f"go-{number}").touch()
                deadline = time.monotonic() + 30
                while len(known.limits.slots("db")) == before:
                    assert time.monotonic() < deadline
                    time.sleep(0.01)
            assert events(tmp_path) == []
        assert [process.wait(60) for process in started] == [0] * 6
    assert events(tmp_path)[0] == ["1"]
    places = [int(number) for (number,) in events(tmp_path)]
    assert all(abs(places.index(number) - place) <= 1 for place, number in enumerate((1, 0, 2, 3, 4, 5)))  # two at once
