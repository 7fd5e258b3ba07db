"""Small files that several processes share: changed one at a time, replaced whole, read by their owner alone."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from perdure.core.ids import new_id

TEMPORARY_PREFIX = ".tmp-"


def make_private(folder: Path) -> None:
    """Make a directory, and those above it that are missing, for this user alone, whatever the umask.

    Raises:
        OSError: one cannot be made.
    """
    if folder.is_dir():
        return
    if folder.parent != folder:
        make_private(folder.parent)
    try:
        folder.mkdir(mode=0o700)
        folder.chmod(0o700)  # the umask may have taken away more
    except FileExistsError:  # another process was faster, or a file is there
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from None


def touch_private(path: Path) -> None:
    """Make an empty file for this user alone, unless there is a file.

    Raises:
        OSError: it cannot be made.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        path.chmod(0o600)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock that a file stands for; other processes and threads wait. Its directory is made if need be."""
    make_private(path.parent)
    touch_private(path)
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


def working_directory() -> str | None:
    """Where the process is; None if that was deleted."""
    try:
        return os.getcwd()  # noqa: PTH109 - half the time
    except OSError:
        return None
