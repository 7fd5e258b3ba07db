"""The conformance suite over every serializer and library."""

from typing import Any, Literal

import numpy as np
import pytest

from perdure import settings
from perdure.errors import SerializationError
from perdure.serializers import (
    CompressedSerializer,
    EncryptedSerializer,
    JSONSerializer,
    PickleSerializer,
    Serializer,
    new_key,
    resolve,
)
from perdure.testing.serializer_conformance import SerializerConformance, TextualSerializerConformance


class RawText(Serializer):
    """A serializer of the user's own, with bytes that are not UTF-8."""

    type: Literal["raw-text"] = "raw-text"
    encoding: str = "utf-16"

    def dumps(self, obj: Any) -> bytes:
        if type(obj) is not str or not obj.isprintable():
            raise SerializationError(f"result: it is no printable text but a {type(obj).__name__}")
        return obj.encode(self.encoding)

    def loads(self, data: bytes) -> Any:
        return data.decode(self.encoding)


class Plain(TextualSerializerConformance):
    @pytest.fixture
    def large_values(self) -> list[Any]:
        return ["naïve ☃" * 20_000, [{"index": index, "text": str(index)} for index in range(8_000)]]


class WithArrays(Plain):
    @pytest.fixture
    def large_values(self) -> list[Any]:
        array = np.arange(30_000.0).reshape(100, 300)
        return [bytes(200_000), {"rows": array, "columns": array.T, "every other": array[::2, ::2], "short": array[0]}]

    def is_same(self, loaded: Any, value: Any) -> bool:
        if isinstance(value, dict):
            return loaded.keys() == value.keys() and all(self.is_same(loaded[key], value[key]) for key in value)
        if isinstance(value, np.ndarray):
            return bool(np.array_equal(loaded, value)) and loaded.flags.writeable
        return super().is_same(loaded, value)


@pytest.fixture
def encryption_keys() -> Any:
    with settings.temporary_settings(results_encryption_keys=new_key("of-the-settings")):
        yield


class TestPickle(WithArrays):
    @pytest.fixture(params=["cloudpickle", "pickle"])
    def serializer(self, request: pytest.FixtureRequest) -> Serializer:
        return PickleSerializer(picklelib=request.param)


class TestPickleUnderAnAllowList(WithArrays):
    @pytest.fixture
    def serializer(self) -> Any:
        with settings.temporary_settings(results_allowed_classes="numpy.*"):
            yield PickleSerializer()


class TestJSON(Plain):
    @pytest.fixture
    def serializer(self) -> Serializer:
        return JSONSerializer()


class TestOrjson(Plain):
    @pytest.fixture
    def serializer(self) -> Serializer:
        return JSONSerializer(jsonlib="orjson")

    @pytest.fixture
    def values(self) -> list[Any]:
        return [None, True, 0, -1.5, "naïve ☃", [1, [2]], {"a": {"b": [None]}}, {1: (2, 3)}, b"\xff", float("inf")]


class TestCompressed(Plain):
    @pytest.fixture(params=["lzma", "bz2", "zlib", "gzip", "zstd", "zstandard", "compress_whole"])
    def serializer(self, request: pytest.FixtureRequest) -> Serializer:
        return CompressedSerializer(serializer="json", compressionlib=request.param)


class TestCompressedWithLevel(WithArrays):
    @pytest.fixture(params=["lzma", "bz2", "zlib", "gzip", "zstd"])
    def serializer(self, request: pytest.FixtureRequest) -> Serializer:
        return CompressedSerializer(serializer="pickle", compressionlib=request.param, level=1)


class TestByName(Plain):
    @pytest.fixture(
        params=[
            "compressed",
            "compressed/json",
            "compressed/pickle",
            "encrypted",
            "encrypted/json",
            "encrypted/pickle",
            "encrypted/compressed/json",
            "compressed/encrypted/pickle",
        ]
    )
    def serializer(self, request: pytest.FixtureRequest, encryption_keys: None) -> Serializer:
        return resolve(request.param, default="pickle")


class TestEncryptedWithKeysOfItsOwn(WithArrays):
    @pytest.fixture
    def serializer(self) -> Serializer:
        return EncryptedSerializer(keys=new_key("own"))


class TestCustom(SerializerConformance):
    @pytest.fixture
    def serializer(self) -> Serializer:
        return RawText()

    @pytest.fixture
    def values(self) -> list[Any]:
        return ["", "naïve ☃"]

    @pytest.fixture
    def large_values(self) -> list[Any]:
        return ["naïve ☃" * 20_000]
