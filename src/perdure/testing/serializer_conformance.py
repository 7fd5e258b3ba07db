"""What every serializer must do. Subclass it in your tests and override its fixtures:

class TestTextSerializer(SerializerConformance):
    @pytest.fixture
    def serializer(self) -> Serializer:
        return TextSerializer()

    @pytest.fixture
    def values(self) -> list[Any]:
        return ["", "text"]
"""

import json
from typing import Any

import pytest

from perdure.core.errors import ResultError
from perdure.serializers import CompressedSerializer, Serializer


class SerializerConformance:
    """The tests that every serializer passes; `serializer` is the one under test, `values` what it must take."""

    @pytest.fixture
    def serializer(self) -> Serializer:
        raise NotImplementedError("Override the fixture `serializer` with the serializer under test.")

    @pytest.fixture
    def values(self) -> list[Any]:
        """Values that come back equal, and of the same type."""
        return [None, True, 0, 2**70, -1.5, "", "naïve ☃", [], [1, [2, [3]]], {}, {"a": {"b": [None]}}]

    def test_values_come_back_as_they_were(self, serializer: Serializer, values: list[Any]) -> None:
        for value in values:
            loaded = serializer.loads(serializer.dumps(value))
            assert loaded == value
            assert type(loaded) is type(value)

    def test_dumps_gives_bytes(self, serializer: Serializer, values: list[Any]) -> None:
        assert {type(serializer.dumps(value)) for value in values} == {bytes}

    def test_equal_values_give_equal_bytes(self, serializer: Serializer, values: list[Any]) -> None:
        for value in values:
            assert serializer.dumps(value) == serializer.dumps(value)

    def test_the_description_is_json_and_names_the_type(self, serializer: Serializer) -> None:
        description = json.loads(json.dumps(serializer.describe()))
        assert description == serializer.describe()
        assert description["type"] == serializer.type

    def test_its_description_builds_one_that_reads_what_it_wrote(
        self, serializer: Serializer, values: list[Any]
    ) -> None:
        again = Serializer.from_description(serializer.describe())
        assert again.describe() == serializer.describe()
        for value in values:
            assert again.loads(serializer.dumps(value)) == value

    def test_its_output_can_be_compressed(self, serializer: Serializer, values: list[Any]) -> None:
        compressed = CompressedSerializer(serializer=serializer, compressionlib="zlib")
        for value in values:
            assert compressed.loads(compressed.dumps(value)) == value

    def test_a_serializer_cannot_be_changed(self, serializer: Serializer) -> None:
        with pytest.raises(ValueError, match="frozen"):
            serializer.type = "other"


class TextualSerializerConformance(SerializerConformance):
    """And for serializers whose output is text, which goes into the result document as it is."""

    def test_its_output_is_utf8(self, serializer: Serializer, values: list[Any]) -> None:
        for value in values:
            serializer.dumps(value).decode()

    def test_what_is_not_its_output_is_refused(self, serializer: Serializer) -> None:
        for data in (b"", b"\xff\xfe", b"%%%", serializer.dumps([1, 2, 3])[:-4]):
            with pytest.raises(ResultError):
                serializer.loads(data)
