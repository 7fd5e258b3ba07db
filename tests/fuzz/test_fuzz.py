"""Some of what `make fuzz` does: none is executed, none is returned wrong, and none takes long or much memory."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.kinds import KINDS, close
from tests.fuzz.playing import played
from tests.fuzz.watching import Case, watched
from tests.prepared import run

CASES = int(os.environ.get("FUZZ_CASES", "600"))


@pytest.fixture
def _server_stops() -> Iterator[None]:
    yield
    close()


@pytest.mark.slow
@pytest.mark.usefixtures("_server_stops")
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_made_up_or_altered_is_refused_or_harmless(kind: str) -> None:
    seen = list(played(kind, 0, max(10, round(CASES * KINDS[kind][1]))))
    assert [(seed, each.outcome) for seed, each in seen if each.is_wrong] == []
    assert any(each.outcome == "refused" for _, each in seen)


def test_what_is_executed_is_noticed() -> None:
    assert watched(Case(lambda: os.system("true"), bool)).outcome.startswith("executed: os.system")


@pytest.mark.slow
def test_what_takes_much_memory_is_noticed() -> None:
    # In a process of its own: memory that this one releases meanwhile would count against it.
    seen = "from tests.fuzz.watching import *; print(watched(Case(lambda: b'x' * 300_000_000, bool)).outcome)"
    assert run("-c", seen, cwd=Path(__file__).parents[2], check=True).stdout.endswith("MiB\n")
