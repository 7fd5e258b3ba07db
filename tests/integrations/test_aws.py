"""AWS: buckets on a real S3 server; clients of boto3 against a server that speaks Secrets Manager's protocol."""

import asyncio
import io
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from perdure import flow, task
from perdure.errors import IntegrationError, ObjectMissing, StorageError
from perdure.integrations.aws import (
    AwsClientParameters,
    AwsCredentials,
    AwsSecret,
    MinIOCredentials,
    S3Bucket,
    read_secret,
    s3_download,
    s3_list_objects,
    s3_upload,
)
from tests.s3_server import BUCKET, S3Server


@pytest.fixture
def credentials(s3_server: S3Server) -> AwsCredentials:
    return AwsCredentials(
        aws_access_key_id=s3_server.access_key_id,
        aws_secret_access_key=SecretStr(s3_server.secret_access_key),
        region_name="us-east-1",
        aws_client_parameters=AwsClientParameters(endpoint_url=s3_server.endpoint_url),
    )


@pytest.fixture
def bucket(credentials: AwsCredentials, s3_prefix: str) -> S3Bucket:
    name, _, folder = s3_prefix.partition("/")
    return S3Bucket(bucket_name=name, bucket_folder=f"{folder}/", credentials=credentials)


@pytest.mark.slow
def test_files_and_folders_go_there_and_back(bucket: S3Bucket, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    (source / "a").write_bytes(b"a")
    (source / "deep" / "b").write_bytes(bytes(20_000_000))
    folder = bucket.bucket_folder
    assert bucket.upload_from_folder(source, "all") == f"{folder}/all"
    assert bucket.upload_from_path(source / "a") == f"{folder}/a"
    assert bucket.upload_from_file_object(io.BytesIO(b"c"), Path("some/c")) == f"{folder}/some/c"
    assert [(each["Key"], each["Size"]) for each in bucket.list_objects("all")] == [
        (f"{folder}/all/a", 1),
        (f"{folder}/all/deep/b", 20_000_000),
    ]
    back = bucket.download_folder_to_path("all", tmp_path / "back")
    assert (back / "deep" / "b").read_bytes() == bytes(20_000_000)
    assert bucket.download_object_to_path("some/c", tmp_path / "c").read_bytes() == b"c"
    assert bucket.download_object_to_file_object("a", io.BytesIO()).getvalue() == b"a"
    assert bucket.read_path("some/c") == b"c"


@pytest.mark.slow
def test_a_coroutine_flow_awaits_a_bucket(bucket: S3Bucket, tmp_path: Path) -> None:
    @flow
    async def use() -> Any:
        await bucket.upload_from_file_object(io.BytesIO(b"a"), "a")
        path = await bucket.download_object_to_path("a", tmp_path / "a")
        return path.read_bytes(), len(await bucket.list_objects(max_items=5)), await bucket.read_path("a")

    assert asyncio.run(use()) == (b"a", 1, b"a")


@pytest.mark.slow
def test_a_failed_download_leaves_no_file(bucket: S3Bucket, tmp_path: Path) -> None:
    with pytest.raises(ObjectMissing):
        bucket.download_object_to_path("missing", tmp_path / "file")
    assert list(tmp_path.glob("*file*")) == []


@pytest.mark.slow
def test_a_saved_bucket_holds_results(bucket: S3Bucket) -> None:
    bucket.save("mine")

    @task(persist_result=True, result_storage="s3-bucket/mine", cache_result_in_memory=False)
    def answer() -> int:
        return 42

    result = answer(return_state=True).data
    assert result.get() == 42
    assert result.storage == bucket
    assert len(bucket.list_objects()) == 1


@pytest.mark.slow
def test_tasks_take_the_name_of_a_bucket(s3_server: S3Server, s3_prefix: str) -> None:
    minio = MinIOCredentials(
        minio_root_user=s3_server.access_key_id,
        minio_root_password=SecretStr(s3_server.secret_access_key),
        region_name="us-east-1",
        aws_client_parameters=AwsClientParameters(endpoint_url=s3_server.endpoint_url),
    )
    folder = s3_prefix.partition("/")[2]

    @flow
    def use() -> Any:
        key = s3_upload(b"a", BUCKET, minio, key=f"{folder}/a")
        listed = s3_list_objects(BUCKET, minio, prefix=folder)
        return s3_download(BUCKET, key, minio), [each["Key"] for each in listed]

    assert use() == (b"a", [f"{folder}/a"])


@pytest.mark.slow
def test_a_refusal_names_the_fields_of_this_block(bucket: S3Bucket) -> None:
    credentials = bucket.credentials.model_copy(update={"aws_secret_access_key": SecretStr("wrong")})
    with pytest.raises(StorageError, match=r"Correct credentials\.") as caught:
        bucket.model_copy(update={"credentials": credentials}).write_path("a", b"")
    assert "wrong" not in str(caught.value)


def test_a_saved_bucket_keeps_its_secrets() -> None:
    bucket = S3Bucket(
        bucket_name="data",
        credentials=MinIOCredentials(minio_root_user="ada", minio_root_password=SecretStr("s3cret")),
    )
    bucket.save("mine")
    loaded = S3Bucket.load("mine")
    assert loaded == bucket
    assert isinstance(loaded.credentials, MinIOCredentials)
    assert "s3cret" not in repr(loaded)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({}, "https://s3.example.org/data"),
        ({"profile_name": "ada"}, None),
        ({"aws_client_parameters": {"endpoint_url": "https://s3.example.org", "verify": False}}, None),
    ],
)
def test_records_name_a_bucket_only_by_what_its_place_says(fields: dict[str, Any], place: str | None) -> None:
    given = {"aws_client_parameters": {"endpoint_url": "https://s3.example.org"}, **fields}
    assert S3Bucket(bucket_name="data", credentials=AwsCredentials(**given)).place() == place


