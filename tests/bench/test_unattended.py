"""The benchmark of schedules counts what it says."""

from pathlib import Path

import pytest

from bench import unattended
from perdure import session


def test_the_runs_of_all_schedules_are_made_and_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unattended, "DEPLOYMENTS", 2)
    monkeypatch.setattr(unattended, "SCHEDULES", 3)
    figures = dict(unattended.ticks(tmp_path / "bench"))
    assert figures["ticks"] > 0
    assert figures["tick"] == pytest.approx(1_000 * figures["ticks"] / 6)
    assert not session.current().orchestrator.deployments.all()  # it has a home of its own
