"""A Python environment with a real Prefect 2 in it: made once in a checkout, and again when its requirements change."""

import subprocess
from pathlib import Path

from bench.environments import python_with
from bench.peers import ROOT


def prefect_python() -> Path:
    """The environment's Python; where it is not there yet, it is installed, which takes some seconds."""
    try:
        return python_with("interop-prefect2", ROOT / "requirements" / "prefect2.txt")
    except subprocess.CalledProcessError as error:
        raise AssertionError(f"{' '.join(map(str, error.cmd))}\n{error.stdout}{error.stderr}") from None
