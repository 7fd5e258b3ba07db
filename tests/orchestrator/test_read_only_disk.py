"""A home that can be read and not written, such as a backup that is mounted."""

import os
from pathlib import Path

import pytest

from perdure._store.embedded import EmbeddedOrchestrator
from perdure.errors import OrchestratorError
from perdure.records import RunFilter
from perdure.testing._sample_records import flow_run
from tests.server.serving import serving_on


@pytest.fixture
def read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database with a run, of which the system says that it cannot be written."""
    path = tmp_path / "home" / "perdure.db"
    known = EmbeddedOrchestrator(path)
    known.commit([flow_run(name="kept")])
    known.close()
    monkeypatch.setattr(os, "access", lambda _, mode: mode & os.W_OK == 0)
    return path


def test_runs_are_read_and_no_file_is_made(read_only: Path) -> None:
    before = sorted(read_only.parent.iterdir())
    known = EmbeddedOrchestrator(read_only)
    (run,) = known.flow_runs(RunFilter())
    assert (run.name, known.is_read_only) == ("kept", True)
    assert sorted(read_only.parent.iterdir()) == before
    known.close()


def test_what_is_to_be_written_is_refused_with_the_remedy(read_only: Path) -> None:
    known = EmbeddedOrchestrator(read_only)
    with pytest.raises(OrchestratorError, match="Make it and its directory writable"):
        known.commit([flow_run()])


@pytest.mark.slow
def test_a_server_shows_it_and_does_nothing_in_the_background(read_only: Path) -> None:
    known = EmbeddedOrchestrator(read_only)
    with serving_on(known) as server, server.client() as api:
        (run,) = api.get("/api/flow-runs").raise_for_status().json()["items"]
        assert run["name"] == "kept"
        known.flush()  # nothing waits to be written
