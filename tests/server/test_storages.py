"""The server opens the storages that its operator allows, whatever those who write records name."""

import base64
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from perdure import session, task
from perdure._platform.clock import system_clock
from perdure._platform.ids import new_id
from perdure._platform.public_addresses import is_public
from perdure._results.payload_writer import Layout
from perdure._store import wire
from perdure.filesystems import LocalFileSystem
from perdure.records import BlockRecord, FlowRunRecord, ResultRecord, StateRecord
from perdure.results import PersistedResultBlob
from perdure.states import StateType
from tests.server.serving import Serving, serving

pytestmark = pytest.mark.slow


@pytest.fixture
def server(home: Path, tmp_path: Path) -> Iterator[Serving]:
    allowed = (str(tmp_path / "allowed"), "s3://team/results", "sftp://host/results")
    with serving(home, authenticated=True, serve_values=True, storages=allowed) as server:
        yield server


def named(
    server: Serving,
    type: str,
    fields: dict[str, Any],
    key: str,
    scope: str = "write",
    data: tuple[str, dict[str, Any]] | None = None,
) -> str:
    """The id of a run whose record names a storage, as whoever has a token of a scope can have it.

    `data` are the type and the fields of a block that is not saved, but sent as a record.
    """
    name = f"b{new_id()}"
    with server.client(server.tokens[scope]) as client:
        saved = client.put(f"/api/blocks/{type}/{name}", json={"fields": fields})
        assert saved.status_code == 200, saved.text
        block, run, now = saved.json()["id"], new_id(), system_clock()
        beside: list[Any] = []
        if data is not None:
            block = new_id()
            beside = [BlockRecord(block, data[0], None, json.dumps(data[1]), now, now)]
        result = ResultRecord(
            *(run, False, "persisted", "str", False, now),
            storage_id=block,
            storage_key=key,
            serializer='{"type":"json"}',
            size=1,
        )
        records = [
            *beside,
            FlowRunRecord(run, "x", "x", None, None, None, "[]", "{}", now),
            StateRecord(run, False, StateType.COMPLETED, "Completed", None, now),
            result,
        ]
        headers = {"Perdure-Protocol": "1", "Perdure-Source": new_id(), "Perdure-Sequence": "1"}
        sent = client.post("/api/orchestrator/records", content=wire.encode_records(records), headers=headers)
        assert sent.status_code == 200, sent.text
    return run


def opened(server: Serving, run: str) -> list[httpx.Response]:
    """What each route says that opens a result's storage."""
    with server.client(server.tokens["read"]) as client:
        link = client.post(f"/api/results/{run}/link").json()["url"]
        return [
            client.post(f"/api/results/{run}/verify"),
            client.get(f"/api/results/{run}/comparison", params={"other": run}),
            client.get(link),
        ]


def refused(answers: list[httpx.Response]) -> bool:
    verdict, comparison, value = answers
    said = (verdict.json()["reason"], comparison.json()["note"], value.json()["error"]["message"])
    return verdict.json()["finding"] == "unreadable" and all("A record names a storage" in each for each in said)


def _document(text: str = "x") -> bytes:
    return PersistedResultBlob(serializer={"type": "json"}, data=json.dumps(text).encode(), type="str").to_bytes()


def test_no_chain_of_file_systems_has_the_server_write_or_read_a_file(server: Serving, tmp_path: Path) -> None:
    secret, target = tmp_path / "secret", tmp_path / "target"
    secret.write_text("secret-of-the-server")
    inline = {"d/doc": "base64:" + base64.b64encode(_document()).decode(), "d/v": [f"file://{secret}"]}
    copying = {"cache_storage": str(target), "same_names": True}
    layout = Layout("v", secret.stat().st_size, ((0, secret.stat().st_size),), ("0" * 64,), 8 * 1024**2)
    forged = PersistedResultBlob(serializer={"type": "json"}, data=b"", payload=layout, digest=layout.digest())
    reading = {**inline, "d/doc": "base64:" + base64.b64encode(forged.to_bytes()).decode()}
    for basepath, fields in (
        ("simplecache::reference://d", {"simplecache": copying, "reference": {"fo": inline}}),
        ("filecache::reference://d", {"filecache": copying, "reference": {"fo": inline}}),
        ("simplecache://d", {"target_protocol": "reference", "target_options": {"fo": inline}, **copying}),
        ("reference://d", {"fo": reading, "remote_protocol": "file"}),
        ("dir://d", {"path": str(tmp_path), "target_protocol": "file"}),
        ("memory://d", {"fo": reading}),
        (f"file://{tmp_path}", {}),
        (f"local://{tmp_path}/allowed/..", {}),
        ("memory://d", {}),
    ):
        answers = opened(server, named(server, "remote-file-system", {"basepath": basepath, "settings": fields}, "doc"))
        assert refused(answers), (basepath, [each.text for each in answers])
        assert not target.exists()
        assert not any("secret-of-the-server" in each.text for each in answers)


def test_no_local_directory_beside_the_allowed_ones_is_opened(server: Serving, tmp_path: Path) -> None:
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "key").write_bytes(_document())
    (tmp_path / "allowed").mkdir()
    (tmp_path / "allowed-not").symlink_to(tmp_path / "beside")
    for basepath in ("beside", "allowed/../beside", "allowed-not"):
        assert refused(
            opened(server, named(server, "local-file-system", {"basepath": str(tmp_path / basepath)}, "key"))
        )


