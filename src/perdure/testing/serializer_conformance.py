"""What every serializer must do. Subclass it in your tests and override its fixtures:

```python
class TestTextSerializer(SerializerConformance):
    @pytest.fixture
    def serializer(self) -> Serializer:
        return TextSerializer()

    @pytest.fixture
    def values(self) -> list[Any]:
        return ["", "text"]

    @pytest.fixture
    def large_values(self) -> list[Any]:
        return ["text" * 50_000]
```
"""

import io
import json
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, time, timedelta, timezone
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import pytest

from perdure._model.errors import ResultError, SerializationError
from perdure._platform.keyring import new_key
from perdure._serializers.base import Serializer
from perdure._serializers.compressed import CompressedSerializer
from perdure._serializers.encrypted import EncryptedSerializer

__all__ = ["MemoryPayload", "SerializerConformance", "TextualSerializerConformance"]


class MemoryPayload:
    """A payload in memory, and the source of what was put into it."""

    def __init__(self, *, takes_buffers: bool = True) -> None:
        self.takes_buffers = takes_buffers
        self.stream = bytearray()
        self.kept: list[memoryview] = []

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        """Keep a copy of the bytes; how many they are."""
        view = memoryview(data).cast("B")
        self.stream += view
        return view.nbytes

    def add_buffer(self, buffer: memoryview, /) -> None:
        """Keep the bytes of a buffer, which later reads have as one."""
        assert self.takes_buffers, "there is no place for buffers"
        assert buffer.contiguous
        self.kept.append(buffer)

    def view(self) -> memoryview:
        """All bytes that are kept."""
        return memoryview(bytearray(self.stream))

    def buffers(self) -> Sequence[memoryview]:
        """Each buffer that was added."""
        return [memoryview(bytearray(buffer.cast("B"))) for buffer in self.kept]

    def open(self) -> BinaryIO:
        """A file of all bytes, to be read."""
        return io.BytesIO(self.stream)


