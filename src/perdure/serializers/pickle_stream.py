"""Pickles that go into a payload piece by piece, with the memory of arrays and tables beside them, not copied."""

import pickle
from collections.abc import Callable
from typing import Any, Protocol

from perdure.serializers.allowed import allow_list, load_allowed
from perdure.serializers.frames import extend_dispatch_table
from perdure.serializers.payload import THRESHOLD, Bytes, Payload, Source, Spool
from perdure.serializers.wrapping import Inlet

PROTOCOL = pickle.HIGHEST_PROTOCOL


class Pickler(Protocol):
    """What pickle and cloudpickle call a pickler."""

    def dump(self, obj: Any, /) -> Any: ...


def write_pickle(obj: Any, payload: Payload, pickler: Callable[..., Pickler]) -> bytes | None:
    """The pickle of a small object; a large one goes to the payload, and None is returned.

    A buffer of less than `THRESHOLD` bytes stays in the stream: so a small pickle is the very one that the library's
    `dumps` makes, and a list of a thousand short arrays is not a payload of a thousand buffers.
    """
    file = _File(payload)
    writer = pickler(file, PROTOCOL, buffer_callback=file.keep_in_stream)
    if payload.takes_buffers:
        extend_dispatch_table(writer, file.spill)
    writer.dump(obj)
    return None if file.spilled else file.content()


def try_pickle(obj: Any, pickler: Callable[..., Pickler]) -> None:
    """Raise what pickling an object raises; nothing is kept of it, so that trying costs no memory."""
    nowhere = _Nowhere()
    pickler(nowhere, PROTOCOL, buffer_callback=nowhere.keep_in_stream).dump(obj)


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


def read_pickle(source: Source) -> Any:
    """The object of a pickle, in the memory of its buffers. It may name only what the allow-list has, if there is one.

    Raises:
        ResultUntrusted: it names something else.
        Exception: what unpickling raises.
    """
    allowed = allow_list()
    if allowed is not None:
        with source.open() as file:
            return load_allowed(file, source.buffers(), allowed)
    if isinstance(source, Inlet):  # what it decompresses or decrypts need not be in memory beside what is made of it
        with source.open() as file:
            return pickle.load(file)
    return pickle.loads(source.view(), buffers=source.buffers())
