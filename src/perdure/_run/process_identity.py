"""Processes that run flows: who this one is, and what the system knows of another one."""

import functools
import os
import sys
import time
from pathlib import Path
from typing import Any

from perdure._model.records import ProcessRecord
from perdure._platform.clock import system_clock
from perdure._platform.ids import new_id

_PROC = Path("/proc")


def this_process() -> ProcessRecord:
    """A record of this process, from now on."""
    now = system_clock()
    return ProcessRecord(new_id(), _place(), os.getpid(), _began("self"), now, now)


def is_running(process: ProcessRecord) -> bool | None:
    """Whether a process still runs, as this machine's system knows; None where the system cannot know.

    It can of processes of the same start of the same kernel, whose numbers mean the same here: neither a host name nor
    a number alone says so. Of all others, only their heartbeats tell.
    """
    if not is_here(process):
        return None
    return _exists(process.pid) and _began(process.pid) == process.began


def is_here(process: ProcessRecord) -> bool:
    """Whether a process has, or had, its number from this very system: only then may a signal be sent to it."""
    _, boot, namespace = _parts(process.host)
    return namespace != "" and (boot, namespace) == _parts(_place())[1:]


def machine_of(process: ProcessRecord) -> str:
    """The name of a process's machine, for people."""
    return _parts(process.host)[0] or "this machine"


def _parts(host: str) -> tuple[str, str, str]:
    """Of what a process says of its place: the host name, the start of the kernel, the namespace of its number.

    What earlier versions wrote has no namespace.
    """
    name, _, rest = host.partition("/")
    boot, _, namespace = rest.partition("/")
    return name, boot, namespace


def _place() -> str:
    """The host name, which kernel since which start, and in which namespace processes have their numbers."""
    return f"{_node()}/{_boot()}/{_namespace(os.getpid())}"


def _node() -> str:
    if hasattr(os, "uname"):
        return os.uname().nodename
    import platform  # which says the same, and takes longer to import than all of this

    return platform.node()


@functools.cache
def _boot() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:  # not on Linux: to a minute, since the clock may be set; the machine's name tells it from others
        return f"{_node()} {round((time.time() - time.monotonic()) / 60)}"


@functools.cache
def _namespace(pid: int) -> str:
    """Where processes have the numbers, and times of their beginnings, that this one sees; empty if that is not known.

    A /proc that was mounted in another namespace of processes names others by our numbers.
    """
    if sys.platform != "linux":
        return "-"  # there are none
    try:
        if str((_PROC / "self").readlink()) != str(pid):
            return ""
        return "".join(str((_PROC / "self/ns" / kind).readlink()) for kind in ("pid", "time"))
    except OSError:
        return ""


def _exists(pid: int) -> bool:
    if sys.platform == "win32":
        return _exists_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return not _is_zombie(pid)


def _exists_on_windows(pid: int) -> bool:
    """The same by a handle: there `os.kill(pid, 0)` is Ctrl-C for a whole group of processes."""
    import ctypes

    synchronize, refused, still_runs = 0x00100000, 5, 0x102
    kernel: Any = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined, unused-ignore]
    kernel.OpenProcess.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(kernel.OpenProcess(synchronize, False, pid))
    if not handle:
        return int(ctypes.get_last_error()) == refused  # type: ignore[attr-defined, unused-ignore] # another user's
    try:
        return int(kernel.WaitForSingleObject(handle, 0)) == still_runs
    finally:
        kernel.CloseHandle(handle)


def _stat(pid: int | str) -> list[str]:
    """What Linux says of a process after its name, which may hold anything; nothing elsewhere."""
    try:
        return (_PROC / f"{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _is_zombie(pid: int) -> bool:
    return _stat(pid)[:1] == ["Z"]


def _began(pid: int | str) -> str | None:
    """When a process began, in the system's ticks: another one may have its number by now."""
    fields = _stat(pid)
    return fields[19] if len(fields) > 19 else None
