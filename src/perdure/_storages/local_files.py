"""What `LocalFileSystem` asks of the system: descriptors and paths, and what its errors mean."""

import errno
import io
import os
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from perdure._model.errors import ObjectMissing, StorageError
from perdure._platform.files import TEMPORARY_PREFIX, make_private
from perdure._platform.ids import new_id
from perdure._settings import settings
from perdure._storages.storage import Entry

# Not on Windows: there, links are looked for before opening instead.
NOFOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
_COMMON = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_AT_ONCE = getattr(os, "O_NONBLOCK", 0)  # what is no file must not block: a named pipe would be waited for
TO_READ = os.O_RDONLY | NOFOLLOW | _COMMON | _AT_ONCE
# Windows flushes what may be written to, and no folders.
_TO_FLUSH = (os.O_RDWR if os.name == "nt" else os.O_RDONLY) | _COMMON | _AT_ONCE
_TO_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _COMMON
NOTHING_THERE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)

_MANY = 16  # files: more are flushed with all that their file system holds back

# Within this time of a change, another one may get the same time from the system's clock.
_AHEAD = 10_000_000  # nanoseconds
_TICK = 1_000_000_000  # nanoseconds: more than any file system with times finer than a second
_MARKS = os.utime in os.supports_fd  # not on Windows, which does not keep the time of a change of times either

_REMEDIES = {
    errno.ENOSPC: ("the disk is full", "Free some space there, or choose another storage"),
    errno.EDQUOT: ("the disk quota is used up", "Free some space there, or choose another storage"),
    errno.EFBIG: ("File too large, for its file system or `ulimit -f`", "Raise the limit, or choose another storage"),
    errno.EIO: ("the disk does not read or write", "Look at its health, or choose another storage"),
    errno.ENOENT: ("its directory cannot be made", "Make the directory, or choose another storage"),
    errno.EACCES: ("permission is denied", "Give this user access to it, or choose another storage"),
    errno.EPERM: ("the operation is not permitted", "Give this user access to it, or choose another storage"),
    errno.EROFS: ("the file system is read-only", "Mount it writable, or choose another storage"),
    errno.ENOTDIR: ("a file stands where a directory is needed", "Move that file, or choose another key or storage"),
    errno.EEXIST: ("something is kept there already", "Choose another key"),
    errno.EISDIR: ("a directory stands there", "Choose another key"),
    errno.ENAMETOOLONG: ("a name in the path is too long", "Shorten the key"),
}


@contextmanager
def refusals(action: str, path: str) -> Iterator[None]:
    """Raise what the system refuses in the `with` block as an error of ours."""
    try:
        yield
    except OSError as error:
        raise refused(action, path, error) from None


def refused(action: str, path: str, error: OSError) -> StorageError:
    """The error of ours for one of the system's."""
    number = error.errno or 0
    if number == errno.EEXIST and path.startswith(f"{error.filename}/"):
        number = errno.ENOTDIR  # it is one of the directories of the path that exists, as a file
    reason, remedy = _REMEDIES.get(number, (error.strerror or str(error), "Mend that, or choose another storage"))
    return StorageError(
        f"Cannot {action} {path}: {reason}. {remedy}; PERDURE_LOCAL_STORAGE_PATH names the default one."
    )


def missing(path: str) -> ObjectMissing:
    """The error for what is not there."""
    return ObjectMissing(f"Nothing is stored at {path}. It was deleted or moved, or never written.")


def size_of(descriptor: int) -> int:
    """How many bytes a file holds. Raises IsADirectoryError if it is a directory, a pipe, a device."""
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise IsADirectoryError
    return found.st_size


def is_inside(path: str, root: str) -> bool:
    """Whether a path is the root's or below it; both are absolute and without links."""
    try:
        return os.path.commonpath((root, path)) == root
    except ValueError:  # on Windows, of another drive
        return False


def content(descriptor: int) -> bytes:
    """All that a file holds."""
    size = size_of(descriptor)
    data = os.read(descriptor, size + 1)
    if len(data) == size:
        return data
    # The system reads at most 2 GiB at a time, and a file that others write in place may grow.
    with io.FileIO(descriptor, closefd=False) as rest:
        return data + rest.readall()


