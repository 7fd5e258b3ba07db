"""Which storages that records name are used: by their places, or because the user of this home has saved them."""

import json
from pathlib import Path
from typing import Any

import pytest

from perdure import session, settings
from perdure._blocks.approved import approve
from perdure._platform.storage_urls import is_within, parse_places, plain_place
from perdure._storages.allowed_storages import Allowed
from perdure.errors import ResultUnreadable, SettingError
from perdure.filesystems import GCS, S3, Azure, LocalFileSystem, RemoteFileSystem


@pytest.mark.parametrize(
    ("storage", "place"),
    [
        (S3(bucket_path="team/results"), "s3://team/results"),
        (S3(bucket_path="team", endpoint_url="https://Store.example:9000/"), "https://store.example:9000/team"),
        (S3(bucket_path="team", profile="mine"), None),
        (GCS(bucket_path="team"), "gs://team"),
        (GCS(bucket_path="team", service_account_path="/etc/key"), None),
        (GCS(bucket_path="team", service_account_key='{"gcs_base_url": "http://10.0.0.1"}'), None),
        (GCS(bucket_path="team", service_account_key='{"type": "service_account"}'), "gs://team"),
        (Azure(container_path="team", account_name="acc"), "https://acc.blob.core.windows.net/team"),
        (Azure(container_path="team", account_name="evil.example/x"), None),
        (Azure(container_path="team", connection_string="BlobEndpoint=http://10.0.0.1/"), "http://10.0.0.1/team"),
        (RemoteFileSystem(basepath="sftp://ada@host/results/"), "sftp://host/results"),
        (RemoteFileSystem(basepath="sftp://host/results", settings={"password": "x"}), "sftp://host/results"),
        (RemoteFileSystem(basepath="sftp://host/results", settings={"port": 1}), None),
        (RemoteFileSystem(basepath="sftp://host/a/../b"), None),
        (RemoteFileSystem(basepath="sftp://host/a%2e%2e/b"), None),
        (RemoteFileSystem(basepath="simplecache::s3://bucket"), None),
        (RemoteFileSystem(basepath="file:///data/x"), "file:///data/x"),
        (LocalFileSystem(basepath="/data/x/../y"), "file:///data/y"),
    ],
)
def test_a_storage_has_a_place_if_that_is_all_that_it_reaches(storage: Any, place: str | None) -> None:
    assert storage.place() == place


@pytest.mark.parametrize(
    ("place", "is_allowed"),
    [
        ("s3://team/results", True),
        ("s3://team/results/deep", True),
        ("s3://team/resultsx", False),
        ("s3://team", False),
        ("gs://any/thing", True),
        ("file:///data/results/x", True),
        ("file:///data", False),
        ("https://store.example/team", True),
        ("https://store.example.evil/team", False),
    ],
)
def test_an_allowed_place_holds_what_lies_below_it(place: str, is_allowed: bool) -> None:
    allowed = parse_places("s3://team/results/, gs://, /data/results, https://store.example")
    assert is_within(place, allowed) is is_allowed


@pytest.mark.parametrize("text", ["", "https://", "http://", "a::b://c", "s3://a/../b", "s3://a, ", "s3://a b?c"])
def test_what_is_no_place_is_refused_where_it_is_set(text: str) -> None:
    with pytest.raises(SettingError), settings.temporary_settings(results_allowed_storages=text):
        pass


@pytest.mark.parametrize(
    "url", ["s3://a\\b", "https://a@b@c/d", "https://a#b/c", "https://a/%2e%2e", "s3://a/.", "s3:/a"]
)
def test_what_programs_read_in_different_ways_is_not_plain(url: str) -> None:
    assert plain_place(url) is None


def _chained(folder: Path) -> RemoteFileSystem:
    options = {"simplecache": {"cache_storage": str(folder), "same_names": True}, "reference": {"fo": {"d/k": "x"}}}
    return RemoteFileSystem(basepath="simplecache::reference://d", settings=options)


def test_a_chain_that_only_a_record_names_is_not_followed_by_any_process(tmp_path: Path) -> None:
    known = session.current().orchestrator
    record = _chained(tmp_path / "copies").record()
    known.commit((record,))
    with pytest.raises(ResultUnreadable, match="lead to more than one place"):
        session.current().storages.get(record.id)
    assert not (tmp_path / "copies").exists()


@pytest.mark.parametrize("way", ["used", "saved"])
def test_a_chain_that_the_user_of_this_home_chose_is_followed_by_later_processes(tmp_path: Path, way: str) -> None:
    chained = _chained(tmp_path / "copies")
    if way == "saved":
        chained.save("chained")
    id = chained.record().id if way == "saved" else session.current().storage_id(chained)
    session.close()  # the next session knows of it by its record alone
    assert session.current().storages.get(id) == chained


def test_an_approved_storage_is_admitted_with_its_very_fields_only(home: Path, tmp_path: Path) -> None:
    approve(LocalFileSystem(basepath=tmp_path / "mine"))
    assert Allowed().admits(LocalFileSystem(basepath=tmp_path / "mine"))
    assert not Allowed().admits(LocalFileSystem(basepath=tmp_path / "mine" / ".."))
    assert (home / "approved-storages.json").stat().st_mode & 0o777 == 0o600
    assert len(json.loads((home / "approved-storages.json").read_text())) == 1
