"""A command run as a whole process: how long it took, how much memory, and what it printed."""

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

_TIME_LIMIT = 300.0  # seconds


class Ended(NamedTuple):
    """A process that has ended well."""

    seconds: float
    peak_mib: float  # of its largest process, when it has several
    printed: str


class ProcessError(Exception):
    """A process ended with an error, or did not end in time."""


def run(
    command: Sequence[str | Path], directory: Path, environment: Mapping[str, str], limit: float = _TIME_LIMIT
) -> Ended:
    """Run a command in `directory`, which is also its home.

    Raises:
        ProcessError: it ended with an error or took more than `limit` seconds; holds the end of what it printed.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        whole = {**_clean(), "HOME": str(directory), **environment}
        process = subprocess.Popen(command, cwd=directory, env=whole, stdout=output, stderr=errors)
        killer = threading.Timer(limit, process.kill)
        killer.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        printed, complaint = (_text(file) for file in (output, errors))
    if process.returncode:
        last = (complaint or printed).strip().splitlines()[-1:]
        raise ProcessError(f"exit {process.returncode} after {seconds:.0f} s: {' '.join(last)}")
    return Ended(seconds, usage.ru_maxrss / 1024, printed)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _clean() -> dict[str, str]:
    """This process's environment without what would change how Python, Perdure or a peer works."""
    unwanted = ("PYTHON", "PERDURE_", "PREFECT_", "DBOS_", "XDG_", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
