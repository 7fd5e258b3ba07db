"""`LocalFileSystem`: a directory as a storage. Large results are mapped into memory from it."""

import errno
import mmap
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from typing import Annotated, Any, Self

from pydantic import AfterValidator

from perdure._model.errors import StorageKeyError
from perdure._platform.clock import Micros
from perdure._platform.files import TEMPORARY_PREFIX
from perdure._platform.storage_urls import directory_place
from perdure._settings import settings
from perdure._storages import local_files as files
from perdure._storages.storage import Entry, Storage, Writer, check_key

# Below, paths are text and files are descriptors: Path and file objects would add half as much again to the time
# of a small read or write.


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

    def root(self) -> str | None:
        return str(self.settled().basepath)

    def key_of(self, path: str | PurePath) -> str:
        whole = Path(path).expanduser() if str(path).startswith("~") else path
        key = super().key_of(whole)
        if PurePath(key).is_absolute():
            raise StorageKeyError(f"{str(path)!r} is outside of the base path {self.root()!r}. Give a path within it.")
        return key

    def place(self) -> str | None:
        return directory_place(self.settled().basepath or "")

    def read(self, key: str) -> bytes:
        path = self._path(key)
        try:
            descriptor = self._open(path, key)
            try:
                return files.content(descriptor)
            finally:
                os.close(descriptor)
        except files.NOTHING_THERE:
            raise files.missing(path) from None
        except OSError as error:
            raise files.refused("read", path, error) from None

    def write(self, key: str, data: bytes) -> None:
        self._move_in(key, data, synced=False)

    def replace(self, key: str, data: bytes) -> None:
        # Else the new name could reach the disk before the data.
        self._move_in(key, data, synced=True)

    def _move_in(self, key: str, data: bytes, synced: bool) -> None:
        path = self._path(key)
        temporary = f"{path[: path.rindex('/')]}/{files.temporary_name()}"
        self._write(temporary, data, path, synced)

    def create(self, key: str, data: bytes) -> None:
        # No temporary file: it and its renaming take most of the time of a small write.
        self._write(self._path(key), data, None)

    def _write(self, path: str, data: bytes, target: str | None, synced: bool = False) -> None:
        """Write a new file, and move it to its target if it has one; nothing is left if that fails."""
        try:
            descriptor = files.new_file(path)
            try:
                try:
                    files.write_all(descriptor, data)
                    if synced:
                        files.flush_file(descriptor)
                finally:
                    os.close(descriptor)
                if target is not None:
                    os.replace(path, target)  # noqa: PTH105
            except BaseException:
                with suppress(OSError):
                    os.unlink(path)  # noqa: PTH108
                raise
        except OSError as error:
            raise files.refused("write", target or path, error) from None

    @contextmanager
    def open_writer(self, key: str) -> Iterator[Writer]:
        path = self._path(key)
        with files.refusals("write", path):
            file = os.fdopen(files.new_file(path), "wb")
        try:
            yield files.FileWriter(file, path)
            with files.refusals("write", path):
                file.flush()
                files.mark(file.fileno())
                file.close()
        except BaseException:
            with suppress(OSError):
                file.close()
            with suppress(OSError):
                os.unlink(path)  # noqa: PTH108
            raise

    def read_range(self, key: str, start: int, size: int) -> bytes:
        with self._opened(key) as descriptor:
            return files.part(descriptor, start, size)

    def read_large(self, key: str, size: int) -> memoryview:  # noqa: ARG002
        with self._opened(key) as descriptor:
            if not files.size_of(descriptor):  # nothing to map
                return memoryview(bytearray())
            # Copy on write: the file stays as it is. The mapping ends with the last view of it.
            return memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY))

    @contextmanager
    def _opened(self, key: str) -> Iterator[int]:
        path = self._path(key)
        try:
            descriptor = self._open(path, key)
            try:
                yield descriptor
            finally:
                os.close(descriptor)
        except files.NOTHING_THERE:
            raise files.missing(path) from None
        except OSError as error:
            raise files.refused("read", path, error) from None

    def exists(self, key: str) -> bool:
        path = self._path(key)
        try:
            found = os.lstat(path)
            if stat.S_ISLNK(found.st_mode):
                found = os.stat(self._target(path, key))  # noqa: PTH116
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise files.refused("look at", path, error) from None
        return stat.S_ISREG(found.st_mode)

    def entry(self, key: str) -> Entry | None:
        path = self._path(key)
        try:
            found = os.stat(path)  # noqa: PTH116
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise files.refused("look at", path, error) from None
        return Entry(key, found.st_size, found.st_mtime_ns // 1_000) if stat.S_ISREG(found.st_mode) else None

    def delete(self, key: str) -> None:
        path = self._path(key)
        try:
            os.unlink(path)  # noqa: PTH108
        except OSError as error:
            # Some systems say EPERM of a directory.
            if not isinstance(error, files.NOTHING_THERE) and not os.path.isdir(path):  # noqa: PTH112
                raise files.refused("delete", path, error) from None

    def list(self, prefix: str = "") -> Iterator[str]:
        return (key for key, _ in self._found(prefix))

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        return (entry for key, found in self._found(prefix) if (entry := files.entry_of(key, found)) is not None)

    def _found(self, prefix: str) -> "Iterator[tuple[str, os.DirEntry[str]]]":
        if prefix:
            check_key(prefix.removesuffix("/"))
        folder = prefix.rpartition("/")[0]
        return (each for each in files.found_files(self._root(), folder) if each[0].startswith(prefix))

    def unfinished(self, older_than: Micros) -> Iterator[Entry]:
        for name, found in files.found_files(self._root(), "", unfinished=True):
            entry = files.entry_of(name, found)
            if entry is not None and entry.modified is not None and entry.modified < older_than:
                yield entry

    def discard(self, name: str) -> None:
        base = name.rpartition("/")[2]
        if not base.startswith(TEMPORARY_PREFIX):
            raise StorageKeyError(
                f"{name!r} is not the name of an unfinished write. Give one that `unfinished` returned."
            )
        # The path of a key in the same folder, to have that checked.
        path = self._path(f"{name.removesuffix(base)}key").removesuffix("key") + base
        with files.refusals("delete", path), suppress(FileNotFoundError):
            os.unlink(path)  # noqa: PTH108

    def fingerprint(self, key: str) -> str | None:
        return files.fingerprint(self._path(key))

    def sync(self, keys: Iterable[str]) -> None:
        files.flush(self._root(), [self._path(key) for key in keys])

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
        if not files.is_inside(target, root):
            raise StorageKeyError(
                f"The storage key {key!r} leaves the storage {self._root()}: {link} is a symbolic link to {target}."
                " Remove the link, or use that place as a storage of its own."
            )
        return target

    def _open(self, path: str, key: str) -> int:
        if not files.NOFOLLOW and os.path.islink(path):  # noqa: PTH114
            path = self._target(path, key)
        try:
            return os.open(path, files.TO_READ)
        except OSError as error:
            if error.errno == errno.ENXIO:  # a socket
                raise FileNotFoundError from None
            if error.errno not in (errno.ELOOP, errno.EMLINK):  # what systems say of a link under O_NOFOLLOW
                raise
        return os.open(self._target(path, key), files.TO_READ)
