"""Pickles that go into a payload piece by piece, with the memory of large arrays and tables without a copy."""

import io
import pickle
from collections.abc import Callable
from typing import Any, Protocol

from perdure._serializers.frames import prepare_dispatch_table
from perdure._serializers.payload import THRESHOLD, Bytes, BytesSource, Payload, Source, Spool
from perdure._serializers.pickle_allow_list import allow_list, load_allowed
from perdure._serializers.references import load
from perdure._serializers.wrapping import Inlet

PROTOCOL = pickle.HIGHEST_PROTOCOL


class Pickler(Protocol):
    """What pickle and cloudpickle call a pickler."""

    def dump(self, obj: object, /) -> Any: ...


def write_pickle(obj: object, payload: Payload, pickler: Callable[..., Pickler]) -> bytes | None:
    """The pickle of a small object; a large one goes to the payload, and None is returned.

    A buffer of less than `THRESHOLD` bytes stays in the stream: so a small pickle is the very one that the library's
    `dumps` makes, and a list of a thousand short arrays is not a payload of a thousand buffers.
    """
    file = _File(payload)
    writer = pickler(file, PROTOCOL, buffer_callback=file.keep_in_stream)
    prepare_dispatch_table(writer, file.spill if payload.takes_buffers else None)
    writer.dump(obj)
    return None if file.spilled else file.content()


def plain_dumps(obj: object) -> bytes:
    """What `pickle.dumps` gives where nobody has imported Dask."""
    file = io.BytesIO()
    writer = pickle.Pickler(file)
    prepare_dispatch_table(writer, None)
    writer.dump(obj)
    return file.getvalue()


def try_pickle(obj: object, pickler: Callable[..., Pickler]) -> None:
    """Raise what pickling an object raises; nothing is kept of it, so that trying costs no memory."""
    nowhere = _Nowhere()
    writer = pickler(nowhere, PROTOCOL, buffer_callback=nowhere.keep_in_stream)
    prepare_dispatch_table(writer, None)
    writer.dump(obj)


class _File(Spool):
    def __init__(self, payload: Payload) -> None:
        super().__init__(payload)
        self._takes_buffers = payload.takes_buffers

    def spill(self) -> None:
        if not self.spilled:
            super().spill()

    def write(self, data: Bytes | pickle.PickleBuffer, /) -> int:
        # A buffer that stays in the stream comes as it is if it is large.
        return super().write(data.raw() if isinstance(data, pickle.PickleBuffer) else data)

    def keep_in_stream(self, buffer: pickle.PickleBuffer) -> bool:
        try:
            memory = buffer.raw()
        except BufferError:  # not contiguous: the pickler says so in its own words
            return True
        if memory.nbytes < THRESHOLD or not self._takes_buffers:
            return True
        self.spill()
        self._payload.add_buffer(memory)
        return False


class _Nowhere:
    def write(self, data: Bytes | pickle.PickleBuffer, /) -> int:
        return memoryview(data).nbytes

    def keep_in_stream(self, _buffer: pickle.PickleBuffer) -> bool:
        return False


def read_pickle(source: Source) -> object:
    """The object of a pickle, in the memory of its buffers. It may name only what the allow-list has, if there is one.

    Raises:
        ResultUntrusted: it names something else.
        Exception: what unpickling raises.
    """
    allowed = allow_list()
    if allowed is not None:
        with source.open() as file:
            return load_allowed(file, source.buffers(), allowed)
    if isinstance(source, BytesSource) and names_nothing(data := source.view()):
        return pickle.loads(data)
    if isinstance(source, BytesSource | Inlet):  # what an inlet decompresses need not be in memory beside the object
        with source.open() as file:
            return load(file)
    return load(io.BufferedReader(_Memory(source.view()), 64 * 1024), source.buffers())


_SMALL = 64 * 1024  # bytes: larger ones are not looked through
_STACK_GLOBAL = pickle.STACK_GLOBAL  # how pickles of protocol 5 name classes and functions


def names_nothing(data: bytes | memoryview) -> bool:
    """Whether a small pickle holds no class or function, so that it means the same in every program."""
    if len(data) >= _SMALL:
        return False
    text = bytes(data)
    return text.startswith(b"\x80\x05") and _STACK_GLOBAL not in text


class _Memory(io.RawIOBase):
    """Memory as a file, without a copy of it."""

    def __init__(self, memory: memoryview) -> None:
        super().__init__()
        self._left = memory.cast("B")

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any, /) -> int:
        taken, self._left = self._left[: len(into)], self._left[len(into) :]
        into[: len(taken)] = taken
        return len(taken)
