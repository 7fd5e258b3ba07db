"""`RemoteFileSystem`: whatever fsspec reaches."""

import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from perdure._model.errors import ObjectMissing, PerdureError, StorageError, StorageKeyError
from perdure._platform.clock import Micros
from perdure._platform.files import TEMPORARY_PREFIX
from perdure._platform.ids import new_id
from perdure._platform.memory import room_for
from perdure._platform.named import NamedTuple
from perdure._platform.storage_urls import directory_place, plain_place
from perdure._storages.storage import Entry, Storage, Writer, check_key

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

# What is written there appears whole. Elsewhere it is written under another name, and renamed.
_WHOLE = {"abfs", "abfss", "adl", "az", "gcs", "gs", "memory", "oci", "oss", "r2", "s3", "s3a", "tos"}
# The last one is what some say who are asked to read what would lie below a file.
_NOTHING_THERE = (FileNotFoundError, IsADirectoryError, NotADirectoryError, FileExistsError)
_TIMES = ("mtime", "modified", "LastModified", "last_modified", "updated", "created")
_LOCAL = ("file://", "local://")
_CREDENTIALS = {"username", "user", "password", "key", "secret", "account_key", "sas_token", "anon"}
# File systems over other ones, and the settings that name those or a place of this machine to keep copies in.
_INDIRECT = {
    *(
        "reference",
        "simplecache",
        "filecache",
        "blockcache",
        "cached",
        "dir",
        "zip",
        "tar",
        "libarchive",
        "async_wrapper",
    ),
    *("generic", "data", "git", "github", "gist", "jupyter", "jlab", "dask", "sqlite", "asynclocal"),
}
_NAMING = {"fo", "fs", "target_protocol", "target_options", "remote_protocol", "remote_options", "cache_storage"}
_PIECE = 8 * 1024 * 1024  # bytes
_SECRET = 4  # characters: what is shorter, and would be found in any text, is no secret


def _checked_url(url: str) -> str:
    if "://" not in url:
        raise ValueError("it is not a URL, such as 'sftp://host/folder'. A folder of this machine is a LocalFileSystem")
    if urlsplit(url).password is not None:
        raise ValueError("it has a password in it, which would be shown. Give it as settings={'password': ...}")
    return url.rstrip("/") if not url.endswith("://") else url


