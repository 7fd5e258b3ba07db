"""Google Cloud: tokens and secrets from a server of the test, which checks the service account's signature.

No emulator of Cloud Storage takes what obstore sends. Buckets are tried on an S3 server, which answers the same
requests once Google's way to sign them is taken off.
"""

import asyncio
import base64
import contextlib
import gzip
import http.client
import io
import json
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import pandas
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from pydantic import SecretStr, ValidationError

from perdure import flow, task
from perdure.errors import IntegrationError
from perdure.integrations.gcp import GcpCredentials, GcpSecret, GcsBucket, read_secret
from tests.s3_server import OPEN_BUCKET, S3Server


class _Unsigned(BaseHTTPRequestHandler):
    """Hands requests on to the S3 server, without their tokens."""

    protocol_version = "HTTP/1.1"

    def _hand_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("authorization", "host")}
        connection = http.client.HTTPConnection("127.0.0.1", self.server.behind, timeout=10)  # type: ignore[attr-defined]
        with contextlib.closing(connection):
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("connection", "transfer-encoding", "content-length", "date", "server"):
                    self.send_header(name, value)
            size = answer.getheader("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", size or str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _hand_on  # noqa: N815 - the names of http.server

    def log_message(self, *_: object) -> None:
        """Tests say nothing."""


@pytest.fixture
def bucket(s3_server: S3Server) -> Iterator[GcsBucket]:
    made = urllib.request.Request(f"{s3_server.filer_url}/buckets/{OPEN_BUCKET}/", method="POST")
    try:
        urllib.request.urlopen(made, timeout=5).close()
    except urllib.error.HTTPError as error:  # it is there
        error.close()
    with served(_Unsigned, behind=int(s3_server.endpoint_url.rpartition(":")[2])) as url:
        yield GcsBucket(bucket=OPEN_BUCKET, bucket_folder=uuid4().hex, endpoint_url=url, anonymous=True, max_attempts=1)


@contextlib.contextmanager
def served(handler: type[BaseHTTPRequestHandler], **fields: object) -> Iterator[str]:
    """The URL of a server that runs meanwhile."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        for name, value in fields.items():
            setattr(server, name, value)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_files_go_there_and_back_under_whole_names(bucket: GcsBucket, tmp_path: Path) -> None:
    folder = bucket.bucket_folder
    (tmp_path / "a").write_bytes(b"a")
    assert bucket.upload_from_path(tmp_path / "a", Path("data/2024/a")) == f"{folder}/data/2024/a"
    assert bucket.upload_from_file_object(io.BytesIO(b"b"), "data/2025/b") == f"{folder}/data/2025/b"
    bucket.get_directory("data/2024/a", tmp_path)
    assert (tmp_path / folder / "data" / "2024" / "a").read_bytes() == b"a"
    bucket.get_directory("data", tmp_path / "all")
    assert (tmp_path / "all" / folder / "data" / "2025" / "b").exists()
    assert [each["name"] for each in bucket.list_blobs("data")] == [f"{folder}/data/2024/a", f"{folder}/data/2025/b"]
    assert bucket.list_folders() == [f"{folder}/data/2024", f"{folder}/data/2025"]
    assert bucket.download_object_to_path("data/2024/a", tmp_path / "b").read_bytes() == b"a"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format", "suffix"), [("csv_gzip", ".csv.gz"), ("csv", ".csv"), ("parquet_snappy", ".snappy.parquet")]
)
def test_data_frames_are_uploaded(bucket: GcsBucket, format: str, suffix: str) -> None:
    frame = pandas.DataFrame({"n": [1, 2]})
    path = bucket.upload_from_dataframe(frame, "data/frame.table", format)
    assert path == f"{bucket.bucket_folder}/data/frame{suffix}"
    content = bucket.read_path(f"data/frame{suffix}")
    if "parquet" in format:
        assert pandas.read_parquet(io.BytesIO(content)).equals(frame)
    else:
        assert (gzip.decompress(content) if "gzip" in format else content) == b"n\n1\n2\n"


@pytest.mark.slow
def test_a_saved_bucket_holds_results(bucket: GcsBucket) -> None:
    bucket.save("mine")

    @task(persist_result=True, result_storage="gcs-bucket/mine", cache_result_in_memory=False)
    def answer() -> int:
        return 42

    result = answer(return_state=True).data
    assert (result.get(), result.storage) == (42, bucket)


@pytest.mark.slow
def test_a_coroutine_flow_awaits_a_bucket(bucket: GcsBucket) -> None:
    @flow
    async def use() -> Any:
        await bucket.upload_from_dataframe(pandas.DataFrame({"n": [1]}), "a", "csv")
        return await bucket.read_path("a.csv")

    assert asyncio.run(use()) == b"n\n1\n"


def test_a_format_that_is_unknown_is_refused() -> None:
    with pytest.raises(ValueError, match="Choose one of csv, csv_gzip"):
        GcsBucket(bucket="data").upload_from_dataframe(pandas.DataFrame(), "a", "feather")


KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class _Google(BaseHTTPRequestHandler):
    """Gives a token to whom the key's owner has signed for, and a secret to who has the token."""

    def do_POST(self) -> None:
        given = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        signed, _, signature = given["assertion"][0].rpartition(".")
        raw = base64.urlsafe_b64decode(f"{signature}==")
        KEY.public_key().verify(raw, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        self._answer({"access_token": "t0ken", "expires_in": 3600, "token_type": "Bearer"})

    def do_GET(self) -> None:
        known = self.headers["Authorization"] == "Bearer t0ken"
        if known and self.path == "/v1/projects/shop/secrets/door/versions/latest:access":
            self._answer({"payload": {"data": base64.b64encode(b"sesame").decode()}})
        else:
            self.send_error(404)

    def _answer(self, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Tests say nothing."""


@pytest.fixture
def google() -> Iterator[str]:
    with served(_Google) as url:
        yield url


def key(url: str) -> dict[str, str]:
    """A service account's key."""
    form = serialization.PrivateFormat.PKCS8
    pem = KEY.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    return {
        "type": "service_account",
        "project_id": "shop",
        "private_key_id": "1",
        "private_key": pem,
        "client_email": "ada@shop.example.org",
        "token_uri": f"{url}/token",
    }


def test_secrets_are_read_with_a_token_of_the_service_account(google: str, tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text(json.dumps(key(google)))
    by_file = GcpCredentials(service_account_file=tmp_path / "key.json")
    by_info = GcpCredentials(service_account_info=key(google))  # type: ignore[arg-type]
    assert by_file.get_access_token() == by_info.get_access_token() == "t0ken"
    secret = GcpSecret(gcp_credentials=by_info, secret_name="door", api_url=google)
    assert secret.read_secret() == b"sesame"
    with pytest.raises(IntegrationError, match="answered 404 for projects/shop/secrets/window"):
        secret.model_copy(update={"secret_name": "window"}).read_secret()


def test_a_coroutine_awaits_a_token(google: str) -> None:
    credentials = GcpCredentials(service_account_info=SecretStr(json.dumps(key(google))))

    async def use() -> Any:
        return await credentials.get_access_token()

    assert asyncio.run(use()) == "t0ken"


def test_a_saved_key_is_kept_and_not_shown() -> None:
    credentials = GcpCredentials(service_account_info=key("http://127.0.0.1:9"))  # type: ignore[arg-type]
    GcsBucket(bucket="data", gcp_credentials=credentials).save("mine")
    loaded = GcsBucket.load("mine")
    assert loaded.gcp_credentials == credentials
    assert "PRIVATE" not in repr(loaded)
    with pytest.raises(IntegrationError, match="Google gives no token") as caught:
        loaded.gcp_credentials.get_access_token()
    assert "PRIVATE" not in str(caught.value)


def test_a_key_is_given_once() -> None:
    with pytest.raises(ValidationError, match="exclude each other"):
        GcpCredentials(service_account_info=SecretStr("{}"), service_account_file=Path("key.json"))


def test_what_a_library_is_missing_for_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, google: str) -> None:
    credentials = GcpCredentials(service_account_info=key(google))  # type: ignore[arg-type]
    for method, library in [
        ("get_bigquery_client", "google-cloud-bigquery"),
        ("get_cloud_storage_client", "google-cloud-storage"),
        ("get_secret_manager_client", "google-cloud-secret-manager"),
    ]:
        with pytest.raises(IntegrationError, match=f"pip install {library}"):
            getattr(credentials, method)()
    monkeypatch.setitem(sys.modules, "google.oauth2.service_account", None)
    with pytest.raises(IntegrationError, match=r"pip install .perdure\[gcp\]"):
        asyncio.run(read_secret("door", credentials))
