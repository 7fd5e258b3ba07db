"""Large values: what a serializer writes beside the result document, and how it reads that again.

A payload is one stream of bytes, and any number of buffers: memory of the value's own, such as an array's, that is
written and read without a copy.
"""

import io
from collections.abc import Sequence
from typing import BinaryIO, Protocol

THRESHOLD = 64 * 1024  # bytes: what is smaller lies in the document itself

Bytes = bytes | bytearray | memoryview


class Payload(Protocol):
    """Where a serializer puts a large value. It is made with the first byte or buffer."""

    takes_buffers: bool  # whether `add_buffer` may be called; if not, all goes into the stream

    def write(self, data: Bytes, /) -> int:
        """Append to the stream; what is written must not change until the value is stored."""

    def add_buffer(self, buffer: memoryview, /) -> None:
        """Have a buffer (bytes, contiguous) written after the stream, aligned; it is not copied."""


class Source(Protocol):
    """What was put into a payload. Whatever it gives has been checked against the digests first."""

    def view(self) -> memoryview:
        """The whole stream; to be written to if the value's memory may be."""

    def buffers(self) -> Sequence[memoryview]:
        """The buffers, writable: changes stay in this process."""

    def open(self) -> BinaryIO:
        """The stream as a file to read and seek in; fetches what is read and little more."""


class BytesSource:
    """A stream that is in memory."""

    def __init__(self, data: Bytes) -> None:
        self._data = data

    def view(self) -> memoryview:
        return memoryview(self._data)

    def buffers(self) -> Sequence[memoryview]:
        return ()

    def open(self) -> BinaryIO:
        return io.BytesIO(self._data)


class Spool:
    """A file to write into: it keeps what is small, and hands all on to the payload once there is more."""

    def __init__(self, payload: Payload, threshold: int = THRESHOLD) -> None:
        self._payload = payload
        self._room = threshold
        self._pieces: list[Bytes] = []
        self.spilled = False

    def write(self, data: Bytes, /) -> int:
        if self.spilled:
            return self._payload.write(data)
        size = memoryview(data).nbytes
        self._pieces.append(data)
        self._room -= size
        if self._room < 0:
            self.spill()
        return size

    def spill(self) -> None:
        """Hand on to the payload what was kept, and all that follows."""
        self.spilled = True
        for piece in self._pieces:
            self._payload.write(piece)
        self._pieces.clear()

    def content(self) -> bytes:
        """All that was written, while it is small."""
        return b"".join(self._pieces)

    # What libraries ask of a file

    closed = False

    def flush(self) -> None: ...

    def close(self) -> None: ...

    def writable(self) -> bool:
        return True
