"""What other systems lack is missed by nothing that is imported, and by no common use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import perdure


@pytest.mark.slow
def test_all_modules_are_imported_and_flows_run_without_what_windows_lacks() -> None:
    program = Path(__file__).with_name("windows_like.py")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(program), str(Path(perdure.__file__).parent)],
        env={**os.environ, "PERDURE_LOGGING_LEVEL": "ERROR"},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.stdout.strip().endswith("fine"), done.stderr
