"""`Storage`: what every place for results offers, and the keys that it takes."""

import re
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path, PurePath
from typing import Any, Protocol

from perdure._blocks.approved import approve
from perdure._blocks.block import Block
from perdure._model.awaited import AwaitableText, perhaps_awaited
from perdure._model.colour import caller_is_async
from perdure._model.errors import StorageKeyError
from perdure._platform.clock import Micros
from perdure._platform.files import TEMPORARY_PREFIX
from perdure._platform.named import NamedTuple
from perdure._platform.threads import in_thread
from perdure._storages import directories

MAX_KEY = 1024  # characters
_OURS = 32  # of the keys that are made here

# One search is all that a good key costs; what is wrong with a bad one is found out afterwards.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_DRIVE = re.compile(r"[A-Za-z]:")
_BAD = re.compile(
    rf"{_CONTROL.pattern}|\\|(?:^|/)(?:\.{{0,2}}(?:/|\Z)|{re.escape(TEMPORARY_PREFIX)})|^{_DRIVE.pattern}",
)


class Writer(Protocol):
    """Takes an object piece by piece."""

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        """Append to the object; what is given may be changed afterwards. Returns its length in bytes."""


class Entry(NamedTuple):
    """What a storage knows of an object without reading it."""

    key: str
    size: int | None  # bytes
    modified: Micros | None  # when it was last written


class Storage(Block):
    """Bytes by key. A subclass gives `read`, `write`, `exists`, `delete`, `list` and `describe`.

    Each calls `check_key` first. The async forms run the sync ones in another thread; override those for
    which the storage has a better way.
    """

    def save(self, name: str, overwrite: bool = False, *, _sync: bool | None = None) -> AwaitableText:
        if self.is_indirect():
            approve(self.settled())  # as the user's own choice
        return super().save(name, overwrite, _sync=_sync)

    @abstractmethod
    def read(self, key: str) -> bytes:
        """What was last written under the key.

        Raises:
            ObjectMissing: nothing is there.
            StorageError: the storage refuses.
            StorageKeyError: the key is malformed.
        """

    @abstractmethod
    def write(self, key: str, data: bytes) -> None:
        """Keep the data under the key, in place of what was there; readers see all of the old or all of the new.

        Raises:
            StorageError: the storage refuses; nothing has changed then.
            StorageKeyError: the key is malformed.
        """

    def create(self, key: str, data: bytes) -> None:
        """Keep the data under a new key, one that nobody has used or knows of yet.

        A storage overrides it where that is cheaper than `write`: nobody can read the data before this returns.

        Raises:
            StorageError: the storage refuses, or the key is in use; nothing has changed then.
            StorageKeyError: the key is malformed.
        """
        self.write(key, data)

    def replace(self, key: str, data: bytes) -> None:
        """`write`, such that a loss of power, too, leaves all of the old or all of the new.

        A storage overrides it where `write` does not see to that.
        """
        self.write(key, data)

    def open_writer(self, key: str) -> AbstractContextManager[Writer]:
        """Write under a new key piece by piece: at the end of the `with` block all is kept, or after an error nothing.

        Raises:
            StorageError: the storage refuses, or the key is in use; nothing has changed then.
            StorageKeyError: the key is malformed.
        """
        check_key(key)
        return _gathered(self, key)

    def read_range(self, key: str, start: int, size: int) -> bytes:
        """At most `size` bytes of what is kept under the key, from the byte `start` on.

        Raises what `read` raises.
        """
        return self.read(key)[start : start + size]

    def read_large(self, key: str, size: int) -> memoryview:  # noqa: ARG002
        """All the bytes of a large object, which is `size` bytes long, in writable memory of this process's own.

        A storage overrides it where it can map files, or fetch in parallel. Raises what `read` raises; what is
        there may turn out shorter or longer than `size`.
        """
        return memoryview(bytearray(self.read(key)))

    @abstractmethod
    def exists(self, key: str) -> bool:
        """Whether something is kept under the key."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Delete what is kept under the key; if nothing is, nothing happens."""

    def delete_many(self, keys: Sequence[str]) -> None:
        """Delete what is kept under all of the keys, in any order; those under which nothing is do not matter.

        A storage overrides it where that takes fewer requests than `delete` for each.

        Raises:
            StorageError: the storage refuses; some are deleted then, and some are not.
            StorageKeyError: a key is malformed; the same.
        """
        for key in keys:
            self.delete(key)

    @abstractmethod
    def list(self, prefix: str = "") -> Iterator[str]:
        """The keys that begin with the prefix, in no given order."""

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        """The keys that begin with the prefix, with the size and time of each, in no given order."""
        for key in self.list(prefix):
            yield Entry(key, None, None)

    def entry(self, key: str) -> Entry | None:
        """The size and time of the object under the key; None if nothing is there."""
        check_key(key)
        return next((entry for entry in self.entries(key) if entry.key == key), None)

    def fingerprint(self, key: str) -> str | None:
        """Text that is another one as soon as anybody changes what is kept under the key; None if that is not known.

        It is cheap, and saves reading all the bytes to know that they are what they were.
        """
        check_key(key)
        return None

    def sync(self, keys: Iterable[str]) -> None:
        """Return when what was written under the keys survives a loss of power; keys that are gone are passed over.

        Raises:
            StorageError: that cannot be had.
        """

    def unfinished(self, older_than: Micros) -> Iterator[Entry]:  # noqa: ARG002
        """What writers that were killed before that time have left, by names that are nobody's keys."""
        return iter(())

    def discard(self, name: str) -> None:
        """Delete what `unfinished` named; if it is gone, nothing happens."""

    def place(self) -> str | None:
        """Where all that it reads and writes lies, as a plain URL by which an operator allows it; None if that cannot
        be said, since its fields name other places, credentials or files of this machine, too.
        """
        return None

    def is_indirect(self) -> bool:
        """Whether its fields may lead it to other places than its own, or have it write on this machine."""
        return False

    @abstractmethod
    def describe(self, key: str) -> str:
        """Where a person finds what is kept under the key: an absolute path or a URL."""

    def root(self) -> str | None:
        """The path or URL below which all keys are, as whole paths begin with it; None where there is none such."""
        return None

    def key_of(self, path: str | PurePath) -> str:
        """The key of what a path names: one that begins with the storage's own is shortened by that."""
        text, root = str(path), self.root()
        if root is None or not f"{text}/".startswith(f"{root}/"):
            return text
        return text[len(root) + 1 :]

    def read_path(self, path: str | PurePath) -> Any:
        """`read` of a key or a whole path, by the name that users of Prefect know; in async code a coroutine of it."""
        key = self.key_of(path)
        return self.aread(key) if caller_is_async() else self.read(key)

    def write_path(self, path: str | PurePath, content: bytes) -> Any:
        """`write` to a key or a whole path, and then where it is; in async code a coroutine of it."""
        key = self.key_of(path)
        if caller_is_async():
            return self._awritten(key, content)
        self.write(key, content)
        return self.describe(key)

    async def _awritten(self, path: str, content: bytes) -> str:
        await self.awrite(path, content)
        return self.describe(path)

    def get_directory(self, from_path: str | PurePath | None = None, local_path: str | Path | None = None) -> Any:
        """Copy all that lies under a path into a local directory, this one by default; in async code, awaited.

        Raises:
            StorageError: the storage refuses.
            OSError: the directory cannot be written to.
        """
        key = None if from_path is None else self.key_of(from_path)
        return perhaps_awaited(directories.get_directory, self, key, local_path)

    def put_directory(
        self,
        local_path: str | Path | None = None,
        to_path: str | PurePath | None = None,
        ignore_file: str | Path | None = None,
    ) -> Any:
        """Copy all files of a local directory, this one by default, under a path; how many. In async code, awaited.

        `ignore_file` names files to leave out, by patterns as in a .gitignore.

        Raises:
            StorageError: the storage refuses.
            OSError: the directory cannot be read.
        """
        key = None if to_path is None else self.key_of(to_path)
        return perhaps_awaited(directories.put_directory, self, local_path, key, ignore_file)

    async def aread(self, key: str) -> bytes:
        """`read`, awaited."""
        return await in_thread(self.read, key)

    async def awrite(self, key: str, data: bytes) -> None:
        """`write`, awaited."""
        await in_thread(self.write, key, data)

    async def aexists(self, key: str) -> bool:
        """`exists`, awaited."""
        return await in_thread(self.exists, key)

    async def adelete(self, key: str) -> None:
        """`delete`, awaited."""
        await in_thread(self.delete, key)


