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
from functools import cache
from random import Random

import pytest

from perdure._blocks.block import from_record
from perdure._model.errors import ObjectMissing, StorageKeyError
from perdure._platform.clock import system_clock
from perdure._storages.storage import MAX_KEY, Storage

__all__ = ["StorageConformance"]

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
    "a%20b+c",
    "a?b#c&d=e;f",
    "~a*b[c]{d}",
    "a<b>|c^`d`",
    "'quoted' \"twice\"",
    "🦉",
)
BAD_KEYS = (
    *("", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/../b", "a/./b", "a\\b", "..\\a", "C:/a", "c:a"),
    *("a\0b", "a\nb", "a\n", "\x7f", "\x85", "\ud800", ".tmp-a", "a/.tmp-b", "k" * (MAX_KEY + 1)),
)
LARGE = 17 * 1024 * 1024 + 3  # bytes: more than two parts of what storages write in parts


@cache
def large_data() -> bytes:
    """Bytes of which no two parts are equal."""
    return Random(0).randbytes(LARGE)


class StorageConformance:
    """The behaviour of every storage. `storage` must be empty at the start of each test."""

    @pytest.fixture
    def storage(self) -> Storage:
        """The storage that is tested, empty: override it."""
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
    @pytest.mark.parametrize("operation", ["read", "exists", "delete", "describe", "entry", "fingerprint"])
    def test_a_malformed_key_is_refused(self, storage: Storage, operation: str, key: str) -> None:
        with pytest.raises(StorageKeyError):
            getattr(storage, operation)(key)

    @pytest.mark.parametrize("key", BAD_KEYS)
    def test_a_malformed_key_is_refused_for_writing(self, storage: Storage, key: str) -> None:
        with pytest.raises(StorageKeyError):
            storage.write(key, b"x")
        with pytest.raises(StorageKeyError):
            storage.create(key, b"x")
        with pytest.raises(StorageKeyError), storage.open_writer(key) as writer:
            writer.write(b"x")
        assert list(storage.list()) == []

    def test_writing_again_overwrites(self, storage: Storage) -> None:
        storage.write("a", b"long before")
        storage.write("a", b"after")
        assert storage.read("a") == b"after"
        assert list(storage.list()) == ["a"]

    def test_what_is_replaced_is_read(self, storage: Storage) -> None:
        storage.write("a/b", b"before")
        storage.replace("a/b", b"after")
        assert storage.read("a/b") == b"after"
        assert list(storage.list()) == ["a/b"]

    def test_a_new_object_is_created(self, storage: Storage) -> None:
        storage.create("a/b", b"x")
        assert storage.read("a/b") == b"x"

    def test_reading_what_is_not_there_says_so(self, storage: Storage) -> None:
        storage.write("a/b", b"x")
        for key in ("b", "a", "a/c", "a/b/c"):
            with pytest.raises(ObjectMissing):
                storage.read(key)
            with pytest.raises(ObjectMissing):
                storage.read_range(key, 0, 1)
            with pytest.raises(ObjectMissing):
                storage.read_range(key, 0, 0)
            with pytest.raises(ObjectMissing):
                storage.read_large(key, 1)

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

    def test_many_are_deleted_together(self, storage: Storage) -> None:
        kept, keys = "a/kept", [f"a/{number}" for number in range(20)]
        for key in (kept, *keys):
            storage.write(key, b"x")
        storage.delete_many([*keys, "not/there", "a/19/b"])
        storage.delete_many([])
        assert list(storage.list()) == [kept]

    def test_a_malformed_key_among_many_is_refused(self, storage: Storage) -> None:
        with pytest.raises(StorageKeyError):
            storage.delete_many(["a", "../b"])

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

    def test_names_that_begin_alike_are_distinguished(self, storage: Storage) -> None:
        keys = ["k.a", "k.b/c", "k-", "k-z/y", "k/x", "k0", "l", "j/k.a", "é", "éa"]
        for key in keys:
            storage.write(key, b"x")
        for prefix in ("k", "k.", "k.a", "k.b", "k-", "k/", "j/k", "é", "ka", "m"):
            assert sorted(storage.list(prefix)) == sorted(key for key in keys if key.startswith(prefix))
            assert sorted(each.key for each in storage.entries(prefix)) == sorted(storage.list(prefix))

    def test_what_is_known_of_objects_is_reported_without_reading_them(self, storage: Storage) -> None:
        storage.write("a/b", b"12345")
        (entry,) = storage.entries()
        assert (entry.key, entry.size) in (("a/b", 5), ("a/b", None))
        assert entry.modified is None or abs(entry.modified - system_clock()) < 60_000_000
        assert storage.entry("a/b") == entry
        assert [storage.entry(key) for key in ("a", "b", "a/c", "a/b/c")] == [None] * 4

    @pytest.mark.parametrize(("start", "size"), [(0, 10), (0, 3), (3, 4), (9, 1), (7, 100), (10, 1), (99, 5), (4, 0)])
    def test_a_part_is_read(self, storage: Storage, start: int, size: int) -> None:
        storage.write("a", b"0123456789")
        assert storage.read_range("a", start, size) == b"0123456789"[start : start + size]

    @pytest.mark.parametrize(
        "pieces", [[], [b""], [b"x"], [b"x" * 100_000, b"", b"y"], [bytes([n]) for n in range(99)]]
    )
    def test_an_object_is_written_piece_by_piece(self, storage: Storage, pieces: list[bytes]) -> None:
        with storage.open_writer("a/b") as writer:
            assert [writer.write(piece) for piece in pieces] == [len(piece) for piece in pieces]
        assert storage.read("a/b") == b"".join(pieces)
        assert list(storage.list()) == ["a/b"]

    def test_a_large_object_is_written_and_read(self, storage: Storage) -> None:
        data = large_data()
        with storage.open_writer("a") as writer:
            writer.write(memoryview(data)[:1])
            writer.write(memoryview(data)[1:])
        assert storage.read_large("a", LARGE) == data
        assert storage.read_range("a", LARGE - 5, 9) == data[-5:]

    def test_a_piece_may_be_changed_once_it_is_written(self, storage: Storage) -> None:
        expected, data = large_data(), bytearray(large_data())
        with storage.open_writer("a") as writer:
            for start in range(0, LARGE, 3_000_000):
                piece = data[start : start + 3_000_000]
                writer.write(piece)
                piece[:] = bytes(len(piece))
        assert storage.read("a") == expected

    @pytest.mark.parametrize("size", [0, 3, LARGE])
    def test_after_an_error_nothing_is_kept(self, storage: Storage, size: int) -> None:
        def write() -> None:
            with storage.open_writer("a/b") as writer:
                writer.write(bytes(size))
                raise LookupError("the user's own")

        with pytest.raises(LookupError, match="the user's own"):
            write()
        assert not storage.exists("a/b")
        assert list(storage.list()) == []
        assert list(storage.unfinished(system_clock() + 60_000_000)) == []

    @pytest.mark.parametrize("size", [0, 3, LARGE])
    def test_a_large_object_is_in_memory_of_its_own(self, storage: Storage, size: int) -> None:
        data = large_data()[:size]
        storage.write("a", data)
        view = storage.read_large("a", size)
        assert view == data
        view[:2] = b"zz"[: len(data)]
        assert storage.read("a") == data

    @pytest.mark.parametrize("stated", [1, 5, 99, LARGE - 1, LARGE + 1, 2 * LARGE])
    @pytest.mark.parametrize("size", [4, LARGE])
    def test_an_object_of_another_size_than_expected_is_read_as_it_is(
        self, storage: Storage, size: int, stated: int
    ) -> None:
        data = large_data()[:size]
        storage.write("a", data)
        assert storage.read_large("a", stated) == data

    def test_a_fingerprint_changes_with_the_object(self, storage: Storage) -> None:
        with storage.open_writer("a") as writer:
            writer.write(b"before")
        before = storage.fingerprint("a")
        assert storage.fingerprint("a") == before
        storage.write("a", b"after!")
        assert before is None or storage.fingerprint("a") != before
        assert storage.fingerprint("b") is None

    def test_what_was_written_is_made_to_last(self, storage: Storage) -> None:
        keys = [f"a/{number}/b" for number in range(30)]
        for key in keys:
            storage.write(key, b"x")
        storage.sync(keys)
        storage.sync(["a/0/b", "never/written"])
        storage.sync([])
        assert sorted(storage.list()) == sorted(keys)

    def test_a_person_learns_where_an_object_is(self, storage: Storage) -> None:
        assert storage.describe("some/key").endswith("some/key")

    def test_the_async_forms_do_the_same(self, storage: Storage) -> None:
        async def use() -> tuple[bytes, bool, bool]:
            await storage.awrite("a", b"x")
            data, there = await storage.aread("a"), await storage.aexists("a")
            await storage.adelete("a")
            return data, there, await storage.aexists("a")

        assert asyncio.run(use()) == (b"x", True, False)

    def test_many_threads_use_it_at_once(self, storage: Storage) -> None:
        def use(number: int) -> bool:
            key, data = f"a/{number}", bytes([number]) * 100_000
            with storage.open_writer(key) as writer:
                writer.write(data)
            storage.write(f"b{number}", data[:10])
            read = storage.read(key) == data and bytes(storage.read_large(key, len(data))) == data
            storage.delete(f"b{number}")
            return read

        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(use, range(24))) == [True] * 24
        assert sorted(storage.list()) == sorted(f"a/{number}" for number in range(24))

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
