"""What every storage must do, as tests: subclass `StorageConformance` and override its fixture.

```python
class TestMyStorage(StorageConformance):
    @pytest.fixture
    def storage(self):
        return MyStorage()
```
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from perdure.blocks import from_record
from perdure.core.errors import ObjectMissing, StorageKeyError
from perdure.filesystems import Storage
from perdure.filesystems.storage import MAX_KEY

GOOD_KEYS = (
    "a",
    "a.json",
    "a/b/c",
    "..a",
    "a..b/c",
    ".hidden",
    "with space",
    "ключ/鍵",
    "2024-01-01T00:00:00",
    "k" * 200,
)
BAD_KEYS = (
    *("", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/../b", "a/./b", "a\\b", "..\\a", "C:/a", "c:a"),
    *("a\0b", "a\nb", "a\n", "\x7f", "\x85", "\ud800", ".tmp-a", "a/.tmp-b", "k" * (MAX_KEY + 1)),
)


class StorageConformance:
    """The behaviour of every storage. `storage` must be empty at the start of each test."""

    @pytest.fixture
    def storage(self) -> Storage:
        raise NotImplementedError("Override the fixture `storage` with one that returns an empty storage.")

    @pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 4_097])
    def test_what_is_written_is_read(self, storage: Storage, data: bytes) -> None:
        storage.write("a", data)
        assert storage.read("a") == data

    @pytest.mark.parametrize("key", GOOD_KEYS)
    def test_a_well_formed_key_is_taken(self, storage: Storage, key: str) -> None:
        storage.write(key, key.encode())
        assert storage.exists(key)
        assert storage.read(key) == key.encode()
        assert list(storage.list()) == [key]

    @pytest.mark.parametrize("key", BAD_KEYS)
    @pytest.mark.parametrize("operation", ["read", "exists", "delete", "describe"])
    def test_a_malformed_key_is_refused(self, storage: Storage, operation: str, key: str) -> None:
        with pytest.raises(StorageKeyError):
            getattr(storage, operation)(key)

    @pytest.mark.parametrize("key", BAD_KEYS)
    def test_a_malformed_key_is_refused_for_writing(self, storage: Storage, key: str) -> None:
        with pytest.raises(StorageKeyError):
            storage.write(key, b"x")
        assert list(storage.list()) == []

    def test_writing_again_overwrites(self, storage: Storage) -> None:
        storage.write("a", b"long before")
        storage.write("a", b"after")
        assert storage.read("a") == b"after"
        assert list(storage.list()) == ["a"]

    def test_reading_what_is_not_there_says_so(self, storage: Storage) -> None:
        storage.write("a/b", b"x")
        for key in ("b", "a", "a/c", "a/b/c"):
            with pytest.raises(ObjectMissing):
                storage.read(key)

    def test_only_what_was_written_exists(self, storage: Storage) -> None:
        storage.write("a/b", b"x")
        assert storage.exists("a/b")
        assert not any(storage.exists(key) for key in ("a", "b", "a/b/c", "a/bb"))

    def test_what_is_deleted_is_gone(self, storage: Storage) -> None:
        storage.write("a/b", b"x")
        storage.delete("a/b")
        assert not storage.exists("a/b")
        assert list(storage.list()) == []

    def test_deleting_what_is_not_there_does_nothing(self, storage: Storage) -> None:
        storage.write("a/b", b"x")
        for key in ("b", "a", "a/c", "a/b/c"):
            storage.delete(key)
        assert storage.read("a/b") == b"x"

    def test_keys_are_listed_by_the_beginning_of_their_text(self, storage: Storage) -> None:
        for key in ("a/1", "a/b/2", "ab", "b"):
            storage.write(key, b"x")
        listed = {prefix: sorted(storage.list(prefix)) for prefix in ("", "a", "a/", "a/b", "c", "c/d")}
        assert listed == {
            "": ["a/1", "a/b/2", "ab", "b"],
            "a": ["a/1", "a/b/2", "ab"],
            "a/": ["a/1", "a/b/2"],
            "a/b": ["a/b/2"],
            "c": [],
            "c/d": [],
        }

    def test_a_person_is_told_where_an_object_is(self, storage: Storage) -> None:
        assert storage.describe("some/key").endswith("some/key")

    def test_the_async_forms_do_the_same(self, storage: Storage) -> None:
        async def use() -> tuple[bytes, bool, bool]:
            await storage.awrite("a", b"x")
            data, there = await storage.aread("a"), await storage.aexists("a")
            await storage.adelete("a")
            return data, there, await storage.aexists("a")

        assert asyncio.run(use()) == (b"x", True, False)

    def test_a_reader_never_sees_a_part_of_what_is_written(self, storage: Storage) -> None:
        contents = {bytes([byte]) * 100_000 for byte in b"abc"}
        storage.write("a", b"a" * 100_000)
        with ThreadPoolExecutor(4) as threads:
            writes = [threads.submit(storage.write, "a", data) for data in sorted(contents) * 10]
            read = {threads.submit(storage.read, "a").result() for _ in range(30)}
            assert [write.result() for write in writes] == [None] * 30
        assert read <= contents

    def test_the_storage_is_had_again_from_its_record(self, storage: Storage) -> None:
        storage.write("a", b"x")
        again = from_record(storage.record())
        assert isinstance(again, Storage)
        assert again.record().id == storage.record().id
        assert again.describe("a") == storage.describe("a")
