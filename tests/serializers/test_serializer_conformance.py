"""The conformance suite over every serializer and library."""

from typing import Any, Literal

import pytest

from perdure.serializers import CompressedSerializer, JSONSerializer, PickleSerializer, Serializer, resolve
from perdure.testing.serializer_conformance import SerializerConformance, TextualSerializerConformance


class RawText(Serializer):
    """A serializer of the user's own, with bytes that are not UTF-8."""

    type: Literal["raw-text"] = "raw-text"
    encoding: str = "utf-16"

    def dumps(self, obj: Any) -> bytes:
        return str(obj).encode(self.encoding)

    def loads(self, data: bytes) -> Any:
        return data.decode(self.encoding)


class TestPickle(TextualSerializerConformance):
    @pytest.fixture(params=["cloudpickle", "pickle"])
    def serializer(self, request: pytest.FixtureRequest) -> Serializer:
        return PickleSerializer(picklelib=request.param)


class TestJSON(TextualSerializerConformance):
    @pytest.fixture
    def serializer(self) -> Serializer:
        return JSONSerializer()


class TestOrjson(TextualSerializerConformance):
    @pytest.fixture
    def serializer(self) -> Serializer:
        return JSONSerializer(jsonlib="orjson")

    @pytest.fixture
    def values(self) -> list[Any]:
        return [None, True, 0, -1.5, "naïve ☃", [1, [2]], {"a": {"b": [None]}}, {1: (2, 3)}, b"\xff", float("inf")]


class TestCompressed(TextualSerializerConformance):
    @pytest.fixture(params=["lzma", "bz2", "zlib", "gzip", "zstandard"])
    def serializer(self, request: pytest.FixtureRequest) -> Serializer:
        return CompressedSerializer(serializer="json", compressionlib=request.param)


class TestCompressedWithLevel(TextualSerializerConformance):
    @pytest.fixture(params=["lzma", "bz2", "zlib", "gzip", "zstandard"])
    def serializer(self, request: pytest.FixtureRequest) -> Serializer:
        return CompressedSerializer(serializer="pickle", compressionlib=request.param, level=1)


class TestCompressedByName(TextualSerializerConformance):
    @pytest.fixture(params=["compressed/json", "compressed/pickle"])
    def serializer(self, request: pytest.FixtureRequest) -> Serializer:
        return resolve(request.param, default="pickle")


class TestCustom(SerializerConformance):
    @pytest.fixture
    def serializer(self) -> Serializer:
        return RawText()

    @pytest.fixture
    def values(self) -> list[Any]:
        return ["", "naïve ☃"]
