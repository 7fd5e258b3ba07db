"""Processes that run flows: who this one is, and whether another one is still there."""

import os
import platform
import time
from pathlib import Path

from perdure.core.clock import Micros, system_clock
from perdure.core.ids import new_id
from perdure.core.records import ProcessRecord

BEAT_SECONDS = 5.0  # between two signs of life
LEASE_SECONDS = 30.0  # without one: then a process on another machine counts as gone


def this_process() -> ProcessRecord:
    """A record of this process, from now on."""
    now = system_clock()
    return ProcessRecord(new_id(), _host(), os.getpid(), _began(os.getpid()), now, now)


def is_alive(process: ProcessRecord, now: Micros) -> bool:
    """Whether a process still runs: on this machine the system knows, of others their last sign of life tells."""
    if process.host == _host():
        return _exists(process.pid) and _began(process.pid) == process.began
    return now - process.beat < LEASE_SECONDS * 1_000_000


def is_here(process: ProcessRecord) -> bool:
    """Whether a process is, or was, on this machine."""
    return process.host == _host()


def _host() -> str:
    """This machine since it was last started: after a restart, no process of before is there."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:  # not on Linux: to a minute, since the clock may be set
        boot = str(round((time.time() - time.monotonic()) / 60))
    return f"{platform.node()}/{boot}"


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return not _is_zombie(pid)


def _stat(pid: int) -> list[str]:
    """What Linux says of a process after its name, which may hold anything; nothing elsewhere."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _is_zombie(pid: int) -> bool:
    return _stat(pid)[:1] == ["Z"]


def _began(pid: int) -> str | None:
    """When a process began, in the system's ticks: another one may have its number by now."""
    fields = _stat(pid)
    return fields[19] if len(fields) > 19 else None
