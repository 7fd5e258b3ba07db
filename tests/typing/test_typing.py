"""Users' type checkers see through the decorators."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.slow
def test_the_types_of_calls_states_and_futures_are_known(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={HERE.parents[1]}/.mypy_cache"]
    ended = subprocess.run(
        [*command, str(HERE / "cases.py")], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stdout