class SerializerConformance:
    """The tests that every serializer passes; `serializer` is the one under test, `values` what it must take."""

    @pytest.fixture
    def serializer(self) -> Serializer:
        """The serializer that is tested: override it."""
        raise NotImplementedError("Override the fixture `serializer` with the serializer under test.")

    @pytest.fixture
    def values(self) -> list[Any]:
        """Values that come back equal, and of the same type; what is written of each is short."""
        return [None, True, 0, 2**70, -1.5, "", "naïve ☃", [], [1, [2, [3]]], {}, {"a": {"b": [None]}}]

    @pytest.fixture
    def large_values(self) -> list[Any]:
        """Values that come back equal, and of the same type; what is written of each is longer than `THRESHOLD`."""
        return []

    @pytest.fixture
    def odd_values(self) -> list[Any]:
        """Values that are easily lost in part: each comes back as it was, types of parts too, or is refused."""
        return [
            *[(1, [2]), {1: "a", "1": "b"}, {(1,): None}, {1, 2}, b"\xff", float("inf"), 1j, 2**70, OrderedDict(a=1)],
            *[Counter("aab"), defaultdict(list, a=[1]), datetime(2024, 7, 1, tzinfo=ZoneInfo("Europe/Berlin"))],
            *[time(1, tzinfo=timezone(timedelta(hours=1), "X")), "\ud800", "\ud83d\ude00", [True, 1, 1.0, "1"]],
        ]

    def is_same(self, loaded: object, value: object) -> bool:
        """Whether a value came back as it was; override it for values that `==` does not compare as a whole."""
        return type(loaded) is type(value) and bool(loaded == value)

    def test_values_come_back_as_they_were(
        self, serializer: Serializer, values: list[object], large_values: list[object]
    ) -> None:
        for value in [*values, *large_values]:
            assert self.is_same(serializer.loads(serializer.dumps(value)), value)

    def test_odd_values_come_back_as_they_were_or_are_refused(
        self, serializer: Serializer, odd_values: list[object]
    ) -> None:
        for value in odd_values:
            try:
                loaded = serializer.loads(serializer.dumps(value))
            except SerializationError:
                continue
            assert _with_types(loaded) == _with_types(value)

    def test_what_refers_to_itself_or_is_nested_deeply_is_an_error_of_ours_if_it_is_one(
        self, serializer: Serializer
    ) -> None:
        loop: list[object] = []
        loop.append(loop)
        deep: object = None
        for _ in range(20_000):
            deep = [deep]
        for value in (loop, deep):
            with suppress(SerializationError):
                serializer.dumps(value)

    def test_dumps_gives_bytes(self, serializer: Serializer, values: list[object]) -> None:
        assert {type(serializer.dumps(value)) for value in values} == {bytes}

    def test_equal_values_give_equal_bytes_unless_they_are_secret(
        self, serializer: Serializer, values: list[object]
    ) -> None:
        for value in values:
            assert (serializer.dumps(value) == serializer.dumps(value)) is not serializer.hides

    def test_a_small_value_is_not_put_into_the_payload(self, serializer: Serializer, values: list[object]) -> None:
        for value in values:
            payload = MemoryPayload()
            written = serializer.dump(value, payload)
            assert written is not None
            assert serializer.hides or written == serializer.dumps(value)
            assert self.is_same(serializer.loads(written), value)
            assert not payload.stream
            assert not payload.kept

    @pytest.mark.parametrize("takes_buffers", [True, False])
    def test_a_large_value_comes_back_from_the_payload(
        self, serializer: Serializer, large_values: list[object], takes_buffers: bool
    ) -> None:
        for value in large_values:
            payload = MemoryPayload(takes_buffers=takes_buffers)
            assert serializer.dump(value, payload) is None
            assert self.is_same(serializer.load(payload), value)

    def test_the_description_is_json_and_names_the_type(self, serializer: Serializer) -> None:
        description = json.loads(json.dumps(serializer.describe()))
        assert description == serializer.describe()
        assert description["type"] == serializer.type

    def test_its_description_builds_one_that_reads_what_it_wrote(
        self, serializer: Serializer, values: list[object], large_values: list[object]
    ) -> None:
        again = Serializer.from_description(serializer.describe())
        assert again.describe() == serializer.describe()
        assert again.hides is serializer.hides
        for value in values:
            assert self.is_same(again.loads(serializer.dumps(value)), value)
        for value in large_values:
            payload = MemoryPayload()
            serializer.dump(value, payload)
            assert self.is_same(again.load(payload), value)

    @pytest.mark.parametrize("wrapper", ["compressed", "encrypted"])
    def test_its_output_can_be_compressed_and_encrypted(
        self, serializer: Serializer, values: list[object], large_values: list[object], wrapper: str
    ) -> None:
        outer: Serializer = EncryptedSerializer(serializer=serializer, keys=new_key())
        if wrapper == "compressed":
            outer = CompressedSerializer(serializer=serializer, compressionlib="zlib", level=1)
        for value in [*values, *large_values]:
            payload = MemoryPayload()
            written = outer.dump(value, payload)
            loaded = outer.load(payload) if written is None else outer.loads(written)
            assert self.is_same(loaded, value)

    def test_a_serializer_cannot_be_changed(self, serializer: Serializer) -> None:
        with pytest.raises(ValueError, match="frozen"):
            serializer.type = "other"


def _with_types(value: object) -> object:
    """A value in which 1, 1.0 and True differ, and so do a zone and its offset."""
    if isinstance(value, dict):
        return type(value), getattr(value, "default_factory", None), [_with_types(each) for each in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [_with_types(each) for each in value]
    if isinstance(value, set | frozenset):
        return type(value), sorted(map(repr, value))
    if isinstance(value, datetime | time):
        return type(value), value.isoformat(), value.fold, repr(value.tzinfo)
    return type(value), value


class TextualSerializerConformance(SerializerConformance):
    """And for serializers whose output is text, which goes into the result document as it is."""

    def test_its_output_is_utf8(self, serializer: Serializer, values: list[object]) -> None:
        for value in values:
            serializer.dumps(value).decode()

    def test_what_is_not_its_output_is_refused(self, serializer: Serializer) -> None:
        for data in (b"", b"\xff\xfe", b"%%%", serializer.dumps([1, 2, 3])[:-4]):
            with pytest.raises(ResultError):
                serializer.loads(data)
