"""S3 against a real server."""

import os
import pickle
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from perdure import flow, task
from perdure.blocks import Block
from perdure.errors import ObjectMissing, StorageError
from perdure.filesystems import S3, Storage
from perdure.testing.storage_conformance import LARGE, StorageConformance
from tests.s3_server import BUCKET, S3Server

pytestmark = pytest.mark.slow


@pytest.fixture
def storage(s3_server: S3Server, s3_prefix: str) -> S3:
    return S3(**s3_server.fields(s3_prefix))


class TestS3(StorageConformance):
    @pytest.fixture
    def storage(self, s3_server: S3Server, s3_prefix: str) -> Storage:
        return S3(**s3_server.fields(s3_prefix))


OPERATIONS = ["read", "write", "exists", "delete", "list", "open_writer", "read_large", "read_range"]


def use(storage: Storage, operation: str) -> None:
    """Do something of each kind with the storage."""
    if operation == "write":
        storage.write("a", b"x")
    elif operation == "open_writer":
        with storage.open_writer("a") as writer:
            writer.write(bytes(LARGE))
    elif operation == "list":
        list(storage.list())
    elif operation == "read_large":
        storage.read_large("a", LARGE)
    elif operation == "read_range":
        storage.read_range("a", 0, 1)
    else:
        getattr(storage, operation)("a")


def refused(storage: Storage, operation: str) -> str:
    """What is said when the storage refuses."""
    with pytest.raises(StorageError) as caught:
        use(storage, operation)
    assert not isinstance(caught.value, ObjectMissing)
    assert caught.value.__cause__ is None
    return str(caught.value)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_wrong_secret_is_named_but_not_shown(s3_server: S3Server, operation: str) -> None:
    said = refused(S3(**s3_server.fields(secret_access_key="guess-work")), operation)
    assert f"s3://{BUCKET}/" in said
    assert f"at {s3_server.endpoint_url}: " in said
    assert "access_key_id and secret_access_key" in said
    assert "guess-work" not in said
    if operation != "exists":  # a HEAD has no body that could say more
        assert "the secret key does not fit the access key (SignatureDoesNotMatch). Correct access_key_id" in said


def test_an_unknown_access_key_is_named(s3_server: S3Server) -> None:
    said = refused(S3(**s3_server.fields(access_key_id="nobody")), "read")
    assert "the access key is unknown there (InvalidAccessKeyId). Correct access_key_id" in said


@pytest.mark.parametrize("operation", ["read", "write", "list", "open_writer", "read_large"])
def test_a_missing_bucket_is_named(s3_server: S3Server, operation: str) -> None:
    said = refused(S3(**s3_server.fields("not-there/team")), operation)
    assert "s3://not-there/team/" in said
    assert "there is no such bucket (NoSuchBucket). Make it, or correct bucket_path." in said


@pytest.mark.parametrize("operation", ["write", "open_writer", "delete"])
def test_a_missing_right_is_named(s3_server: S3Server, operation: str) -> None:
    reader = S3(
        **s3_server.fields(
            access_key_id=s3_server.reader_access_key_id, secret_access_key=s3_server.reader_secret_access_key
        )
    )
    assert reader.read("ready") == b"x"
    said = refused(reader, operation)
    assert "permission is denied (AccessDenied). Grant these credentials the right to it" in said


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_service_that_is_away_is_named(operation: str) -> None:
    away = S3(
        bucket_path="results",
        access_key_id="a",
        secret_access_key="open-sesame",
        endpoint_url="http://127.0.0.1:9",
        max_attempts=2,
    )
    said = refused(away, operation)
    assert "at http://127.0.0.1:9: it cannot be reached. Correct endpoint_url, or look at the network." in said


def test_what_may_pass_is_tried_again(s3_server: S3Server) -> None:
    away = S3(**s3_server.fields(endpoint_url="http://127.0.0.1:9"), max_attempts=3)
    began = time.monotonic()
    refused(away, "read")
    assert time.monotonic() - began > 0.15  # 0.1 and 0.2 seconds, more or less


