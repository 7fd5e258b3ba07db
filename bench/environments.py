"""Virtual environments for those who are measured: made on demand, outside the repository, kept."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.peers import Peer


def python_of(peer: Peer) -> Path:
    """The Python of the peer's environment, which is made when it is missing or its pins have changed.

    Raises:
        subprocess.CalledProcessError: it could not be made; `stderr` says why.
    """
    digest = hashlib.sha256(peer.requirements.read_bytes()).hexdigest()[:12]
    folder = _cache() / f"{peer.name}-{digest}-{sys.version_info.major}.{sys.version_info.minor}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        print(f"Installing {peer.name} into {folder}", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        _run(sys.executable, "-m", "venv", folder)
        # pip compiles what it installs, so that no first start pays for it.
        _run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", peer.requirements)
        (folder / "complete").touch()
    if peer.source:
        _run(python, "-m", "compileall", "-q", peer.source)
    return python


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "perdure-bench"


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
