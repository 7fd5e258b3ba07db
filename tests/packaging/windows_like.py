"""Makes this process lack what Windows lacks, as far as modules and names go, and then uses Perdure in it.

The standard library and other packages are imported first: they are made for the system that is really there.
"""

import ast
import importlib
import mmap
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

MISSING_MODULES = ("fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty")
MISSING_NAMES = {
    os: (
        "O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK O_SYNC chown copy_file_range fchdir fdatasync fork forkpty getegid"
        " geteuid getgid getloadavg getpgid getuid killpg lchown mkfifo nice posix_fadvise posix_fallocate pread preadv"
        " pwrite pwritev register_at_fork sched_getaffinity sendfile setsid statvfs sync uname wait"
    ),
    signal: (
        "ITIMER_REAL SIGALRM SIGCHLD SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP SIGURG SIGUSR1 SIGUSR2 SIG_BLOCK"
        " SIG_SETMASK SIG_UNBLOCK alarm getitimer pause pthread_kill pthread_sigmask setitimer siginterrupt sigwait"
    ),
    mmap: "MAP_ANONYMOUS MAP_PRIVATE MAP_SHARED PROT_EXEC PROT_READ PROT_WRITE",
    time: "tzset clock_settime",
}


def imported_by(package: Path) -> set[str]:
    """The modules of others that a package's modules import, anywhere in their code."""
    names: set[str] = set()
    for file in package.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names.update(each.name for each in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
                names.update(f"{node.module}.{each.name}" for each in node.names)
    return {name for name in names if name.partition(".")[0] not in ("perdure", *MISSING_MODULES)}


def import_others(package: Path) -> None:
    """Import what the package may need of others, while this process lacks nothing."""
    for name in sorted(imported_by(package)):
        with suppress(ImportError):
            importlib.import_module(name)
    import uvicorn.protocols.http.h11_impl  # noqa: F401


def hide() -> None:
    """Lack what Windows lacks."""
    for name in MISSING_MODULES:
        sys.modules[name] = None  # type: ignore[assignment] # its import is an ImportError
    for module, names in MISSING_NAMES.items():
        for name in names.split():
            with suppress(AttributeError):
                delattr(module, name)
    sys.platform = "win32"  # os.name stays: pathlib makes no paths of Windows here


def import_all(package: Path) -> list[str]:
    """What goes wrong as each module of the package is imported."""
    wrong = []
    for file in sorted(package.rglob("*.py")):
        name = ".".join(file.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__")
        if name.endswith("__main__") or ".migrations." in name:
            continue
        try:
            importlib.import_module(name)
        except Exception as error:
            wrong.append(f"{name}: {type(error).__name__}: {error}")
    return wrong


def run_flows() -> None:
    """Use what most programs use."""
    import asyncio

    from perdure import flow, get_run_logger, task, transaction
    from perdure.cli import main
    from perdure.results import get_result, verify

    @task(persist_result=True, retries=1, timeout_seconds=20)
    def double(number: int) -> list[int]:
        get_run_logger().info("doubling")
        return [number * 2]

    @task(cache_key_fn=lambda: "once")
    async def later() -> bytes:
        await asyncio.sleep(0)
        return b"x" * 100_000

    @flow(persist_result=True, durable=True, timeout_seconds=60)
    def report() -> list[object]:
        with transaction("t"):
            double(1)
        return [double.submit(2).result(), double.map([3]).result(), later(), later()]

    @flow
    async def awaited() -> bytes:
        return await later()

    state = report(return_state=True)
    assert get_result(state.flow_run_id) == [[4], [[6]], b"x" * 100_000, b"x" * 100_000]
    assert asyncio.run(awaited()) == b"x" * 100_000
    assert {each.finding for each in verify()} == {"ok"}
    sys.argv = ["perdure", "flow-run", "ls"]
    with suppress(SystemExit):
        main()


if __name__ == "__main__":
    here = Path(sys.argv[1])
    import_others(here)
    hide()
    if wrong := import_all(here):
        sys.exit("\n".join(wrong))
    run_flows()
    print("fine")
