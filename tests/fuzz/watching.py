"""What one case did: how long it took, how much memory it touched, and whether it ran anything."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from perdure.errors import PerdureError

MOST_SECONDS = 2.0
MOST_MEMORY = 256 * 1024 * 1024  # bytes beyond what the process had
_RUNS = (
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "subprocess.Popen",
    "pty.spawn",
    "webbrowser.",
)
_DANGER = ("os.remove", "os.rename", "shutil.rmtree", "shutil.copyfile", "ctypes.dlopen", "code.__new__")
_ran: list[str] = []
_is_watched = False


class Case(NamedTuple):
    """Something to do, and whether what it gives is right; an error of Perdure's always is."""

    act: Callable[[], Any]
    is_right: Callable[[Any], bool]


class Seen(NamedTuple):
    """What a case did."""

    outcome: str  # "loaded", "refused" or what was wrong
    seconds: float
    memory: int  # bytes

    @property
    def is_wrong(self) -> bool:
        return self.outcome not in ("loaded", "refused")


def _hear(event: str, args: tuple[Any, ...]) -> None:
    if not _is_watched:
        return
    if event.startswith((*_RUNS, *_DANGER)) or (event == "import" and str(args[0]).startswith("evil")):
        _ran.append(f"{event} {args!r:.100}")


sys.addaudithook(_hear)


def watched(case: Case) -> Seen:
    """Do a case; one that took long or much is done twice: the machine, or another thread, may have been busy."""
    seen = _watched(case)
    if seen.seconds > MOST_SECONDS or seen.memory > MOST_MEMORY:
        again = _watched(case)
        seen = seen._replace(seconds=min(seen.seconds, again.seconds), memory=min(seen.memory, again.memory))
    if seen.seconds > MOST_SECONDS:
        return seen._replace(outcome=f"took {seen.seconds:.1f} s")
    if seen.memory > MOST_MEMORY:
        return seen._replace(outcome=f"took {seen.memory / 1024**2:.0f} MiB")
    return seen


def _watched(case: Case) -> Seen:
    global _is_watched
    _ran.clear()
    before = _peak(forget=True)
    began = time.perf_counter()
    _is_watched = True
    try:
        value = case.act()
        outcome = "loaded" if case.is_right(value) else f"returned wrong: {value!r:.200}"
    except PerdureError:
        outcome = "refused"
    except Exception as error:
        outcome = f"raised {type(error).__name__}: {error!s:.200}"
    finally:
        _is_watched = False
    took = time.perf_counter() - began
    if _ran:
        outcome = f"executed: {_ran[0]}"
    return Seen(outcome, took, _peak() - before)


def _peak(forget: bool = False) -> int:
    """The most memory that this process has had, in bytes, since that was forgotten."""
    if not Path("/proc/self/clear_refs").exists():
        return 0
    if forget:
        Path("/proc/self/clear_refs").write_text("5")
    line = next(each for each in Path("/proc/self/status").read_text().splitlines() if each.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
