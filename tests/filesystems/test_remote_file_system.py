import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import ValidationError

from perdure.blocks import Block
from perdure.errors import StorageError
from perdure.filesystems import RemoteFileSystem, Storage
from perdure.testing.storage_conformance import StorageConformance


class TestMemory(StorageConformance):
    @pytest.fixture
    def storage(self) -> Storage:
        return RemoteFileSystem(basepath=f"memory://{uuid4().hex}")


class TestFiles(StorageConformance):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> Storage:
        return RemoteFileSystem(basepath=f"file://{tmp_path}/base")


@pytest.mark.parametrize("protocol", ["memory", "file"])
def test_a_size_beyond_all_memory_is_not_asked_for(tmp_path: Path, protocol: str) -> None:
    storage = RemoteFileSystem(basepath=f"{protocol}://{tmp_path}/base")
    storage.write("a", b"x")
    assert storage.read_large("a", 2**60) == b"x"


def test_text_among_the_settings_is_secret(home: Path) -> None:
    storage = RemoteFileSystem(
        basepath="sftp://example.org/results", settings={"password": "sesame", "port": 22, "more": {"key": "sesame"}}
    )
    assert "sesame" not in repr(storage)
    storage.save("far")
    assert b"sesame" not in b"".join(path.read_bytes() for path in home.glob("perdure.db*"))
    loaded = Block.load("remote-file-system/far")
    assert loaded == storage


def test_a_password_in_the_url_is_refused_and_not_shown() -> None:
    with pytest.raises(ValidationError, match="it has a password in it.*Give it as settings") as caught:
        RemoteFileSystem(basepath="sftp://ada:sesame@example.org/results")
    assert "sesame" not in str(caught.value)


def test_a_path_without_a_protocol_is_refused() -> None:
    with pytest.raises(ValidationError, match="not a URL.*LocalFileSystem"):
        RemoteFileSystem(basepath="/data/results")


def test_an_unknown_protocol_is_named() -> None:
    with pytest.raises(StorageError, match=r"Cannot read nowhere://x/a: .*Protocol not known: nowhere"):
        RemoteFileSystem(basepath="nowhere://x").read("a")


def test_an_error_of_the_file_system_does_not_show_its_settings() -> None:
    storage = RemoteFileSystem(basepath="memory://x", settings={"nonsense_sesame": "open-sesame", "fo": object})
    storage.write("a", b"x")
    refused = storage._refused("read", "a", RuntimeError("login as ada with open-sesame failed"))
    assert str(refused) == (
        "Cannot read memory://x/a: RuntimeError: login as ada with … failed."
        " Mend that, or correct basepath or settings."
    )


def test_without_fsspec_the_extra_is_named() -> None:
    program = (
        "import sys; sys.modules['fsspec'] = None\n"
        "from perdure.filesystems import RemoteFileSystem\n"
        "RemoteFileSystem(basepath='sftp://host/x').read('a')"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert "sftp://host/x takes the package fsspec, which is not installed" in ended.stderr
    assert "pip install 'perdure[fsspec]'" in ended.stderr


def test_the_file_system_of_fsspec_is_at_hand() -> None:
    storage = RemoteFileSystem(basepath=f"memory://{uuid4().hex}")
    storage.write("a/b", b"x")
    assert storage.filesystem.cat(f"{storage.basepath}/a/b") == b"x"
