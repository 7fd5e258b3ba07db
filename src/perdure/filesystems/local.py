"""`LocalFileSystem`: a directory as a storage."""

import errno
import io
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator

from perdure import settings
from perdure.core.errors import ObjectMissing, StorageError, StorageKeyError
from perdure.core.files import TEMPORARY_PREFIX
from perdure.core.ids import new_id
from perdure.filesystems.storage import Storage, check_key

# Below, paths are text and files are descriptors: Path and file objects would add half as much again to the time
# of a small read or write.

# Not on Windows: there, links are looked for before opening instead.
_NOFOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
_COMMON = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_TO_READ = os.O_RDONLY | _NOFOLLOW | _COMMON
_TO_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _COMMON
_NOTHING_THERE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)

_MENDS = {
    errno.ENOSPC: ("the disk is full", "Free some space there, or choose another storage"),
    errno.EDQUOT: ("the disk quota is used up", "Free some space there, or choose another storage"),
    errno.EFBIG: ("File too large, for its file system or `ulimit -f`", "Raise the limit, or choose another storage"),
    errno.EIO: ("the disk does not read or write", "Look at its health, or choose another storage"),
    errno.ENOENT: ("its directory cannot be made", "Make the directory, or choose another storage"),
    errno.EACCES: ("permission is denied", "Give this user access to it, or choose another storage"),
    errno.EPERM: ("the operation is not permitted", "Give this user access to it, or choose another storage"),
    errno.EROFS: ("the file system is read-only", "Mount it writable, or choose another storage"),
    errno.ENOTDIR: ("a file stands where a directory is needed", "Move that file, or choose another key or storage"),
    errno.EEXIST: ("a file stands where a directory is needed", "Move that file, or choose another key or storage"),
    errno.EISDIR: ("a directory stands there", "Choose another key"),
    errno.ENAMETOOLONG: ("a name in the path is too long", "Shorten the key"),
}


def _absolute(path: Path | None) -> Path | None:
    # At once, so that a later change of directory does not move the storage.
    return None if path is None else path.expanduser().absolute()


class LocalFileSystem(Storage):
    """The files under a directory, by relative path; the directory is made when first written to.

    Without `basepath`, it is the setting `local_storage_path` at the time of use.
    """

    basepath: Annotated[Path | None, AfterValidator(_absolute)] = None

    def __init__(self, basepath: str | Path | None = None, **fields: Any) -> None:
        super().__init__(**{"basepath": basepath, **fields})

    def settled(self) -> Self:
        if self.basepath is not None:
            return self
        return self.model_copy(update={"basepath": settings.current().local_storage_path})

    def read(self, key: str) -> bytes:
        path = self._path(key)
        try:
            descriptor = self._open(path, key)
            try:
                return _content(descriptor)
            finally:
                os.close(descriptor)
        except _NOTHING_THERE:
            raise ObjectMissing(f"Nothing is stored at {path}. It was deleted or moved, or never written.") from None
        except OSError as error:
            raise _refused("read", path, error) from None

    def write(self, key: str, data: bytes) -> None:
        path = self._path(key)
        temporary = f"{path[: path.rindex('/')]}/{_temporary_name()}"
        self._write(temporary, data, path)

    def create(self, key: str, data: bytes) -> None:
        # No temporary file: it and its renaming take most of the time of a small write.
        self._write(self._path(key), data, None)

    def _write(self, path: str, data: bytes, target: str | None) -> None:
        """Write a new file, and move it to its target if it has one; nothing is left if that fails."""
        try:
            descriptor = _new_file(path)
            try:
                try:
                    _write_all(descriptor, data)
                finally:
                    os.close(descriptor)
                if target is not None:
                    os.replace(path, target)  # noqa: PTH105
            except BaseException:
                with suppress(OSError):
                    os.unlink(path)  # noqa: PTH108
                raise
        except OSError as error:
            raise _refused("write", target or path, error) from None

    def exists(self, key: str) -> bool:
        path = self._path(key)
        try:
            found = os.lstat(path)
            if stat.S_ISLNK(found.st_mode):
                found = os.stat(self._target(path, key))  # noqa: PTH116
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise _refused("look at", path, error) from None
        return stat.S_ISREG(found.st_mode)

    def delete(self, key: str) -> None:
        path = self._path(key)
        try:
            os.unlink(path)  # noqa: PTH108
        except OSError as error:
            # Some systems say EPERM of a directory.
            if not isinstance(error, _NOTHING_THERE) and not Path(path).is_dir():
                raise _refused("delete", path, error) from None

    def list(self, prefix: str = "") -> Iterator[str]:
        if prefix:
            check_key(prefix.removesuffix("/"))
        folder = prefix.rpartition("/")[0]
        root = self._root()
        yield from (key for key in _files(root, folder) if key.startswith(prefix))

    def describe(self, key: str) -> str:
        return self._path(key)

    def _root(self) -> str:
        return str(self.basepath or settings.current().local_storage_path)

    def _path(self, key: str) -> str:
        check_key(key)
        path = f"{self._root()}/{key}"
        if "/" in key:
            self._check_folders(path, key)
        return path

    def _check_folders(self, path: str, key: str) -> None:
        """Refuse a key that leaves the storage by a directory which is a symbolic link."""
        end = len(path) - len(key)
        while (end := path.find("/", end)) > 0:
            folder = path[:end]
            try:
                is_link = stat.S_ISLNK(os.lstat(folder).st_mode)
            except OSError:
                return  # nothing there, or not to be entered: using the path will tell
            if is_link:
                self._target(folder, key)
            end += 1

    def _target(self, link: str, key: str) -> str:
        """Where a symbolic link leads, if that is inside the storage."""
        root, target = os.path.realpath(self._root()), os.path.realpath(link)
        if os.path.commonpath((root, target)) != root:
            raise StorageKeyError(
                f"The storage key {key!r} leaves the storage {self._root()}: {link} is a symbolic link to {target}."
                " Remove the link, or use that place as a storage of its own."
            )
        return target

    def _open(self, path: str, key: str) -> int:
        if not _NOFOLLOW and os.path.islink(path):  # noqa: PTH114
            path = self._target(path, key)
        try:
            return os.open(path, _TO_READ)
        except OSError as error:
            if error.errno not in (errno.ELOOP, errno.EMLINK):  # what systems say of a link under O_NOFOLLOW
                raise
        return os.open(self._target(path, key), _TO_READ)


