"""The payload of a large result: one object beside its document, which names the places and digests of its bytes.

First comes the serializer's stream, then its buffers, each at a multiple of `ALIGNMENT`. The bytes are digested in
chunks of their own, so that a part of them can be checked without the rest, and all of them by several threads.
"""

import functools
import hashlib
import io
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO

from perdure.core.errors import ObjectMissing, ResultCorrupt, ResultError, ResultMissing, StorageError

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    from perdure.filesystems import Storage

Bytes = bytes | bytearray | memoryview

CHUNK = 8 * 1024 * 1024  # bytes
_MOST_CHUNK = 64 * 1024 * 1024  # bytes that a document may ask its reader to hold at once
ALIGNMENT = 64  # bytes: what vector instructions want, and what numpy's own files have
_SUFFIX = ".payload"
_AHEAD = 4  # chunks that wait for their digest, and so are kept in memory
_PADDING = bytes(ALIGNMENT)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a payload is, and all that is needed to check its bytes."""

    key: str
    size: int  # bytes
    parts: tuple[tuple[int, int], ...]  # (offset, size) in bytes: the stream, then each buffer
    digests: tuple[str, ...]  # BLAKE3 of each chunk, hexadecimal
    chunk: int = CHUNK  # bytes of each chunk but the last
    fingerprint: str | None = None  # the storage's, of the bytes that were digested

    def describe(self) -> dict[str, Any]:
        """The layout as plain JSON values."""
        return {
            "key": self.key,
            "size": self.size,
            "parts": [list(part) for part in self.parts],
            "chunk": self.chunk,
            "digests": list(self.digests),
            "fingerprint": self.fingerprint,
        }

    @classmethod
    def from_description(cls, fields: dict[str, Any]) -> "Layout":
        """The reverse of `describe`.

        Raises:
            ValueError, TypeError, KeyError: the fields are not a payload's.
        """
        layout = cls(
            key=str(fields["key"]),
            size=_number(fields["size"]),
            parts=tuple((_number(offset), _number(size)) for offset, size in fields["parts"]),
            digests=tuple(map(str, fields["digests"])),
            chunk=_number(fields["chunk"]),
            fingerprint=fields.get("fingerprint"),
        )
        inside = all(offset + size <= layout.size for offset, size in layout.parts)
        chunks = -(-layout.size // layout.chunk) if 0 < layout.chunk <= _MOST_CHUNK else -1
        if not layout.parts or not inside or len(layout.digests) != chunks:
            raise ValueError("its payload's parts and digests do not fit its size")
        return layout

    def digest(self) -> str:
        """One digest of all the bytes and of how they are divided."""
        text = f"{self.size} {self.chunk} {self.parts} {' '.join(self.digests)}"
        return f"chunks:{hashlib.sha256(text.encode()).hexdigest()}"


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**62:
        raise ValueError(f"{value!r:.40} is no place or size")
    return value


def _padding(size: int) -> memoryview:
    return memoryview(_PADDING)[: -size % ALIGNMENT]


def _fingerprint(storage: "Storage", key: str) -> str | None:
    try:
        return storage.fingerprint(key)
    except StorageError:  # then its digests are compared
        return None


def payload_key(key: str) -> str:
    """A new key for a payload of the document under `key`: never an earlier one's, which that document still names."""
    return f"{key}.{os.urandom(8).hex()}{_SUFFIX}"


def payload_owner(key: str) -> str | None:
    """The key of the document that a payload was written for; None if the key is not a payload's."""
    if not key.endswith(_SUFFIX):
        return None
    owner, _, random = key.removesuffix(_SUFFIX).rpartition(".")
    return owner if owner and len(random) == 16 else None


class PayloadWriter:
    """Writes a payload, from a serializer's first byte on. It is the serializers' `Payload`.

    Use it in a `with` block: after an error, nothing is left in the storage.
    """

    takes_buffers = True

    def __init__(self, storage: "Storage", key: Callable[[], str]) -> None:
        self._storage = storage
        self._make_key = key
        self._key = ""
        self._exits: ExitStack | None = None  # made at the first byte: most values are small, and write none
        self._buffers: list[memoryview] = []
        self._size = 0

    def __enter__(self) -> "PayloadWriter":
        return self

    def __exit__(self, *error: Any) -> None:
        if self._exits is not None:
            self._exits.__exit__(*error)

    def write(self, data: Bytes, /) -> int:
        view = memoryview(data).cast("B")
        self._append(view)
        return view.nbytes

    def add_buffer(self, buffer: memoryview, /) -> None:
        self._buffers.append(buffer.cast("B"))

    def finish(self) -> Layout:
        """Write the buffers, and have all of it kept."""
        parts = [(0, self._size)]
        for buffer in self._buffers:
            self._append(_padding(self._size))
            parts.append((self._size, buffer.nbytes))
            self._append(buffer)
        assert self._exits is not None, "a serializer that keeps nothing for the document writes to the payload"
        digests = self._digests.finish()
        self._exits.close()
        return Layout(self._key, self._size, tuple(parts), digests, CHUNK, _fingerprint(self._storage, self._key))

    def _open(self) -> ExitStack:
        self._key = self._make_key()
        self._digests = _Digests()
        with ExitStack() as exits:
            exits.callback(self._digests.close)
            self._writer = exits.enter_context(self._storage.open_writer(self._key))
            return exits.pop_all()

    def _append(self, view: memoryview) -> None:
        if self._exits is None:
            self._exits = self._open()
        self._size += view.nbytes
        for piece in self._digests.pieces(view):
            self._writer.write(piece)


