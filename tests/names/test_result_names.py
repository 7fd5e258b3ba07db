"""Results, serializers and file systems by the calls that users of Prefect write."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from perdure import flow, task
from perdure.errors import ResultCorrupt, UnknownSerializer
from perdure.filesystems import LocalFileSystem
from perdure.results import LiteralResult, PersistedResult, PersistedResultBlob, UnpersistedResult, result_from_json
from perdure.serializers import CompressedSerializer, JSONSerializer, PickleSerializer, Serializer

PREFECT = Path(__file__).parents[1] / "results" / "golden" / "prefect_2_20"
VALUE = {"city": "Oslo", "days": [1, 2.5, None, True], "text": "naïve ☃"}
TYPES = ("json", "pickle", "compressed/json", "compressed/pickle")


@pytest.mark.parametrize("type", TYPES)
def test_a_document_of_prefect_is_parsed_and_its_serializer_loads_it(type: str) -> None:
    document = (PREFECT / type.replace("/", "-")).read_bytes()
    blob = PersistedResultBlob.parse_raw(document)
    assert blob.serializer.loads(blob.data) == VALUE
    assert PersistedResultBlob.parse_raw(document.decode()) == blob


@pytest.mark.parametrize("type", TYPES)
def test_a_document_is_written_as_prefects_users_write_it(type: str) -> None:
    serializer: Any = Serializer(type=type)
    blob = PersistedResultBlob(serializer=serializer, data=serializer.dumps(VALUE))
    assert blob.load() == VALUE
    again: Any = PersistedResultBlob.parse_raw(blob.to_bytes())
    assert again.serializer.loads(again.data) == VALUE
    assert again.serializer == serializer.describe()
    assert json.loads(blob.json()) == json.loads(blob.to_bytes())


@pytest.mark.parametrize("type", TYPES)
def test_a_document_that_a_task_wrote_is_parsed(type: str, tmp_path: Path) -> None:
    storage = LocalFileSystem(basepath=tmp_path)

    @task(persist_result=True, result_storage=storage, result_serializer=type, result_storage_key="value")
    def give() -> dict[str, Any]:
        return VALUE

    give()
    blob: Any = PersistedResultBlob.parse_raw(storage.read_path("value"))
    assert blob.serializer.loads(blob.data) == VALUE
    assert blob.serializer.type == type.partition("/")[0]


def test_what_is_no_document_is_not_parsed() -> None:
    with pytest.raises(ResultCorrupt):
        PersistedResultBlob.parse_raw("{}")


def test_a_serializer_is_made_by_its_type() -> None:
    assert Serializer(type="json") == JSONSerializer()
    assert Serializer(type="pickle", picklelib="cloudpickle") == PickleSerializer(picklelib="cloudpickle")
    assert Serializer(type="compressed/json") == CompressedSerializer(serializer="json")
    assert Serializer(type="compressed", serializer="pickle") == CompressedSerializer(serializer="pickle")


def test_a_serializer_of_ones_own_is_made_by_its_type() -> None:
    class Shout(Serializer):
        type = "shout"  # type: ignore[assignment]
        mark: str = "!"

        def dumps(self, obj: Any) -> bytes:
            return f"{obj}{self.mark}".encode()

        def loads(self, data: bytes) -> Any:
            return data.decode().removesuffix(self.mark)

    made: Any = Serializer(type="shout", mark="?")
    assert made.dumps("ho") == b"ho?"


@pytest.mark.parametrize("fields", [{"type": "jsno"}, {"type": "json", "no_such": 1}])
def test_a_serializer_that_there_is_not_is_not_made(fields: dict[str, Any]) -> None:
    with pytest.raises(UnknownSerializer):
        Serializer(**fields)


def test_results_say_whether_their_value_is_in_memory() -> None:
    @task(persist_result=True)
    def give() -> list[int]:
        return [1]

    kept, read = give(return_state=True).data, give.with_options(cache_result_in_memory=False)(return_state=True).data
    assert (kept.has_cached_object(), read.has_cached_object()) == (True, False)
    assert kept.storage_block_id == kept.storage_id
    assert kept.serializer_type == "pickle"
    assert PersistedResult.parse_raw(kept.json()).get() == [1]
    assert LiteralResult(None).has_cached_object()
    assert not UnpersistedResult(python_type="int").has_cached_object()


def test_results_are_created_by_hand(tmp_path: Path) -> None:
    storage = LocalFileSystem(basepath=tmp_path)
    made = PersistedResult.create([1], storage, uuid4(), lambda: "mine", JSONSerializer(), cache_object=False)
    assert made.storage_key == "mine"
    assert not made.has_cached_object()
    assert made.get() == [1]
    assert LiteralResult.create(UUID(int=1)).get() == UUID(int=1)
    assert UnpersistedResult.create(3).get() == 3
    assert not UnpersistedResult.create(3, cache_object=False).has_cached_object()
    with pytest.raises(TypeError, match="no literal"):
        LiteralResult.create(3)


def test_in_async_code_results_are_created_and_files_read_and_written_by_awaiting(tmp_path: Path) -> None:
    storage = LocalFileSystem(basepath=tmp_path)

    @flow
    async def awaits() -> Any:
        made = await PersistedResult.create([1], storage, uuid4(), lambda: "mine", JSONSerializer())
        path = await storage.write_path("a/b", b"text")
        assert path == str(tmp_path / "a" / "b")
        assert await storage.read_path("a/b") == b"text"
        return made.storage_key, (await LiteralResult.create(None)).get(), (await UnpersistedResult.create(1)).get()

    assert asyncio.run(awaits()) == ("mine", None, 1)


def test_a_file_is_read_and_written_by_path(tmp_path: Path) -> None:
    storage = LocalFileSystem(basepath=tmp_path)
    assert storage.write_path("a/b", b"text") == str(tmp_path / "a" / "b")
    assert storage.read_path("a/b") == b"text"


def test_directories_go_there_and_back(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "deep").mkdir(parents=True)
    (source / "one").write_text("1")
    (source / "deep" / "two").write_text("2")
    storage = LocalFileSystem(basepath=tmp_path / "kept")
    assert storage.put_directory(source, "data/") == 2
    storage.write("database", b"no")  # not below `data/`
    storage.get_directory("data", target)
    assert {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()} == {"one", "deep/two"}
    assert (target / "deep" / "two").read_text() == "2"
    assert asyncio.run(_put(storage, source)) == 2
    assert storage.read("deep/two") == b"2"


async def _put(storage: LocalFileSystem, source: Path) -> Any:
    return await storage.put_directory(str(source))


def test_the_type_of_a_compressed_result_names_what_is_compressed() -> None:
    made = task(persist_result=True, result_serializer="compressed/json")(lambda: [1])(return_state=True).data
    assert made.serializer_type == "compressed/json"
    assert result_from_json(made.json()).get() == [1]
