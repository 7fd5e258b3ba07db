"""How a serializer is found: by its name, its description, or as an instance."""

import base64
import subprocess
import sys
import textwrap
from typing import Any, Literal

import pytest

from perdure._serializers import compressed
from perdure._serializers.payload import BytesSource
from perdure.errors import DefinitionError, ResultCorrupt, ResultUnreadable, UnknownSerializer
from perdure.serializers import CompressedSerializer, JSONSerializer, PickleSerializer, Serializer, resolve


class Upper(Serializer):
    type: Literal["upper"] = "upper"

    def dumps(self, obj: Any) -> bytes:
        return str(obj).upper().encode()

    def loads(self, data: bytes) -> Any:
        return data.decode().lower()


def test_a_type_needs_no_annotation() -> None:
    class Lower(Serializer):
        type = "lower"
        suffix: str = ""

        def dumps(self, obj: Any) -> bytes:
            return f"{obj.lower()}{self.suffix}".encode()

        def loads(self, blob: bytes) -> Any:
            assert type(blob) is bytes
            return blob.decode()

    serializer = resolve("lower", default="pickle")
    assert serializer == Lower()
    assert serializer.load(BytesSource(serializer.dumps("A"))) == "a"
    assert Serializer.from_description(Lower(suffix="!").describe()).dumps("A") == b"a!"
    with pytest.raises(ValueError, match="Input should be 'lower'"):
        Lower(type="upper")


def test_a_name_gives_the_serializer_with_its_defaults() -> None:
    assert resolve("json", default="pickle") == JSONSerializer()
    assert resolve("compressed/json", default="pickle") == CompressedSerializer(serializer="json")


def test_nothing_gives_the_default() -> None:
    assert resolve(None, default="json") == JSONSerializer()


def test_an_instance_is_itself() -> None:
    serializer = PickleSerializer(picklelib="pickle")
    assert resolve(serializer, default="json") is serializer


def test_a_name_is_resolved_once() -> None:
    assert resolve("pickle", default="json") is resolve("pickle", default="json")


def test_a_custom_serializer_is_found_by_its_type() -> None:
    assert resolve("upper", default="json") == Upper()
    assert Serializer.from_description({"type": "upper"}) == Upper()


def test_an_unknown_name_is_refused_with_the_nearest_and_how_to_add_one() -> None:
    with pytest.raises(UnknownSerializer, match=r"'jsn'.*Did you mean 'json'\?.*Literal\[\"jsn\"\]"):
        resolve("jsn", default="json")


def test_what_is_no_name_is_refused() -> None:
    with pytest.raises(UnknownSerializer, match="not 3"):
        resolve(3, default="json")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["compressed/upper", "zipped/json", "compressed/"])
def test_the_shortcut_is_for_our_own_types(name: str) -> None:
    with pytest.raises(UnknownSerializer, match=r"pass CompressedSerializer|No serializer has the type"):
        resolve(name, default="json")


def test_a_custom_serializer_can_be_compressed_as_an_instance() -> None:
    serializer = CompressedSerializer(serializer=Upper())
    again = Serializer.from_description(serializer.describe())
    assert again.loads(serializer.dumps("Hello")) == "hello"


def test_a_type_name_that_is_taken_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"'json' is taken by perdure\.serializers\.JSONSerializer"):

        class Mine(Upper):
            type: Literal["json"] = "json"  # type: ignore[assignment]


def test_a_description_that_does_not_fit_is_unreadable() -> None:
    with pytest.raises(ResultUnreadable, match="colour"):
        Serializer.from_description({"type": "json", "colour": "red"})
    with pytest.raises(ResultUnreadable, match="no type name"):
        Serializer.from_description({})


@pytest.mark.parametrize(
    "description",
    [
        {"type": "json", "object_decoder": "subprocess.check_output"},
        {"type": "json", "jsonlib": "marshal"},
        {"type": "pickle", "picklelib": "marshal"},
        {"type": "compressed", "serializer": {"type": "json"}, "compressionlib": "antigravity"},
        {"type": "compressed", "serializer": {"type": "json", "jsonlib": "marshal"}},
    ],
)
def test_a_document_cannot_make_its_reader_import_or_call_what_was_not_chosen(description: dict[str, Any]) -> None:
    with pytest.raises(ResultUnreadable, match="has not chosen"):
        Serializer.from_description(description)
    assert "antigravity" not in sys.modules


def test_a_shortcut_type_that_prefect_2_wrote_is_read_by_the_library_that_is_its_default() -> None:
    expected = CompressedSerializer(serializer="json", compressionlib="lzma")
    assert Serializer.from_description({"type": "compressed/json"}) == expected


def test_a_compressed_document_says_by_which_library() -> None:
    assert resolve("compressed/pickle", default="json").describe()["compressionlib"] == "zlib"


def test_compressed_data_that_is_damaged_is_corrupt() -> None:
    serializer = resolve("compressed/json", default="json")
    with pytest.raises(ResultCorrupt, match="cannot be decompressed by zlib"):
        serializer.loads(serializer.dumps([1])[:-8])


@pytest.mark.parametrize(("library", "message"), [("no_such", "cannot be imported"), ("math", "no function compress")])
def test_a_wrong_compression_library_is_refused_at_once(library: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CompressedSerializer(compressionlib=library)


@pytest.mark.parametrize("library", ["lzma", "bz2", "zlib", "gzip", "zstd"])
def test_a_wrong_level_is_refused_at_once(library: str) -> None:
    with pytest.raises(ValueError, match="does not take the level 999"):
        CompressedSerializer(compressionlib=library, level=999)


@pytest.mark.parametrize("library", ["zstandard", "zstd", "compression.zstd", "backports.zstd"])
@pytest.mark.parametrize("tail", ["2015a900007b2261", "0458a900007b2261"], ids=["with its size", "with a checksum"])
def test_what_the_module_zstandard_compressed_is_read_by_each_name_of_the_format(library: str, tail: str) -> None:
    checksum = "8289907c" if tail.startswith("04") else ""
    written = bytes.fromhex(f"28b52ffd{tail}223a205b312c20322e352c206e756c6c5d7d{checksum}")
    serializer = Serializer.from_description({"type": "compressed", "serializer": "json", "compressionlib": library})
    assert serializer.loads(base64.b64encode(written)) == {"a": [1, 2.5, None]}


def test_who_lacks_the_backport_of_zstd_learns_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, module, None)
    compressed._library.cache_clear()
    with pytest.raises(ValueError, match=r"pip install 'perdure\[zstd\]'"):
        CompressedSerializer(compressionlib="zstd")


@pytest.mark.slow
def test_plain_values_are_pickled_without_importing_cloudpickle() -> None:
    program = """
        import sys
        from perdure.serializers import resolve
        serializer = resolve("pickle", default="pickle")
        assert serializer.loads(serializer.dumps({"a": [1]})) == {"a": [1]}
        assert serializer.describe()["picklelib_version"]
        assert not {"cloudpickle", "numpy", "orjson"} & sys.modules.keys()
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)