class HeldPayload:
    """A payload that stays in memory until it is known where it goes. It is the serializers' `Payload`."""

    takes_buffers = True

    def __init__(self) -> None:
        self._pieces: list[Bytes] = []
        self._buffers: list[memoryview] = []

    def write(self, data: Bytes, /) -> int:
        self._pieces.append(data)
        return memoryview(data).nbytes

    def add_buffer(self, buffer: memoryview, /) -> None:
        self._buffers.append(buffer)

    @functools.cached_property
    def layout(self) -> Layout:
        """The layout that this payload has wherever it goes, without the place."""
        nowhere: Any = _Nowhere()
        with PayloadWriter(nowhere, str) as payload:
            for piece in self._pieces:
                payload.write(piece)
            for buffer in self._buffers:
                payload.add_buffer(buffer)
            return payload.finish()

    def write_to(self, storage: "Storage", key: str) -> Layout:
        """Write everything under a key."""
        with storage.open_writer(key) as writer:
            size = 0
            for piece in self._pieces:
                size += writer.write(piece)
            for buffer in self._buffers:
                size += writer.write(_padding(size))
                size += writer.write(buffer)
        return replace(self.layout, key=key, fingerprint=_fingerprint(storage, key))


class _Nowhere:
    """The storage of what is only digested."""

    @contextmanager
    def open_writer(self, _: str) -> "Iterator[_Nowhere]":
        yield self

    def write(self, data: memoryview, /) -> int:
        return data.nbytes

    def fingerprint(self, _: str) -> None:
        return None


class _Digests:
    """Digests chunks in another thread, while they are being written."""

    def __init__(self) -> None:
        self._pieces: list[memoryview] = []  # of the chunk that is not full
        self._room = CHUNK
        self._waiting: deque[Future[str]] = deque()
        self._done: list[str] = []
        self._pool: Executor | None = None

    def pieces(self, view: memoryview) -> Iterator[memoryview]:
        """Take the bytes, and give them back in pieces; the digest of each chunk is begun before its last piece."""
        while view.nbytes:
            piece, view = view[: self._room], view[self._room :]
            self._pieces.append(piece)
            self._room -= piece.nbytes
            if not self._room:
                self._submit()
            yield piece

    def finish(self) -> tuple[str, ...]:
        """The digests of all chunks, in order."""
        if self._pieces:
            self._done += [each.result() for each in self._waiting] + [_blake3(*self._pieces)]
        else:
            self._done += [each.result() for each in self._waiting]
        self._waiting.clear()
        return tuple(self._done)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _submit(self) -> None:
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(1, "perdure-digest")
        self._waiting.append(self._pool.submit(_blake3, *self._pieces))
        self._pieces, self._room = [], CHUNK
        while len(self._waiting) > _AHEAD:
            self._done.append(self._waiting.popleft().result())


