"""Reading the payload of a large result: all of it or a part, checked against the digests in its document."""

import functools
import io
import os
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from perdure._model.errors import ObjectMissing, ResultCorrupt, ResultError, ResultMissing, StorageError
from perdure._platform.memory import room_for
from perdure._results.payload_writer import Layout, blake3_of

if TYPE_CHECKING:
    from perdure._storages.storage import Storage


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
        untouched = self._is_untouched
        if not untouched:
            self._check_size()  # before memory is asked for
        if self._distrusted:
            return self._copied()
        try:
            whole = self._storage.read_large(layout.key, layout.size)
        except ObjectMissing:
            raise self._missing() from None
        if whole.nbytes != layout.size:
            raise self._corrupt(f"has {whole.nbytes:,} bytes, not {layout.size:,} as were written")
        if not untouched:
            self._check(whole)
        return whole

    def _check_size(self) -> None:
        entry = self._storage.entry(self._layout.key)
        if entry is None:
            raise self._missing()
        if entry.size is not None and entry.size != self._layout.size:
            raise self._corrupt(f"has {entry.size:,} bytes, not {self._layout.size:,} as were written")

    def _copied(self) -> memoryview:
        """All the bytes, checked in memory that nobody else can change: a mapped file shows what others write to it."""
        layout = self._layout
        whole = room_for(layout.size)

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
            found = [blake3_of(chunk) for chunk in chunks]
        else:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(min(len(chunks), os.cpu_count() or 1, 8), "perdure-digest") as pool:
                found = list(pool.map(blake3_of, chunks))
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
        if blake3_of(data) != layout.digests[index]:
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