class _Gathering:
    def __init__(self) -> None:
        self.pieces = bytearray()

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        self.pieces += data
        return memoryview(data).nbytes


@contextmanager
def _gathered(storage: Storage, key: str) -> Iterator[Writer]:
    """For storages that take whole objects only."""
    gathering = _Gathering()
    yield gathering
    storage.create(key, bytes(gathering.pieces))


def check_key(key: str) -> None:
    """Let a well-formed key pass: a relative path with "/" between its segments.

    Raises:
        StorageKeyError: it is not; names the key, the rule and the mend.
    """
    if not isinstance(key, str):
        raise StorageKeyError(f"The storage key {key!r} is a {type(key).__name__}. Give text, such as 'reports/today'.")
    if len(key) == _OURS and key.isascii() and key.isalnum():  # as nearly all are
        return
    if len(key) > MAX_KEY or _BAD.search(key) is not None:
        raise StorageKeyError(f"The storage key {_shown(key)} {_fault(key)}")


def _shown(key: str) -> str:
    return repr(key) if len(key) <= 200 else f"{key[:100]!r}… ({len(key):,} characters)"


def _fault(key: str) -> str:
    if len(key) > MAX_KEY:
        return f"is longer than {MAX_KEY:,} characters. Shorten it, for instance by a digest of its long part."
    if _CONTROL.search(key):
        return "has a control character or half a surrogate pair. Remove it, or replace it by '_'."
    if "\\" in key:
        return "has a backslash. Put '/' between segments."
    if key.startswith("/") or _DRIVE.match(key):
        return "is absolute, but keys are relative to the storage. Remove what stands before the first name."
    segments = key.split("/")
    if ".." in segments:
        return "has a '..' segment, which could leave the storage. Name the place itself."
    if "." in segments:
        return "has a '.' segment. Leave it out."
    if "" in segments:
        return "is empty or has an empty segment. Put a name between any two '/', and none at the ends."
    return f"has a segment that begins with {TEMPORARY_PREFIX!r}, which marks unfinished writes. Name it otherwise."