@pytest.mark.parametrize(
    ("type", "fields"),
    [
        ("s3", {"bucket_path": "team/results", "access_key_id": "a", "secret_access_key": "b"}),
        ("s3", {"bucket_path": "team", "access_key_id": "a", "secret_access_key": "b"}),
        ("gcs", {"bucket_path": "team", "anonymous": True}),
        ("azure", {"container_path": "team", "account_name": "a", "anonymous": True}),
    ],
)
def test_no_address_is_asked_that_a_block_brings(server: Serving, type: str, fields: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as internal:
        internal.settimeout(0.1)
        url = f"http://127.0.0.1:{internal.getsockname()[1]}"
        given = {**fields, "endpoint_url": url, "max_attempts": 1, "timeout_seconds": 2}
        assert refused(opened(server, named(server, type, given, "page")))
        with pytest.raises(TimeoutError):
            internal.accept()


@pytest.mark.parametrize(
    ("type", "fields"),
    [
        ("s3", {"bucket_path": "team/results", "profile": "admin"}),
        ("s3", {"bucket_path": "team/results", "endpoint_url": "https://evil.example"}),
        ("s3", {"bucket_path": "team/resultsbeside"}),
        ("remote-file-system", {"basepath": "sftp://host/results", "settings": {"host": "10.0.0.1"}}),
        ("remote-file-system", {"basepath": "sftp://host/results/../etc"}),
        ("remote-file-system", {"basepath": "sftp://host@10.0.0.1/results"}),
        ("remote-file-system", {"basepath": "sftp://host/results", "settings": {"key_filename": "/etc/shadow"}}),
    ],
)
def test_a_place_that_only_looks_like_an_allowed_one_is_not_opened(
    server: Serving, type: str, fields: dict[str, Any]
) -> None:
    assert refused(opened(server, named(server, type, fields, "page")))


def test_what_lies_in_an_allowed_place_is_opened(server: Serving, tmp_path: Path) -> None:
    LocalFileSystem(basepath=tmp_path / "allowed/deeper").write("key", _document("mine"))
    for fields in (
        {"basepath": str(tmp_path / "allowed/deeper")},
        {"basepath": f"{tmp_path}/allowed/deeper/../deeper"},
    ):
        verdict, comparison, value = opened(server, named(server, "local-file-system", fields, "key"))
        assert verdict.json()["finding"] == "ok"
        assert comparison.json()["is_same"] is True
        assert value.content == b'"mine"'


def test_what_an_administrator_saves_is_opened_and_what_others_make_of_it_is_not(
    server: Serving, tmp_path: Path
) -> None:
    LocalFileSystem(basepath=tmp_path / "elsewhere").write("key", _document())
    fields = {"basepath": str(tmp_path / "elsewhere")}
    assert refused(opened(server, named(server, "local-file-system", fields, "key")))
    assert opened(server, named(server, "local-file-system", fields, "key", "admin"))[0].json()["finding"] == "ok"
    other = {"basepath": str(tmp_path / "elsewhere" / "..")}
    assert refused(opened(server, named(server, "local-file-system", other, "key")))


def test_nobody_has_the_server_decrypt_and_say_a_secret_of_another_block(server: Serving) -> None:
    prod = {"bucket_path": "prod", "access_key_id": "AKIA", "secret_access_key": "sesame-of-production"}
    with server.client(server.tokens["admin"]) as admin:
        admin.put("/api/blocks/s3/prod", json={"fields": prod}).raise_for_status()
    with server.client(server.tokens["write"], headers={"Perdure-Protocol": "1"}) as client:
        kept = client.post("/api/orchestrator/blocks", json={"type": "s3", "name": "prod"}).json()[0][3]
        cipher = json.loads(kept)["secret_access_key"]["$secret"]
    for type, fields in (
        ("local-file-system", {"basepath": {"$secret": cipher}}),
        ("s3", {"bucket_path": {"$secret": cipher}}),
        ("s3", {"bucket_path": "mine", "endpoint_url": {"$secret": cipher}}),
        ("remote-file-system", {"basepath": "sftp://host/results", "settings": {"password": {"$secret": cipher}}}),
    ):
        run = named(server, "local-file-system", {"basepath": "/nowhere"}, "key", data=(type, fields))
        answers = opened(server, run)
        assert all("encrypted for another block or field" in each.text for each in answers), answers[0].text
        assert not any("sesame" in each.text for each in answers)


def test_the_local_storage_is_opened_without_being_listed(home: Path) -> None:
    @task(persist_result=True)
    def made() -> str:
        return "x"

    made()
    session.close()
    with serving(home) as server, server.client() as client:
        (result,) = client.get("/api/results").json()["items"]
        assert client.post(f"/api/results/{result['run_id']}/verify").json()["finding"] == "ok"


@pytest.mark.parametrize(
    "address",
    ["::127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::a00:1", "fec0::1"],
)
def test_an_address_that_may_carry_another_one_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("host", ["0177.0.0.1", "2130706433", "0x7f.1", "127.1"])
def test_a_host_in_an_old_notation_of_an_inner_address_is_not_public(host: str) -> None:
    (found, *_) = socket.getaddrinfo(host, 80, type=socket.SOCK_STREAM)
    assert not is_public(str(found[4][0]))
