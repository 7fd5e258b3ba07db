"""The payload of a large result, as an array, written without a copy: an object beside its document, which names the
places and digests of its bytes.

The problem: a result may be an array of gigabytes. Inside a JSON document it would be encoded, held in memory several
times, and read as a whole by whoever wants its type. Pickled to a file of its own it would still be copied once into
the pickle, and digested in a second pass; and a process that is killed while it writes leaves a file that looks like
one.

The idea: a small document, and one *payload* object with the bytes as they are in memory:

    report.json                     {"data": ..., "payload": {"key": ..., "parts": [[0, 180], [192, 268435456]],
                                     "digests": [one for each 8 MiB], ...}}
    report.json.<random>.payload    | stream: 180 bytes | padding | buffer: 268435456 bytes |

The serializer's small stream comes first, then its buffers (an array's memory, say), each at a multiple of
`ALIGNMENT`, so that a reader may map the file and use the bytes where they are. Buffers are written from their own
memory. Digests are made in another thread, in chunks of `CHUNK` bytes, while the chunks are being written; so a part
can be checked without the rest, and all of them by several threads.

What always holds:

- The payload is complete before the document is written, and the document before the database refers to it. So nothing
  that can be found refers to something torn. A crash leaves at most a payload that nothing names, an orphan.
- A payload's key is new each time (`payload_key`): a document that is being replaced still has its old payload.
- The document has all that is needed to check the payload; nothing in the payload is believed. `Layout` refuses
  numbers that do not fit each other before any of them is used to allocate.
- Writing takes memory for at most `_AHEAD` chunks that wait for their digests, however large the value is, and they
  are views of it, not copies, wherever the serializer gives buffers.
- `HeldPayload` comes to the same layout and bytes as `PayloadWriter`: who changes the one changes the other.
"""

import functools
import hashlib
import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from perdure._model.errors import SerializationError, StorageError

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    from perdure._serializers.base import Serializer
    from perdure._serializers.payload import Payload
    from perdure._storages.storage import Storage

Bytes = bytes | bytearray | memoryview

CHUNK = 8 * 1024 * 1024  # bytes
_MOST_CHUNK = 64 * 1024 * 1024  # bytes that a document may ask its reader to hold at once
ALIGNMENT = 64  # bytes: what vector instructions want, and what numpy's own files have
_SUFFIX = ".payload"
_PAYLOAD_KEY = re.compile(r"(?P<owner>.+)\.[^.]{16}\.payload(?P<ending>(\.[a-z0-9_]{1,16})?)", re.DOTALL)
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

    def describe(self) -> dict[str, object]:
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


def _number(value: object) -> int:
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


def payload_key(key: str, ending: str = "") -> str:
    """A new key for a payload of the document under `key`: never an earlier one's, which that document still names.

    `ending` is that of the payload's file format, such as ".parquet", for tools that go by it.
    """
    return f"{key}.{os.urandom(8).hex()}{_SUFFIX}{ending}"


def payload_owner(key: str) -> str | None:
    """The key of the document that a payload was written for; None if the key is not a payload's."""
    found = _PAYLOAD_KEY.fullmatch(key)
    return None if found is None else found["owner"]


def payload_ending(key: str) -> str:
    """The ending of the file format in a payload's key, as `payload_key` was given it."""
    found = _PAYLOAD_KEY.fullmatch(key)
    return "" if found is None else found["ending"]


def dumped(serializer: "Serializer", value: object, payload: "Payload", key: str) -> bytes | None:
    """What of a value goes into the document under `key`; None if the payload has all of it.

    Under a key that ends as the files of the serializer's format do, the payload always is such a file.
    """
    data = serializer.dump(value, payload)
    if data is not None and not isinstance(data, bytes | bytearray | memoryview):
        raise SerializationError(
            f"The serializer {serializer.type!r} made a {type(data).__name__} of the value."
            " Have its `dumps` return bytes."
        )
    if data is None or not serializer.ending or not key.endswith(serializer.ending):
        return data
    payload.write(serializer.content(data))
    return None


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
            self._done += [each.result() for each in self._waiting] + [blake3_of(*self._pieces)]
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
        self._waiting.append(self._pool.submit(blake3_of, *self._pieces))
        self._pieces, self._room = [], CHUNK
        while len(self._waiting) > _AHEAD:
            self._done.append(self._waiting.popleft().result())


def blake3_of(*pieces: Bytes) -> str:
    """The BLAKE3 digest of some pieces of bytes, hexadecimal."""
    from blake3 import blake3  # small results do not pay for it

    digest = blake3()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()
