"""The demo: a flow over real flights, run as a program."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.slow
def test_the_demo_runs_and_then_finds_everything_in_the_cache(tmp_path: Path):
    script = shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns("output")) / "flights.py"
    environment = os.environ | {"COLUMNS": "120", "NO_COLOR": "1"}
    ran = subprocess.run(
        [sys.executable, "-W", "error", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "336,776 flights" in ran.stdout
    assert "22 came from the cache" in ran.stdout
    output = tmp_path / "examples" / "output"
    assert (output / "delays.png").read_bytes().startswith(b"\x89PNG")
    united = json.loads((output / "results" / "airlines" / "UA.json").read_text())
    assert json.loads(united["data"])["flights"] > 50_000
    assert "TooFewFlightsError: OO has 29 flights" in (output / "flights.log").read_text()
    assert not (tmp_path / "home").exists(), "the user's own home is left alone"