@pytest.mark.parametrize("folder", ["../up", "a//b", "a/./b"])
def test_a_folder_that_leads_out_is_refused(folder: str) -> None:
    with pytest.raises(ValidationError):
        S3Bucket(bucket_name="data", bucket_folder=folder)


class _Secrets(BaseHTTPRequestHandler):
    """Secrets Manager: one secret as text, one as bytes."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = self.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=ada/")
        found = {"text": {"SecretString": "s3cret"}, "bytes": {"SecretBinary": "AAE="}}.get(asked["SecretId"])
        body = json.dumps(found or {"__type": "ResourceNotFoundException", "message": "not there"}).encode()
        self.send_response(200 if found and known else 400)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Tests say nothing."""


@pytest.fixture
def secrets() -> Iterator[AwsCredentials]:
    with HTTPServer(("127.0.0.1", 0), _Secrets) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield AwsCredentials(
            aws_access_key_id="ada",
            aws_secret_access_key=SecretStr("sesame"),
            region_name="eu-north-1",
            aws_client_parameters=AwsClientParameters(
                endpoint_url=f"http://127.0.0.1:{server.server_port}", config={"retries": {"max_attempts": 1}}
            ),
        )
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_secrets_are_read_by_boto3(secrets: AwsCredentials) -> None:
    @flow
    def read() -> Any:
        return read_secret("text", secrets), read_secret("bytes", secrets)

    assert read() == ("s3cret", b"\x00\x01")
    assert AwsSecret(aws_credentials=secrets, secret_name="text").read_secret() == b"s3cret"
    with pytest.raises(Exception, match="not there"):
        AwsSecret(aws_credentials=secrets, secret_name="missing").read_secret()


def test_without_boto3_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(IntegrationError, match=r"boto3 is not installed\. Run `pip install 'perdure\[aws\]'`\."):
        AwsCredentials().get_boto3_session()
