"""Small files that several processes share: changed one at a time, replaced whole, read by their owner alone."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from perdure._platform.ids import new_id

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
        yield  # closing the file releases the lock


_LOCKED_BYTE = 2**31 - 2  # of an open file, on Windows, where nobody can read what is locked: beyond any file's end


def lock_now(descriptor: int) -> None:
    """Lock an open file for this process, until it is closed.

    Raises:
        OSError: another process has it locked.
    """
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def read_at(descriptor: int, size: int, offset: int) -> bytes:
    """Up to `size` bytes of an open file from an offset on; no other thread may use the descriptor meanwhile."""
    if sys.platform == "win32":
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, size)
    return os.pread(descriptor, size, offset)


def write_at(descriptor: int, data: memoryview, offset: int) -> int:
    """Write to an open file from an offset on; how many bytes it took. As `read_at` otherwise."""
    if sys.platform == "win32":
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.write(descriptor, data)
    return os.pwrite(descriptor, data, offset)


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
