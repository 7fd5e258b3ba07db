"""The database to look at is filled by real runs of each kind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from perdure.core.records import RunFilter
from perdure.core.states import StateType
from perdure.orchestrator.embedded import EmbeddedOrchestrator

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_filled_database_has_runs_of_every_end_over_days(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.ui.filled", str(tmp_path), "--days", "2"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PERDURE_LOGGING_LEVEL": "CRITICAL"}, check=True, timeout=120)
    orchestrator = EmbeddedOrchestrator(tmp_path / "perdure.db")
    runs = orchestrator.flow_runs(RunFilter(limit=1_000))
    orchestrator.close()
    ends = {run.state_type for run in runs}
    assert {StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED, StateType.PAUSED} <= ends
    assert max(run.created for run in runs) - min(run.created for run in runs) > 86_400_000_000
