"""Serializers round another one: what it writes is changed on its way out, and changed back on its way in."""

import io
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, Protocol

from pydantic import Field, SerializeAsAny, field_validator

from perdure._model.errors import PerdureError, ResultCorrupt
from perdure._serializers.base import Serializer
from perdure._serializers.payload import BytesSource, Payload, Source
from perdure._serializers.text import from_base64, to_base64

_READ_AHEAD = 1024 * 1024  # bytes


class Outlet(Payload, Protocol):
    """A payload that hands what is written to it on to another one, changed."""

    def finish(self) -> None:
        """Hand on what is still held back."""


class WrappingSerializer(Serializer):
    """Base64 of the changed bytes of another serializer's output; of a large value, the changed bytes themselves.

    `serializer` is the other one: a type name or an instance.
    """

    serializer: SerializeAsAny[Serializer] = Field(default="pickle", validate_default=True)

    @field_validator("serializer", mode="before")
    @classmethod
    def _find_serializer(cls, value: object) -> object:
        try:
            if isinstance(value, str):
                return Serializer.from_name(value)
            return Serializer.from_description(value) if isinstance(value, dict) else value
        except PerdureError as error:
            raise ValueError(str(error)) from error

    @property
    def hides(self) -> bool:
        return self.serializer.hides

    def check(self) -> None:
        self.serializer.check()

    def for_exceptions(self) -> Serializer:
        inner = self.serializer.for_exceptions()
        return self if inner is self.serializer else self.model_copy(update={"serializer": inner})

    def dumps(self, obj: object) -> bytes:
        return to_base64(self._change(self.serializer.dumps(obj)))

    def content(self, data: bytes) -> bytes:
        return from_base64(data)

    def loads(self, data: bytes) -> Any:
        return self.serializer.loads(self._change_back(from_base64(data)))

    def dump(self, obj: object, payload: Payload) -> bytes | None:
        outlet = self._outlet(payload)
        small = self.serializer.dump(obj, outlet)
        if small is not None:
            return to_base64(self._change(small))
        outlet.finish()
        return None

    def renewed(self, data: bytes) -> bytes:
        if not self.hides:
            return data
        return to_base64(self._change(self.serializer.renewed(self._change_back(from_base64(data)))))

    def renew(self, source: Source, payload: Payload) -> None:
        if not self.hides:
            super().renew(source, payload)
            return
        outlet = self._outlet(payload)
        self.serializer.renew(self._inlet(source), outlet)
        outlet.finish()

    def load(self, source: Source) -> Any:
        return self.serializer.load(self._inlet(source))

    def load_part(self, source: Source, columns: Sequence[str] | None, rows: slice | None) -> Any:
        inlet: Source
        if isinstance(source, BytesSource):  # what `dumps` gave
            inlet = BytesSource(self._change_back(from_base64(bytes(source.view()))))
        else:
            inlet = self._inlet(source)
        return self.serializer.load_part(inlet, columns, rows)

    @abstractmethod
    def _change(self, data: bytes) -> bytes: ...

    @abstractmethod
    def _change_back(self, data: bytes) -> bytes:
        """The reverse of `_change`; raises ResultError."""

    @abstractmethod
    def _outlet(self, payload: Payload) -> Outlet: ...

    @abstractmethod
    def _inlet(self, source: Source) -> "Inlet": ...


class Inlet:
    """The source that a wrapped serializer reads: made while it is read, so that not all of it need be in memory.

    `open_raw` opens what is to be read from the first byte on; whatever goes wrong in it means that the data is
    corrupt, and `what` begins to say so.
    """

    def __init__(self, open_raw: Callable[[], BinaryIO | io.RawIOBase], what: str) -> None:
        self._open_raw = open_raw
        self._what = what

    def view(self) -> memoryview:
        content = bytearray()
        with self.open() as file:
            while piece := file.read(_READ_AHEAD):
                content += piece
        return memoryview(content)

    def buffers(self) -> Sequence[memoryview]:
        return ()

    def open(self) -> BinaryIO:
        """The stream as a file; where the bytes cannot be had in any order, seeking back reads from the start again."""
        return io.BufferedReader(_Checked(self._open_raw, self._what), _READ_AHEAD)


class _Checked(io.RawIOBase):
    def __init__(self, open_raw: Callable[[], BinaryIO | io.RawIOBase], what: str) -> None:
        self._what = what
        with or_corrupt(what):
            self._file: Any = open_raw()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, room: object) -> int:
        with or_corrupt(self._what):
            count: int = self._file.readinto(room)
            return count

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        with or_corrupt(self._what):
            position: int = self._file.seek(offset, whence)
            return position


@contextmanager
def or_corrupt(what: str) -> Iterator[None]:
    """Have what goes wrong within the block, unless it says what it is, mean that the data is corrupt."""
    try:
        yield
    except (PerdureError, MemoryError):
        raise
    except Exception as error:  # each library has its own
        raise ResultCorrupt(f"{what}: {error}.") from error