def part(descriptor: int, start: int, size: int) -> bytes:
    """At most `size` bytes of a file, from the byte `start` on."""
    size_of(descriptor)
    os.lseek(descriptor, start, os.SEEK_SET)
    data = os.read(descriptor, size)
    while len(data) < size and (more := os.read(descriptor, size - len(data))):
        data += more
    return data


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of the data, however little the system takes at a time."""
    written = os.write(descriptor, data)
    if written < len(data):  # large data, or a disk that is almost full: then the next write says so
        rest = memoryview(data)
        while written < len(data):
            written += os.write(descriptor, rest[written:])


class FileWriter:
    """A new file that is written piece by piece."""

    def __init__(self, file: BinaryIO, path: str) -> None:
        self._file = file
        self._path = path

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        with refusals("write", self._path):
            return self._file.write(data)


# Nobody else has it: one process makes it, and one thread of it writes one file at a time. The same name
# again and again keeps a directory's index as it is, which makes renaming twice as fast on ext4.
_process = new_id()


def _renew_after_fork() -> None:
    global _process
    _process = new_id()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_renew_after_fork)


def temporary_name() -> str:
    """A name for a file that is to be renamed."""
    return f"{TEMPORARY_PREFIX}{_process}-{threading.get_ident()}"


def new_file(path: str) -> int:
    """The descriptor of a new file, whose directory is made if need be."""
    try:
        return os.open(path, _TO_WRITE, 0o666)
    except FileNotFoundError:
        _make_folder(path[: path.rindex("/")])
    except FileExistsError:
        if not path[path.rindex("/") + 1 :].startswith(TEMPORARY_PREFIX):
            raise
        os.unlink(path)  # noqa: PTH108  # this thread was interrupted just as it had made it
    return os.open(path, _TO_WRITE, 0o666)


def _make_folder(path: str) -> None:
    """Make a directory and those above it; the home, if that is among them, for its user alone."""
    home = settings.current().home
    if not home.is_dir() and home in Path(path).parents:
        make_private(home)
    os.makedirs(path, exist_ok=True)  # noqa: PTH103


def found_files(root: str, folder: str, unfinished: bool = False) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    """The files in a folder of the root and below it, by relative path; links to directories are not followed.

    With `unfinished`, only those that were never renamed; else all others. In no order, and one at a time: a
    folder may have a million files.
    """
    below = []
    try:
        with os.scandir(f"{root}/{folder}") as entries:
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    below.append(path)
                elif entry.name.startswith(TEMPORARY_PREFIX) == unfinished and entry.is_file():
                    yield path, entry
    except NOTHING_THERE:
        return
    except OSError as error:
        raise refused("list", f"{root}/{folder}", error) from None
    for path in below:
        yield from found_files(root, path, unfinished)


def entry_of(path: str, found: "os.DirEntry[str]") -> Entry | None:
    """The size and times of a file; None if it has gone."""
    try:
        known = found.stat()
    except OSError:
        return None
    return Entry(path, known.st_size, known.st_mtime_ns // 1_000)


def mark(descriptor: int) -> None:
    """Give a complete file a time just ahead of the clock, which no later change gives it: for `fingerprint`."""
    if _MARKS:
        ahead = time.time_ns() + _AHEAD
        os.utime(descriptor, ns=(ahead, ahead))


def fingerprint(path: str) -> str | None:
    """Text that changes with the file; None if it could be changed now without that, or is not there."""
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    if not _MARKS:
        return None
    is_marked = found.st_mtime_ns > found.st_ctime_ns
    if not is_marked and abs(time.time_ns() - found.st_ctime_ns) < _TICK:
        return None
    return f"{found.st_ino}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}"


def flush(root: str, paths: list[str]) -> None:
    """Return when files of the root, and their names, are on the disk; files that are gone are passed over."""
    folders = {folder for path in paths for folder in _folders(root, path)}
    if len(paths) > _MANY and (flush_all := _flush_of_file_system()) is not None:
        with refusals("flush", root):
            devices = {os.stat(folder).st_dev: folder for folder in folders if os.path.isdir(folder)}  # noqa: PTH112, PTH116
        for folder in devices.values():
            _flush(folder, flush_all)
        return
    for path in paths:
        _flush(path, flush_file)
    for folder in sorted(folders, reverse=True):
        _flush(folder, flush_file)


def _folders(root: str, path: str) -> Iterator[str]:
    """The folder of a file, and those above it as far as the root's own: each name is kept in the one above."""
    above = os.path.dirname(root)  # noqa: PTH120
    while len(path) > len(above) and (path := path.rpartition("/")[0]):
        yield path


def _flush(path: str, flush: Callable[[int], None]) -> None:
    with refusals("flush", path):
        try:
            descriptor = os.open(path, _TO_FLUSH)
        except NOTHING_THERE:
            return
        except PermissionError:  # of the folder above the root, say: it may be used, but not opened
            return
        try:
            flush(descriptor)
        finally:
            os.close(descriptor)


def flush_file(descriptor: int) -> None:
    """Return when what the file holds is on the disk."""
    if sys.platform == "darwin":  # where fsync leaves data in the disk's own memory
        import fcntl

        try:
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        except OSError:  # not every file system has it
            os.fsync(descriptor)
    else:
        os.fsync(descriptor)


@lru_cache(maxsize=1)
def _flush_of_file_system() -> Callable[[int], None] | None:
    """For many files: 1,000 small ones on ext4 take 160 ms one by one, and 11 ms together."""
    import ctypes

    try:
        syncfs = ctypes.CDLL(None, use_errno=True).syncfs
    except (AttributeError, OSError, TypeError):
        return None  # not on Linux

    def flush_all(descriptor: int) -> None:
        if syncfs(descriptor):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    return flush_all
