"""Small files that several processes share: changed one at a time, replaced whole, read by their owner alone."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from perdure.core.ids import new_id

TEMPORARY_PREFIX = ".tmp-"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock that a file stands for; other processes and threads wait. Its directory is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield  # closing the file lets go of the lock


def replace_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read; others see the whole old text or the whole new one."""
    temporary = path.with_name(TEMPORARY_PREFIX + new_id())
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
