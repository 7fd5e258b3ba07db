"""A Python environment with a real Prefect 2 in it: made once on a machine, and again when its requirements change."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from perdure.core.files import locked

REQUIREMENTS = Path(__file__).parents[2] / "requirements" / "prefect2.txt"


def prefect_python() -> Path:
    """The environment's Python; where it is not there yet, it is installed, which takes about a minute."""
    state = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "perdure-interop"
    place, python = cache / state, cache / state / "bin" / "python"
    ready = place / "ready"
    with locked(cache / f"{state}.lock"):  # others that run these tests at the same time wait
        if not ready.exists():
            shutil.rmtree(place, ignore_errors=True)  # what an interrupted installation left
            _install(place, python)
            ready.touch()
    return python


def _install(place: Path, python: Path) -> None:
    # By pip, as all else: uv takes a tenth of the time, but neither pip's settings nor the system's certificates.
    _run(sys.executable, "-m", "venv", place)
    _run(python, "-m", "pip", "install", "--quiet", "--require-hashes", "--requirement", REQUIREMENTS)


def _run(*command: str | Path) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{' '.join(map(str, command))}\n{ended.stdout}{ended.stderr}"
