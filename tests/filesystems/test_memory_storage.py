"""A storage that a user wrote: twenty lines, and the conformance suite holds."""

from collections.abc import Iterator
from typing import ClassVar

import pytest

from perdure.errors import ObjectMissing
from perdure.filesystems import Storage, check_key
from perdure.testing.storage_conformance import StorageConformance


class Memory(Storage):
    spaces: ClassVar[dict[str, dict[str, bytes]]] = {}
    space: str

    def _objects(self, key: str) -> dict[str, bytes]:
        check_key(key)
        return self.spaces.setdefault(self.space, {})

    def read(self, key: str) -> bytes:
        try:
            return self._objects(key)[key]
        except KeyError:
            raise ObjectMissing(f"Nothing is stored at {self.describe(key)}.") from None

    def write(self, key: str, data: bytes) -> None:
        self._objects(key)[key] = data

    def exists(self, key: str) -> bool:
        return key in self._objects(key)

    def delete(self, key: str) -> None:
        self._objects(key).pop(key, None)

    def list(self, prefix: str = "") -> Iterator[str]:
        return (key for key in sorted(self.spaces.get(self.space, {})) if key.startswith(prefix))

    def describe(self, key: str) -> str:
        check_key(key)
        return f"memory://{self.space}/{key}"


class TestMemory(StorageConformance):
    @pytest.fixture
    def storage(self) -> Iterator[Storage]:
        yield Memory(space="test")
        Memory.spaces.clear()


def test_a_users_storage_has_a_block_type() -> None:
    assert Memory(space="a").record().type == "memory"