def _veiled(value: object) -> object:
    """The same with all text as secrets, since nobody knows which settings of which file system are."""
    if isinstance(value, dict):
        return {key: _veiled(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_veiled(each) for each in value]
    return SecretStr(value) if isinstance(value, str) else value


def _unveiled(value: object) -> Any:
    if isinstance(value, dict):
        return {key: _unveiled(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_unveiled(each) for each in value]
    return value.get_secret_value() if isinstance(value, SecretStr) else value


class _Draft(NamedTuple):
    """A file that is being written."""

    fs: "AbstractFileSystem"
    path: str
    target: str  # another path, if it is to be renamed

    def keep(self) -> None:
        if self.path == self.target:
            return
        try:
            self.fs.mv(self.path, self.target)
        except FileExistsError:  # not every file system replaces one by renaming another
            self.fs.rm_file(self.target)
            self.fs.mv(self.path, self.target)

    def drop(self) -> None:
        with suppress(Exception):
            self.fs.rm_file(self.path)


class _Guarded:
    """A file whose errors are raised as the storage's."""

    def __init__(self, file: Any, refusals: Callable[[], AbstractContextManager[None]]) -> None:
        self._file = file
        self._refusals = refusals

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        with self._refusals():
            self._file.write(data)
        return memoryview(data).nbytes


def _abandon(file: Any) -> None:
    """Close a file without having what it still holds back written."""
    with suppress(Exception):
        file.discard()
        file.closed = True  # else it would be written when it is collected
    with suppress(Exception):
        file.close()


class RemoteFileSystem(Storage):
    """A folder of any file system that fsspec knows, by its URL.

    `settings` are what that file system is made with, such as a user's name and password; text among them is secret.
    It needs the package fsspec, and often another one for the protocol.
    """

    basepath: Annotated[str, AfterValidator(_checked_url)]
    settings: Annotated[dict[str, Any], AfterValidator(_veiled)] = Field(default_factory=dict)

    def root(self) -> str | None:
        return self.basepath.rstrip("/")

    def place(self) -> str | None:
        if self.is_indirect() or not self.settings.keys() <= _CREDENTIALS:
            return None
        if not all(isinstance(each, SecretStr | bool) for each in self.settings.values()):
            return None
        if self.basepath.startswith(_LOCAL):
            return directory_place(self.basepath.partition("://")[2])
        return plain_place(self.basepath)

    def is_indirect(self) -> bool:
        protocol = self.basepath.partition("://")[0].lower()
        return "::" in self.basepath or protocol in _INDIRECT or _names_others(self.settings)

    def read(self, key: str) -> bytes:
        with self._refusals("read", key):
            fs, path = self._at(key)
            return bytes(fs.cat_file(path))

    def write(self, key: str, data: bytes) -> None:
        with self._refusals("write", key):
            draft = self._draft(key)
            try:
                draft.fs.pipe_file(draft.path, data)
                draft.keep()
            except BaseException:
                if draft.path != draft.target:
                    draft.drop()
                raise

    @contextmanager
    def open_writer(self, key: str) -> Iterator[Writer]:
        with self._refusals("write", key):
            draft = self._draft(key)
            file = draft.fs.open(draft.path, "wb")
        try:
            yield _Guarded(file, lambda: self._refusals("write", key))
            with self._refusals("write", key):
                file.close()
                draft.keep()
        except BaseException:
            _abandon(file)
            draft.drop()
            raise

    def _draft(self, key: str) -> "_Draft":
        fs, target = self._at(key)
        if keeps_whole(self):
            return _Draft(fs, target, target)
        folder = target.rpartition("/")[0]
        fs.makedirs(folder, exist_ok=True)
        return _Draft(fs, f"{folder}/{TEMPORARY_PREFIX}{new_id()}", target)

    def read_range(self, key: str, start: int, size: int) -> bytes:
        with self._refusals("read", key):
            fs, path = self._at(key)
            if size > 0:
                return bytes(fs.cat_file(path, start, start + size))
            if fs.info(path)["type"] != "file":
                raise IsADirectoryError
            return b""

    def read_large(self, key: str, size: int) -> memoryview:
        at = 0
        with self._refusals("read", key):
            fs, path = self._at(key)
            with fs.open(path, "rb") as file:
                # The size comes from a document, which may ask for more memory than there is.
                size = min(size, _size(file) or 0)
                whole = room_for(size)
                while count := file.readinto(whole[at : at + _PIECE]):
                    at += count
                rest = file.read()
        return memoryview(bytearray(bytes(whole) + rest)) if rest else whole[:at]

    def exists(self, key: str) -> bool:
        return self.entry(key) is not None

    def entry(self, key: str) -> Entry | None:
        with suppress(ObjectMissing), self._refusals("look at", key):
            fs, path = self._at(key)
            fs.invalidate_cache()
            info = fs.info(path)
            if info["type"] == "file":
                return Entry(key, info.get("size"), _modified(info))
        return None

    def delete(self, key: str) -> None:
        with suppress(ObjectMissing), self._refusals("delete", key):
            fs, path = self._at(key)
            try:
                fs.rm_file(path)
            except Exception:
                if not fs.isdir(path):
                    raise

    def list(self, prefix: str = "") -> Iterator[str]:
        return (entry.key for entry in self.entries(prefix))

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        if prefix:
            check_key(prefix.removesuffix("/"))
        folder = prefix.rpartition("/")[0]
        return (each for each in self._found(folder, unfinished=False) if each.key.startswith(prefix))

    def unfinished(self, older_than: Micros) -> Iterator[Entry]:
        for entry in self._found("", unfinished=True):
            if entry.modified is not None and entry.modified < older_than:
                yield entry

    def discard(self, name: str) -> None:
        if not name.rpartition("/")[2].startswith(TEMPORARY_PREFIX):
            raise StorageKeyError(
                f"{name!r} is not the name of an unfinished write. Give one that `unfinished` returned."
            )
        with suppress(ObjectMissing), self._translated("delete", name):
            fs, root = self._root()
            fs.rm_file(f"{root}/{name}")

    def describe(self, key: str) -> str:
        check_key(key)
        return self._place(key)

    def _found(self, folder: str, unfinished: bool) -> Iterator[Entry]:
        with self._translated("list", folder):
            fs, root = self._root()
            fs.invalidate_cache()
            for _, _, files in fs.walk(f"{root}/{folder}".rstrip("/") or "/", detail=True):
                for info in files.values():
                    key = info["name"].removeprefix(root).lstrip("/")
                    if key.rpartition("/")[2].startswith(TEMPORARY_PREFIX) == unfinished:
                        yield Entry(key, info.get("size"), _modified(info))

    def _at(self, key: str) -> "tuple[AbstractFileSystem, str]":
        fs, root = self._root()
        return fs, f"{root}/{key}"

    @property
    def filesystem(self) -> "AbstractFileSystem":
        """The file system of fsspec, for what storages have no method for."""
        return self._root()[0]

    def _root(self) -> "tuple[AbstractFileSystem, str]":
        """The file system, which fsspec keeps for each process, and the path of the folder."""
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            raise StorageError(
                f"{self.basepath} takes the package fsspec, which is not installed."
                " Run `pip install 'perdure[fsspec]'`."
            ) from None
        fs, root = url_to_fs(self.basepath, **_unveiled(self.settings))
        return fs, root.rstrip("/")

    def _refusals(self, action: str, key: str) -> AbstractContextManager[None]:
        check_key(key)
        return self._translated(action, key)

    @contextmanager
    def _translated(self, action: str, key: str) -> Iterator[None]:
        try:
            yield
        except PerdureError:
            raise
        except Exception as error:
            if action != "write" and isinstance(error, _NOTHING_THERE):
                place = self._place(key)
                raise ObjectMissing(
                    f"Nothing is stored at {place}. It was deleted or moved, or never written."
                ) from None
            raise self._refused(action, key, error) from None

    def _refused(self, action: str, key: str, error: Exception) -> StorageError:
        if isinstance(error, ImportError):
            reason, remedy = str(error), "Install it"
        elif isinstance(error, PermissionError):
            reason, remedy = "permission is denied", "Correct the settings, or grant this user the right to it"
        else:
            reason, remedy = f"{type(error).__name__}: {error}", "Mend that, or correct basepath or settings"
        for secret in _texts(self.settings):
            reason = reason.replace(secret, "…")
        return StorageError(f"Cannot {action} {self._place(key)}: {reason.rstrip('.')}. {remedy}.")

    def _place(self, key: str) -> str:
        return f"{self.basepath.rstrip('/')}/{key}" if not self.basepath.endswith("://") else f"{self.basepath}{key}"


def keeps_whole(storage: RemoteFileSystem) -> bool:
    """Whether what is written there appears at once, as in object stores, and not while it is being written."""
    return storage.basepath.rpartition("::")[2].partition("://")[0] in _WHOLE


def _names_others(settings: object) -> bool:
    """Whether settings, at any depth, name another file system or a place for copies."""
    if isinstance(settings, dict):
        return not _NAMING.isdisjoint(settings) or any(map(_names_others, settings.values()))
    return isinstance(settings, list) and any(map(_names_others, settings))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
    elif isinstance(value, SecretStr) and len(text := value.get_secret_value()) >= _SECRET:
        yield text


def _size(file: Any) -> int | None:
    """How many bytes an open file has, if it says so before it is read."""
    if hasattr(file, "size"):
        return file.size if isinstance(file.size, int) else None
    try:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
    except (OSError, ValueError, NotImplementedError):
        return None
    return int(size)


def _modified(info: dict[str, object]) -> Micros | None:
    when = next((info[name] for name in _TIMES if info.get(name) is not None), None)
    if isinstance(when, datetime):
        return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1_000_000)
    return int(when * 1_000_000) if isinstance(when, int | float) else None
