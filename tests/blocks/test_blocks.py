import asyncio
import subprocess
import sys
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import ClassVar
from uuid import UUID

import pytest
from dict_store import DictStore
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError, computed_field

from perdure import blocks
from perdure._platform.ids import is_id
from perdure.blocks import Block, block_class, from_record, set_store_provider
from perdure.errors import BlockError, BlockMissing
from perdure.filesystems import LocalFileSystem, Storage


class Credentials(Block):
    user: str
    host: str = "localhost"


class S3Like(Block):
    pass


class GCSBucketV2(Block):
    pass


class Renamed(Block):
    block_type: ClassVar[str] = "another-name"


class Place(BaseModel):
    city: str


class Everything(Block):
    number: float = 0.0
    exact: Decimal = Decimal(0)
    text: str = ""
    moment: datetime = datetime(2024, 1, 1)
    span: timedelta = timedelta()
    path: Path = Path()
    id: UUID = UUID(int=0)
    names: frozenset[str] = frozenset()
    pairs: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    place: Place | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def size(self) -> int:
        return len(self.text)


@pytest.mark.parametrize(
    ("kind", "slug"),
    [
        (LocalFileSystem, "local-file-system"),
        (Credentials, "credentials"),
        (S3Like, "s3-like"),
        (GCSBucketV2, "gcs-bucket-v2"),
        (Renamed, "another-name"),
    ],
)
def test_the_types_slug_comes_from_the_name_of_the_class(kind: type[Block], slug: str) -> None:
    assert kind.block_type == slug
    assert block_class(slug) is kind


def test_a_saved_block_is_loaded_by_its_slug_or_on_its_class_by_name(tmp_path: Path) -> None:
    saved = LocalFileSystem(tmp_path)
    assert saved.save("dev") == "local-file-system/dev"
    assert Block.load("local-file-system/dev") == Storage.load("local-file-system/dev") == saved
    assert LocalFileSystem.load("dev") == saved


def test_the_async_forms_do_the_same(tmp_path: Path) -> None:
    async def use() -> LocalFileSystem:
        assert await LocalFileSystem(tmp_path).asave("dev") == "local-file-system/dev"
        return await LocalFileSystem.aload("dev")

    assert asyncio.run(use()) == LocalFileSystem(tmp_path)


@pytest.mark.parametrize("name", ["", "Dev", "a b", "a/b", "a_b", "é", "a\n"])
def test_a_malformed_name_is_refused(name: str) -> None:
    with pytest.raises(BlockError, match=r"cannot be a block's name\. Use lower-case letters"):
        Credentials(user="a").save(name)


def test_a_taken_name_is_refused_unless_it_is_to_be_overwritten() -> None:
    Credentials(user="a").save("dev")
    with pytest.raises(BlockError, match=r"saved as 'credentials/dev' already\. Pass overwrite=True"):
        Credentials(user="b").save("dev")
    Credentials(user="b").save("dev", overwrite=True)
    assert Credentials.load("dev").user == "b"


def test_overwriting_a_name_leaves_the_old_block_under_its_id(store: DictStore) -> None:
    old = Credentials(user="a")
    old.save("dev")
    Credentials(user="b").save("dev", overwrite=True)
    record = store.block(old.record().id)
    assert record is not None
    assert from_record(record) == old


def test_a_deleted_block_is_found_by_its_id_alone(store: DictStore) -> None:
    old = Credentials(user="a")
    blocks.delete(old.save("dev"))
    assert store.block(old.record().id) is not None
    with pytest.raises(BlockMissing):
        Credentials.load("dev")


def test_a_slug_that_is_not_there_is_named_with_its_nearest() -> None:
    with pytest.raises(BlockMissing, match=r"'credentials/dev'\. No block is saved yet"):
        Credentials.load("dev")
    Credentials(user="a").save("production")
    with pytest.raises(BlockMissing, match=r"'credentials/prodction'\. Did you mean 'credentials/production'"):
        blocks.delete("credentials/prodction")
    with pytest.raises(BlockMissing, match=r"Saved are credentials/production\."):
        LocalFileSystem.load("zzz")
    with pytest.raises(BlockMissing, match=r"no type of block 'locl-file-system'\. Did you mean 'local-file-system'"):
        Block.load("locl-file-system/dev")


