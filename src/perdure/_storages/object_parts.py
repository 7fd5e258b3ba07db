"""Large objects of object stores: written and read in parts, several at a time."""

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from perdure._platform.lazy_import import LazyModule
from perdure._platform.memory import room_for
from perdure._storages.object_errors import is_past_end

if TYPE_CHECKING:
    import obstore
    from obstore.store import ObjectStore as Store
else:
    obstore = LazyModule("obstore")

PART = 8 * 1024 * 1024  # bytes: S3 takes up to 10,000 parts, each of 5 MiB or more
_UPLOADS = 4  # at a time: what is in memory beside the object itself is these, and the parts that wait
_DOWNLOADS = 6
_RANGE = 16 * 1024 * 1024  # bytes of each download
_PIECE = 256 * 1024  # bytes: what a download holds beside the object itself; it is copied while in the cache

Bytes = bytes | bytearray | memoryview


class MultipartWriter:
    """Gathers parts, and uploads them while the next ones are written. What fits into one part is one PUT."""

    def __init__(self, store: "Store", key: str, refusals: Callable[[], AbstractContextManager[None]]) -> None:
        self._store = store
        self._key = key
        self._refusals = refusals
        self._part = bytearray()
        self._upload: _Upload | None = None

    def write(self, data: Bytes, /) -> int:
        view = memoryview(data).cast("B")
        size = view.nbytes
        while view:
            if len(self._part) == PART:
                self._hand_on()
            room = PART - len(self._part)
            self._part += view[:room]
            view = view[room:]
        return size

    def _hand_on(self) -> None:
        if self._upload is None:
            self._upload = _Upload(self._store, self._key)
        with self._refusals():
            self._upload.add(self._part)
        self._part = bytearray()

    def finish(self) -> None:
        """Return when the object is there, whole."""
        if self._upload is not None:
            self._hand_on()
            with self._refusals():
                self._upload.finish()
            return
        with self._refusals():
            obstore.put(self._store, self._key, self._part, use_multipart=False)

    def abort(self) -> None:
        """Leave nothing in the storage."""
        if self._upload is not None:
            self._upload.abort()


class _Aborted(Exception):
    """Thrown into obstore, which then aborts the upload."""


class _Upload:
    """One multipart upload, by a thread that takes parts from a queue."""

    def __init__(self, store: "Store", key: str) -> None:
        self._parts: queue.Queue[bytearray | _Aborted | None] = queue.Queue(maxsize=1)
        self._has_all = False  # nothing comes after what was last taken from the queue
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(store, key), name="perdure-upload", daemon=True)
        self._thread.start()

    def add(self, part: bytearray) -> None:
        self._parts.put(part)
        if self._error is not None:
            raise self._error

    def finish(self) -> None:
        self._parts.put(None)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def abort(self) -> None:
        self._parts.put(_Aborted())
        self._thread.join()

    def _run(self, store: "Store", key: str) -> None:
        try:
            obstore.put(store, key, self._waiting(), use_multipart=True, chunk_size=PART, max_concurrency=_UPLOADS)
        except Exception as error:
            self._error = error
            while not self._has_all:  # the writer learns of the error at its next part, and must not wait for room
                self._take()

    def _waiting(self) -> Iterator[bytearray]:
        while (part := self._take()) is not None:
            if isinstance(part, _Aborted):
                raise part
            yield part

    def _take(self) -> "bytearray | _Aborted | None":
        part = self._parts.get()
        self._has_all = not isinstance(part, bytearray)
        return part


def read_parts(store: "Store", key: str, size: int) -> memoryview | None:
    """An object of `size` bytes, fetched in parts at a time, in writable memory; None if it has another size."""
    whole = room_for(size)

    def fetch(start: int) -> bool:
        end = min(start + _RANGE, size)
        try:
            found = obstore.get(store, key, options={"range": (start, end)})
        except Exception as error:
            if is_past_end(error):
                return False
            raise
        if found.meta["size"] != size:
            return False
        for piece in found.stream(min_chunk_size=_PIECE):
            whole[start : start + len(piece)] = memoryview(piece)
            start += len(piece)
        return start == end

    with ThreadPoolExecutor(min(_DOWNLOADS, -(-size // _RANGE)), "perdure-download") as threads:
        return whole if all(threads.map(fetch, range(0, size, _RANGE))) else None