class StoredPayload:
    """A payload in its storage. It is the serializers' `Source`.

    Bytes are checked before they are given out, unless the storage's fingerprint says that nobody has touched them
    since they were digested; `distrusted` has them checked all the same.
    """

    def __init__(self, storage: "Storage", layout: Layout, where: Callable[[], str], distrusted: bool = False) -> None:
        self._storage = storage
        self._layout = layout
        self._where = where
        self._distrusted = distrusted
        self._whole: memoryview | None = None
        self._chunks: deque[tuple[int, bytes]] = deque(maxlen=3)

    def view(self) -> memoryview:
        return self._part(0)

    def buffers(self) -> Sequence[memoryview]:
        return [self._part(index) for index in range(1, len(self._layout.parts))]

    def open(self) -> BinaryIO:
        offset, size = self._layout.parts[0]
        return io.BufferedReader(_Range(self.read, offset, size), buffer_size=64 * 1024)

    def read(self, start: int, size: int) -> bytes:
        """Some bytes of the payload, from `start` on, without reading much more."""
        layout = self._layout
        size = min(size, layout.size - start)
        if size <= 0:
            return b""
        if self._is_untouched:
            return self._fetch(start, size)
        chunk = layout.chunk
        pieces = []
        for index in range(start // chunk, -(-(start + size) // chunk)):
            begin = index * chunk
            piece = self._chunk(index)
            pieces.append(piece[max(0, start - begin) : start + size - begin])
        return b"".join(pieces)

    def verify(self) -> None:
        """Read all of it, and compare it with the digests, one chunk at a time.

        Raises:
            ResultCorrupt: it is not what was written.
            ResultMissing: it is not there.
        """
        for index in range(len(self._layout.digests)):
            self._chunk(index)
        if not self._layout.digests:
            self._fetch(0, 0)

    def is_whole(self) -> bool:
        """Whether all of it is there as it was written."""
        try:
            if not self._is_untouched:
                self.verify()
        except (ResultError, StorageError):
            return False
        return True

    def _part(self, index: int) -> memoryview:
        if self._whole is None:
            self._whole = self._load()
        offset, size = self._layout.parts[index]
        return self._whole[offset : offset + size]

    def _load(self) -> memoryview:
        layout = self._layout
        entry = self._storage.entry(layout.key)
        if entry is None:
            raise self._missing()
        if entry.size is not None and entry.size != layout.size:  # known before memory is asked for
            raise self._corrupt(f"has {entry.size:,} bytes, not {layout.size:,} as were written")
        if self._distrusted:
            return self._copied()
        untouched = self._is_untouched
        try:
            whole = self._storage.read_large(layout.key, layout.size)
        except ObjectMissing:
            raise self._missing() from None
        if whole.nbytes != layout.size:
            raise self._corrupt(f"has {whole.nbytes:,} bytes, not {layout.size:,} as were written")
        if not untouched:
            self._check(whole)
        return whole

    def _copied(self) -> memoryview:
        """All the bytes, checked in memory that nobody else can change: a mapped file shows what others write to it."""
        layout = self._layout
        whole = memoryview(bytearray(layout.size))

        def copy(index: int) -> None:
            start = index * layout.chunk
            data = self._chunk(index)
            whole[start : start + len(data)] = data

        if len(layout.digests) < 2:
            for index in range(len(layout.digests)):
                copy(index)
        else:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(min(len(layout.digests), 8), "perdure-digest") as pool:
                for _ in pool.map(copy, range(len(layout.digests))):
                    pass  # whatever one of them raises is raised here
        return whole

    def _check(self, whole: memoryview) -> None:
        layout = self._layout
        chunks = [whole[start : start + layout.chunk] for start in range(0, layout.size, layout.chunk)]
        if len(chunks) < 2:
            found = [_blake3(chunk) for chunk in chunks]
        else:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(min(len(chunks), os.cpu_count() or 1, 8), "perdure-digest") as pool:
                found = list(pool.map(_blake3, chunks))
        for index, (digest, expected) in enumerate(zip(found, layout.digests, strict=True)):
            if digest != expected:
                raise self._altered(index)

    def _chunk(self, index: int) -> bytes:
        """The bytes of a chunk, checked; a file of columns is read here and there, so the last few are kept."""
        for known, data in self._chunks:
            if known == index:
                return data
        layout = self._layout
        start = index * layout.chunk
        size = min(layout.chunk, layout.size - start)
        is_last = start + size == layout.size
        data = self._fetch(start, size + is_last)  # a byte more, which is not there if nothing was appended
        if _blake3(data) != layout.digests[index]:
            raise self._altered(index)
        self._chunks.append((index, data))
        return data

    def _fetch(self, start: int, size: int) -> bytes:
        try:
            data = self._storage.read_range(self._layout.key, start, size)
        except ObjectMissing:
            raise self._missing() from None
        end, whole = start + len(data), self._layout.size
        if end != min(start + size, whole):
            raise self._corrupt(
                f"has {f'only {end:,}' if end < whole else 'more'} bytes, not {whole:,} as were written"
            )
        return data

    @functools.cached_property
    def _is_untouched(self) -> bool:
        expected = self._layout.fingerprint
        return expected is not None and not self._distrusted and expected == self._storage.fingerprint(self._layout.key)

    def _missing(self) -> ResultMissing:
        place = self._storage.describe(self._layout.key)
        return ResultMissing(
            f"The large values of {self._where()} are not at {place}, where they were written: they were deleted or"
            " moved. Run the task again, or restore the file."
        )

    def _altered(self, index: int) -> ResultCorrupt:
        start = index * self._layout.chunk
        end = min(start + self._layout.chunk, self._layout.size)
        return self._corrupt(f"is not what was written: its bytes {start:,} to {end:,} have another digest")

    def _corrupt(self, fault: str) -> ResultCorrupt:
        return ResultCorrupt(f"{self._storage.describe(self._layout.key)} {fault}.")


class _Range(io.RawIOBase):
    """Some bytes of a payload as a file."""

    def __init__(self, read: Callable[[int, int], bytes], offset: int, size: int) -> None:
        self._read = read
        self._offset = offset
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"The place {base + offset} is before the start of the stream.")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        target = memoryview(buffer).cast("B")
        size = max(0, min(target.nbytes, self._size - self._at))
        data = self._read(self._offset + self._at, size)
        target[:size] = data
        self._at += size
        return size


def _blake3(*pieces: Bytes) -> str:
    from blake3 import blake3  # small results do not pay for it

    digest = blake3()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()
