"""Virtual environments for what runs beside Perdure: made on demand in the checkout's `.cache`, and kept there."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.peers import ROOT, Peer
from perdure._platform.files import locked

_CACHE = ROOT / ".cache" / "environments"


def python_of(peer: Peer) -> Path:
    """The Python of the peer's environment, which is made when it is missing or its pins have changed.

    Raises:
        subprocess.CalledProcessError: it could not be made; `stderr` says why.
    """
    python = python_with(peer.name, peer.requirements)
    if peer.source:
        _run(python, "-m", "compileall", "-q", peer.source)
    return python


def python_with(name: str, requirements: Path) -> Path:
    """The Python of an environment that has exactly the pinned requirements; processes that ask at once share one.

    Raises:
        subprocess.CalledProcessError: it could not be made; `stderr` says why.
    """
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = _CACHE / f"{name}-{digest}"
    complete = folder / "complete"
    with locked(folder.with_suffix(".lock")):
        if not complete.exists():
            print(f"Installing {name} into {folder}", file=sys.stderr, flush=True)
            try:
                _install_by_uv(folder, requirements)
            except subprocess.CalledProcessError:
                _install_by_pip(folder, requirements)
            complete.touch()
    return folder / "bin" / "python"


# Both compile what they install, so that no first start pays for it. Neither resolves anything: all is pinned.
def _install_by_uv(folder: Path, requirements: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)  # what an interrupted installation left
    uv = (sys.executable, "-m", "uv", "--quiet")
    # The system's certificates, as pip takes them; a package in several indexes is taken from the one that has the pin.
    settings = {"UV_SYSTEM_CERTS": "true", "UV_INDEX_STRATEGY": "unsafe-best-match"}
    _run(*uv, "venv", "--python", sys.executable, folder, settings=settings)
    install = ("pip", "install", "--no-deps", "--compile-bytecode", "--requirement", requirements)
    _run(*uv, *install, "--python", folder / "bin" / "python", settings=settings)


def _install_by_pip(folder: Path, requirements: Path) -> None:
    """Slower, but it has pip's settings: where these alone say what index there is, uv reaches none."""
    shutil.rmtree(folder, ignore_errors=True)
    _run(sys.executable, "-m", "venv", folder)
    pip = (folder / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check")
    _run(*pip, "install", "--no-deps", "--requirement", requirements)


def _run(*command: str | Path, settings: dict[str, str] | None = None) -> None:
    environment = {**(settings or {}), **os.environ}
    subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