def test_a_name_without_a_type_needs_a_concrete_class() -> None:
    for kind in (Block, Storage):
        with pytest.raises(BlockError, match=r"Use a slug such as 'type/dev'"):
            kind.load("dev")


def test_a_block_of_another_type_is_refused() -> None:
    slug = Credentials(user="a").save("dev")
    with pytest.raises(BlockError, match="is a Credentials, not a LocalFileSystem"):
        LocalFileSystem.load(slug)


def test_an_unknown_type_is_named_with_its_nearest() -> None:
    with pytest.raises(BlockError, match=r"no type of block 'local-file-sistem'\. Did you mean 'local-file-system'"):
        block_class("local-file-sistem")


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ValidationError, match="pasword"):
        Credentials(user="a", pasword="b")  # type: ignore[call-arg]


def test_a_record_that_does_not_fit_its_type_any_more_is_named() -> None:
    record = Credentials(user="a").record()._replace(data='{"usr":"a"}')
    with pytest.raises(BlockError, match=r"'credentials/[0-9a-f-]+' does not fit Credentials"):
        from_record(record)


def test_equal_blocks_that_were_never_saved_are_one_record() -> None:
    first, second = Credentials(user="a").record(), Credentials(user="a", host="localhost").record()
    assert is_id(first.id)
    assert (first.id, first.name, first.data) == (second.id, None, second.data)
    assert Credentials(user="b").record().id != first.id


def test_types_with_equal_fields_are_not_one_record() -> None:
    assert S3Like().record().id != GCSBucketV2().record().id


def test_a_saved_block_is_recorded_under_the_id_it_was_saved_with() -> None:
    block = Credentials(user="a")
    block.save("dev")
    assert block.record() == Credentials.load("dev").record()
    assert block.record().name == "dev"
    assert block.record().id != Credentials(user="a").record().id


def test_a_changed_copy_of_a_saved_block_is_another_block() -> None:
    block = Credentials(user="a")
    block.save("dev")
    copy = block.model_copy(update={"user": "b"})
    assert copy.record().name is None
    assert copy.record().id == Credentials(user="b").record().id


def test_blocks_do_not_change_and_serve_as_keys() -> None:
    block = Credentials(user="a")
    with pytest.raises(ValidationError, match="frozen"):
        block.user = "b"
    saved = Credentials(user="a")
    saved.save("dev")
    assert {block: 1}[saved] == 1


@given(st.builds(Everything, place=st.none() | st.builds(Place)))
def test_every_block_comes_back_from_its_record(block: Everything) -> None:
    assert from_record(block.record()) == block


def test_a_field_that_json_cannot_hold_is_refused_by_name() -> None:
    class Odd(Block):
        thing: object

    with pytest.raises(BlockError, match=r"An? Odd cannot be saved.*object"):
        Odd(thing=object()).save("dev")


def test_without_a_store_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perdure._platform.providers._orchestrator", None)
    set_store_provider(None)
    with pytest.raises(BlockError, match=r"no place to keep blocks.*import perdure"):
        Credentials(user="a").save("dev")


def test_perdures_own_types_are_not_taken_over() -> None:
    with pytest.raises(BlockError, match=r"'local-file-system', which is Perdure's own\. Rename the class"):
        type("LocalFileSystem", (Block,), {"__module__": "mine"})
    assert block_class("local-file-system") is LocalFileSystem


def test_a_class_that_is_defined_again_takes_over() -> None:
    again = type("S3Like", (Block,), {"__module__": __name__})
    assert block_class("s3-like") is again


def test_the_types_of_an_installed_package_are_found_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plugin_for_test.py").write_text("from perdure.blocks import Block\nclass Plugged(Block): pass\n")
    described = tmp_path / "plugin_for_test-1.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Name: plugin_for_test\nVersion: 1\n")
    (described / "entry_points.txt").write_text("[perdure.blocks]\nplugged = plugin_for_test\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert block_class("plugged").__module__ == "plugin_for_test"


@pytest.mark.slow
def test_blocks_do_not_import_the_event_loop_or_the_cipher() -> None:
    program = "import sys, perdure.filesystems; print({'asyncio', 'cryptography'} & sys.modules.keys())"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout == "set()\n"
