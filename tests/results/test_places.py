"""Storages by what a person types."""

from pathlib import Path

import pytest

from perdure._results.storage_by_name import storage_at
from perdure.blocks import Block
from perdure.errors import BlockError
from perdure.filesystems import GCS, S3, Azure, LocalFileSystem, RemoteFileSystem


def test_a_directory_is_a_local_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert storage_at(tmp_path) == storage_at(str(tmp_path)) == LocalFileSystem(basepath=tmp_path)
    monkeypatch.chdir(tmp_path)
    assert storage_at(".") == LocalFileSystem(basepath=tmp_path)


def test_a_slug_is_a_saved_storage(tmp_path: Path):
    storage = LocalFileSystem(basepath=tmp_path)
    assert storage_at(storage.save("team")) == storage


@pytest.mark.parametrize(
    ("address", "storage"),
    [
        ("s3://bucket/a/b/", S3(bucket_path="bucket/a/b")),
        ("gs://bucket", GCS(bucket_path="bucket")),
        ("az://container/a", Azure(container_path="container/a")),
        ("memory://place/a", RemoteFileSystem(basepath="memory://place/a")),
    ],
)
def test_an_address_is_a_storage_with_the_credentials_of_the_environment(address: str, storage: Block):
    assert storage_at(address) == storage


@pytest.mark.parametrize("place", ["nowhere", "/nowhere/at/all", "./a/b", "~/nothing here", Path("a/b")])
def test_what_is_no_place_is_named_with_what_would_be_one(place: str | Path):
    with pytest.raises(BlockError, match="There is no directory .* Give one that is there"):
        storage_at(place)


def test_a_block_that_is_no_storage_is_refused():
    class Mailbox(Block):
        user: str

    with pytest.raises(BlockError, match="is a Mailbox, which is no storage"):
        storage_at(Mailbox(user="ada").save("alerts"))