def test_a_wrong_region_is_no_secret_matter(s3_server: S3Server, s3_prefix: str) -> None:
    S3(**s3_server.fields(s3_prefix, region=None)).write("a", b"x")


def test_an_upload_that_fails_is_aborted(s3_server: S3Server, storage: S3) -> None:
    before = s3_server.unfinished_uploads()

    def write() -> None:
        with storage.open_writer("a") as writer:
            writer.write(bytes(LARGE))
            raise LookupError

    with pytest.raises(LookupError):
        write()
    assert s3_server.unfinished_uploads() == before


def test_the_environments_credentials_are_used(
    s3_server: S3Server, s3_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_server.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_server.secret_access_key)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.endpoint_url)
    storage = S3(bucket_path=s3_prefix)
    storage.write("a", b"x")
    assert storage.read("a") == b"x"


def test_given_keys_are_not_mixed_with_a_token_of_the_environment(storage: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of other keys")
    storage.write("a", b"x")
    assert storage.read("a") == b"x"


def test_a_profile_of_the_command_line_is_used(
    s3_server: S3Server, s3_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id = nobody\naws_secret_access_key = none\n"
        f"[team]\naws_access_key_id = {s3_server.access_key_id}\n"
        f"aws_secret_access_key = {s3_server.secret_access_key}\n"
    )
    (tmp_path / "config").write_text("[profile team]\nregion = eu-central-1\n[profile signed-in]\nsso_session = x\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    fields = {"bucket_path": s3_prefix, "endpoint_url": s3_server.endpoint_url}
    S3(**fields, profile="team").write("a", b"x")
    monkeypatch.setenv("AWS_PROFILE", "team")
    assert S3(**fields).read("a") == b"x"
    monkeypatch.delenv("AWS_PROFILE")
    assert "(InvalidAccessKeyId)" in refused(S3(**fields), "read")
    assert "There is no profile 'tame'" in refused(S3(**fields, profile="tame"), "read")
    assert "the profile has no credentials" in refused(S3(**fields, profile="signed-in"), "read")
    monkeypatch.setitem(sys.modules, "boto3.session", None)  # as where it is not installed
    assert "it takes boto3. Run `pip install boto3`" in refused(S3(**fields, profile="signed-in"), "read")


def test_a_copy_with_another_prefix_goes_there(s3_server: S3Server, storage: S3, s3_prefix: str) -> None:
    storage.write("a", b"x")
    below = storage.model_copy(update={"bucket_path": f"{s3_prefix}/below"})
    below.write("b", b"y")
    assert sorted(storage.list()) == ["a", "below/b"]
    assert pickle.loads(pickle.dumps(storage)).read("a") == b"x"


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_is_refused_rather_than_stuck(storage: S3) -> None:
    storage.write("a", b"x")
    reader, writer = os.pipe()
    if not (pid := os.fork()):
        try:
            storage.read("a")
        except StorageError as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as given:
        said = given.read()
    os.waitpid(pid, 0)
    assert "it was forked from one that had used an object store" in said
    assert "'spawn' or 'forkserver'" in said


def test_a_slug_is_resolved_when_a_run_starts(storage: S3) -> None:
    @task
    def double(number: int) -> int:
        return number * 2

    @flow(persist_result=True, result_storage="s3/dev")
    def doubled(number: int) -> Any:
        return double.with_options(persist_result=True)(number)

    # Nothing is saved by that name until now.
    assert storage.save("dev") == "s3/dev"
    state = doubled(21, return_state=True)
    assert state.result() == 42
    assert len(list(storage.list())) == 2


def test_what_is_saved_does_not_show_its_secrets(s3_server: S3Server, storage: S3, home: Path) -> None:
    token = storage.model_copy(update={"session_token": None})
    token.save("dev")
    kept = b"".join(path.read_bytes() for path in home.glob("perdure.db*"))
    for text in (kept, repr(storage).encode(), str(storage).encode()):
        assert s3_server.secret_access_key.encode() not in text
    loaded = Block.load("s3/dev")
    assert isinstance(loaded, S3)
    assert loaded == storage
    loaded.write("a", b"x")
