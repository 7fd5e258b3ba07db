"""Classes by the names under which they are saved, and objects by their dotted names."""

import asyncio
from pathlib import Path

import pytest

from perdure import get_run_logger
from perdure.blocks.core import Block
from perdure.blocks.system import Secret
from perdure.errors import EntrypointError
from perdure.filesystems import GCS, S3, LocalFileSystem
from perdure.serializers import JSONSerializer, Serializer
from perdure.utilities.asyncutils import run_coro_as_sync
from perdure.utilities.dispatch import get_dispatch_key, get_registry_for_type, lookup_type
from perdure.utilities.importtools import (
    from_qualified_name,
    import_object,
    load_module,
    load_script_as_module,
    to_qualified_name,
)


def test_types_of_blocks_and_serializers_are_had_by_the_names_they_are_saved_under() -> None:
    assert (get_registry_for_type(Block) or {})["s3"] is lookup_type(Block, "s3") is S3
    assert (get_registry_for_type(Serializer) or {})["json"] is lookup_type(Serializer, "json") is JSONSerializer
    assert (get_dispatch_key(S3), get_dispatch_key(JSONSerializer())) == ("s3", "json")


def test_what_is_no_such_type_is_refused() -> None:
    assert get_registry_for_type(Path) is None
    with pytest.raises(ValueError, match="Path is no type"):
        get_dispatch_key(Path)
    with pytest.raises(ValueError, match="'secret' is no S3"):
        lookup_type(S3, "secret")


def test_what_has_a_qualified_name_is_found_by_it() -> None:
    name = to_qualified_name(LocalFileSystem.read)
    assert from_qualified_name(name) is LocalFileSystem.read
    assert from_qualified_name("perdure.utilities").__name__ == "perdure.utilities"
    with pytest.raises(AttributeError):
        from_qualified_name("perdure.nothing")
    with pytest.raises(ModuleNotFoundError):
        from_qualified_name("no_such_package.thing")


def test_objects_and_modules_are_loaded_from_files(tmp_path: Path) -> None:
    program = tmp_path / "loaded_by_path.py"
    program.write_text("def answer():\n    return 42\n")
    assert import_object(f"{program}:answer")() == 42
    assert import_object("perdure.get_run_logger") is get_run_logger
    assert load_script_as_module(str(program)).answer() == 42
    assert load_module("perdure.states").__name__ == "perdure.states"
    with pytest.raises(EntrypointError):
        load_script_as_module(str(tmp_path / "none.py"))


def test_a_coroutine_is_run_from_plain_code_with_or_without_a_running_loop() -> None:
    async def answer() -> int:
        await asyncio.sleep(0)
        return 42

    async def main() -> int:
        return run_coro_as_sync(answer())

    assert run_coro_as_sync(answer()) == run_coro_as_sync(answer(), force_new_thread=True) == 42
    assert asyncio.run(main()) == 42


def test_clouds_take_prefects_names_of_their_fields() -> None:
    assert S3(bucket_path="b", region_name="eu-north-1").region == "eu-north-1"  # type: ignore[call-arg]
    assert GCS(bucket_path="b", project="p") == GCS(bucket_path="b")  # type: ignore[call-arg]


def test_a_block_is_loaded_in_another_thread_by_either_name_of_its_name() -> None:
    Secret(value="x").save("key")
    assert asyncio.run(Secret.aload(name="key")) == asyncio.run(Secret.aload("key"))
