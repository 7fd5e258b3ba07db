"""A file of batches that could not be delivered yet: appended to, read from its beginning, removed when it is empty.

It is filled and delivered by `_store.remote.outbox`. Each process that reports to a server has one of its own, named by
the id under which it delivers, and locked while the process lives: a file that can be locked was left behind, and
whoever locks it delivers what is in it. Each batch has its length and a checksum before it, so that what a kill cut off
is known.
"""

import os
import struct
import zlib
from contextlib import suppress
from pathlib import Path

from perdure._platform.files import lock_now, make_private, read_at, write_at
from perdure._platform.ids import is_id
from perdure._platform.named import NamedTuple

SUFFIX = ".spool"
_HEAD = struct.Struct(">4sQII")  # mark, sequence, length, checksum of the batch
_MARK = b"prd1"


class Batch(NamedTuple):
    """Records as they are sent."""

    sequence: int
    body: bytes


class Spool:
    """One such file, which is made with the first batch. One thread at a time may read, one may append."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = path.stem
        self._descriptor: int | None = None
        self._begin = self._end = 0  # of what is not delivered yet

    @property
    def size(self) -> int:
        """How many bytes are not delivered yet."""
        return self._end - self._begin

    def append(self, batch: Batch, synced: bool) -> None:
        """Add a batch; `synced` has it survive a loss of power.

        Raises:
            OSError: it could not be written, and is not there.
        """
        descriptor = self._opened()
        head = _HEAD.pack(_MARK, batch.sequence, len(batch.body), zlib.crc32(batch.body))
        data = memoryview(head + batch.body)
        try:
            written = 0
            while written < len(data):
                written += write_at(descriptor, data[written:], self._end + written)
            if synced:
                os.fsync(descriptor)
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, self._end)
            raise
        self._end += len(data)

    def sync(self) -> None:
        """Have all batches survive a loss of power."""
        if self._descriptor is not None:
            os.fsync(self._descriptor)

    def first(self) -> Batch | None:
        """The first batch that is not delivered; None if there is none, or what is there was cut off."""
        if self._descriptor is None or self._begin >= self._end:
            return None
        head = read_at(self._descriptor, _HEAD.size, self._begin)
        if len(head) < _HEAD.size:
            return None
        mark, sequence, length, checksum = _HEAD.unpack(head)
        if mark != _MARK:
            return None
        body = read_at(self._descriptor, length, self._begin + _HEAD.size)
        return Batch(sequence, body) if len(body) == length and zlib.crc32(body) == checksum else None

    def delivered(self, batch: Batch) -> None:
        """The first batch has been delivered."""
        self._begin += _HEAD.size + len(batch.body)

    def empty(self) -> None:
        """Begin the file anew: all of it has been delivered."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
        self._begin = self._end = 0

    def close(self, remove: bool) -> None:
        """Close the file and release its lock; `remove` it first if all has been delivered."""
        if self._descriptor is not None:
            if remove:
                self.path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None

    def set_aside(self) -> Path:
        """Keep what cannot be read out of the way, and close it; where it is."""
        kept = self.path.with_suffix(".damaged")
        self.path.replace(kept)
        self.close(remove=False)
        return kept

    def _opened(self) -> int:
        if self._descriptor is None:
            make_private(self.path.parent)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            lock_now(descriptor)  # nobody else has a reason to hold it
            self._descriptor = descriptor
        return self._descriptor

    @classmethod
    def left_behind(cls, path: Path) -> "Spool | None":
        """The file of a process that is gone, locked for this one; None if another process holds it, or it is gone."""
        try:
            descriptor = os.open(path, os.O_RDWR)
        except OSError:
            return None
        try:
            lock_now(descriptor)
            found = os.fstat(descriptor)
            if found.st_ino != path.stat().st_ino:  # another process delivered it, and removed it, just now
                raise BlockingIOError
        except OSError:
            os.close(descriptor)
            return None
        spool = cls(path)
        spool._descriptor, spool._end = descriptor, found.st_size
        return spool


def left_behind(folder: Path, own: Path) -> list[Spool]:
    """The files of processes that are gone, those of the first ones first."""
    paths = sorted(folder.glob(f"*{SUFFIX}"))
    return [
        found for path in paths if path != own and is_id(path.stem) and (found := Spool.left_behind(path)) is not None
    ]