def _content(descriptor: int) -> bytes:
    size = os.fstat(descriptor).st_size
    data = os.read(descriptor, size + 1)
    if len(data) == size:
        return data
    # The system reads at most 2 GiB at a time, and a file that others write in place may grow.
    with io.FileIO(descriptor, closefd=False) as rest:
        return data + rest.readall()


def _write_all(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    if written < len(data):  # large data, or a disk that is almost full: then the next write says so
        rest = memoryview(data)
        while written < len(data):
            written += os.write(descriptor, rest[written:])


# Nobody else has it: one process makes it, and one thread of it writes one file at a time. The same name
# again and again keeps a directory's index as it is, which makes renaming twice as fast on ext4.
_process = new_id()


def _renew_after_fork() -> None:
    global _process
    _process = new_id()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_renew_after_fork)


def _temporary_name() -> str:
    return f"{TEMPORARY_PREFIX}{_process}-{threading.get_ident()}"


def _new_file(path: str) -> int:
    """The descriptor of a new file, whose directory is made if need be."""
    try:
        return os.open(path, _TO_WRITE, 0o666)
    except FileNotFoundError:
        os.makedirs(path[: path.rindex("/")], exist_ok=True)  # noqa: PTH103
        return os.open(path, _TO_WRITE, 0o666)


def _files(root: str, folder: str) -> Iterator[str]:
    """The relative paths of the files in a folder of the root, and below it; links to directories are not followed."""
    try:
        entries = sorted(os.scandir(f"{root}/{folder}"), key=lambda entry: entry.name)
    except _NOTHING_THERE:
        return
    except OSError as error:
        raise _refused("list", f"{root}/{folder}", error) from None
    for entry in entries:
        path = f"{folder}/{entry.name}" if folder else entry.name
        if entry.name.startswith(TEMPORARY_PREFIX):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files(root, path)
        elif entry.is_file():
            yield path


def _refused(action: str, path: str, error: OSError) -> StorageError:
    reason, mend = _MENDS.get(error.errno or 0, (error.strerror or str(error), "Mend that, or choose another storage"))
    return StorageError(f"Cannot {action} {path}: {reason}. {mend}; PERDURE_LOCAL_STORAGE_PATH names the default one.")
