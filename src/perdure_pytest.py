"""The pytest plugin: fixtures for tests of flows, which pytest finds wherever Perdure is installed.

It stands beside the package, and imports it in the fixtures only: tests that ask for none pay nothing for it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from perdure.testing.clock import ManualClock


@pytest.fixture
def perdure_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty Perdure home for this test: its own database, results, blocks and cache; also in processes it starts."""
    from perdure.testing.home import fresh_home

    path = tmp_path_factory.mktemp("perdure")
    monkeypatch.setenv("PERDURE_HOME", str(path))
    for name in ("PERDURE_DATABASE", "PERDURE_LOCAL_STORAGE_PATH", "PERDURE_API_URL"):
        monkeypatch.delenv(name, raising=False)
    with fresh_home(path) as home:
        yield home


@pytest.fixture
def perdure_clock(perdure_home: Path) -> Iterator["ManualClock"]:
    """A clock for this test's runs that stands still until `perdure_clock.move(seconds)`; with a home of its own."""
    from perdure.testing.clock import manual_clock

    with manual_clock() as clock:
        yield clock


@pytest.fixture
def perdure_server(perdure_home: Path) -> Iterator[str]:
    """The address of a server on this test's home, without tokens: what the test's flows record is there."""
    from perdure.testing.server import serving

    with serving() as address:
        yield address
