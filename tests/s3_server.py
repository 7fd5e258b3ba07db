"""A real S3 server for tests: `s3_server` is one for all tests of a process, `s3_prefix` a place of the test's own."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

BUCKET = "results"
OPEN_BUCKET = "open"  # where requests without a signature may do all
_START_SECONDS = 60
_NAMES = ("master", "volume", "filer", "s3")


@dataclass(frozen=True)
class S3Server:
    """How to reach it, as someone who may do all, and as someone who may only read."""

    endpoint_url: str
    filer_url: str  # what the server keeps, by paths such as /buckets/results/
    access_key_id: str = "perdure-tests"
    secret_access_key: str = "open-sesame"
    reader_access_key_id: str = "perdure-reader"
    reader_secret_access_key: str = "only-looking"

    def fields(self, path: str = BUCKET, **fields: Any) -> dict[str, Any]:
        """The fields of a `perdure.filesystems.S3` block on this server."""
        return {
            "bucket_path": path,
            "access_key_id": self.access_key_id,
            "secret_access_key": self.secret_access_key,
            "region": "us-east-1",
            "endpoint_url": self.endpoint_url,
            **fields,
        }

    def unfinished_uploads(self) -> int:
        """How many multipart uploads have neither been completed nor aborted."""
        request = urllib.request.Request(
            f"{self.filer_url}/buckets/{BUCKET}/.uploads/", headers={"Accept": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return len(json.load(answer)["Entries"] or [])


@contextmanager
def running(folder: Path) -> Iterator[S3Server]:
    """A server with the bucket `results`, which keeps everything in the folder."""
    ports = _free_ports(2 * len(_NAMES))
    server = S3Server(f"http://127.0.0.1:{ports[6]}", f"http://127.0.0.1:{ports[4]}")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            _command(folder, ports, server), cwd=folder, stdout=log, stderr=log, preexec_fn=_die_with_parent
        )
        try:
            _await_start(process, server, folder / "log")
            yield server
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A running server with the bucket `results`."""
    with running(tmp_path_factory.mktemp("s3-server")) as server:
        yield server


@pytest.fixture
def s3_prefix(s3_server: S3Server) -> str:
    """A path in the bucket that nobody else uses."""
    return f"{BUCKET}/{uuid4().hex}"


def _command(folder: Path, ports: list[int], server: S3Server) -> list[str]:
    users = {
        server.access_key_id: (server.secret_access_key, ["Admin", "Read", "Write", "List"]),
        server.reader_access_key_id: (server.reader_secret_access_key, ["Read", "List"]),
    }
    identities = [
        {"name": key, "credentials": [{"accessKey": key, "secretKey": secret}], "actions": actions}
        for key, (secret, actions) in users.items()
    ]
    identities.append({"name": "anonymous", "actions": [f"{each}:{OPEN_BUCKET}" for each in ("Read", "Write", "List")]})
    (folder / "users.json").write_text(json.dumps({"identities": identities}))
    (folder / "data").mkdir()
    listens = [
        option
        for index, name in enumerate(_NAMES)
        for option in (f"-{name}.port={ports[2 * index]}", f"-{name}.port.grpc={ports[2 * index + 1]}")
    ]
    return [
        *(str(Path(sys.executable).with_name("weed")), "-logtostderr", "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *("-filer", "-s3", "-s3.autoCreateBucket=false", "-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
        *(f"-dir={folder / 'data'}", f"-s3.config={folder / 'users.json'}"),
        *("-master.telemetry=false", "-master.volumeSizeLimitMB=1024", "-volume.max=0"),
        *listens,
    ]


def _free_ports(count: int) -> list[int]:
    with ExitStack() as open_sockets:
        ports = []
        for _ in range(count):
            listener = open_sockets.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            ports.append(listener.getsockname()[1])
        return ports


def _die_with_parent() -> None:
    """Have Linux kill the server when the process of the tests ends in any way."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _await_start(process: "subprocess.Popen[bytes]", server: S3Server, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not (_has_bucket(server) and _takes_objects(server)):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"The S3 server did not start:\n{log.read_text(errors='replace')[-3_000:]}")
        time.sleep(0.1)


def _has_bucket(server: S3Server) -> bool:
    """Whether the bucket is there; it is made if the server is ready for that."""
    request = urllib.request.Request(f"{server.filer_url}/buckets/{BUCKET}/", method="POST")
    try:
        urllib.request.urlopen(request, timeout=5).close()
    except urllib.error.HTTPError as error:
        error.close()
        return error.code == HTTPStatus.CONFLICT
    except OSError:
        return False
    return True


def _takes_objects(server: S3Server) -> bool:
    """Whether all of the server's parts have found each other."""
    from perdure.errors import StorageError
    from perdure.filesystems import S3

    try:
        S3(**server.fields(), max_attempts=1).write("ready", b"x")
    except StorageError:
        return False
    return True
