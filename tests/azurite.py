"""A real emulator of Azure Blob Storage for tests: Azurite, which npm installs into the checkout's `.cache` once."""

import base64
import hashlib
import hmac
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

import pytest

from perdure._platform.files import locked

_VERSION = "3.37.0"
_FOLDER = Path(__file__).parents[1] / ".cache" / f"azurite-{_VERSION}"
_START_SECONDS = 30
_ACCOUNT = "devstoreaccount1"
# Azurite's own, which its documentation gives.
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass(frozen=True)
class Azurite:
    """How to reach it."""

    account_url: str
    account: str = _ACCOUNT
    key: str = _KEY

    @property
    def connection_string(self) -> str:
        """As the portal of Azure shows it."""
        return f"AccountName={self.account};AccountKey={self.key};BlobEndpoint={self.account_url};"

    def make_container(self, name: str) -> None:
        """Make a container, which is not there yet."""
        headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-12-02"}
        canonical = "".join(f"{header}:{value}\n" for header, value in sorted(headers.items()))
        signed = "PUT" + "\n" * 12 + f"{canonical}/{self.account}/{self.account}/{name}\nrestype:container"
        digest = hmac.new(base64.b64decode(self.key), signed.encode(), hashlib.sha256).digest()
        headers["Authorization"] = f"SharedKey {self.account}:{base64.b64encode(digest).decode()}"
        url = f"{self.account_url}/{name}?restype=container"
        urllib.request.urlopen(urllib.request.Request(url, method="PUT", headers=headers), timeout=10).close()


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """A running emulator."""
    if shutil.which("npm") is None:
        pytest.skip("Azurite needs Node.js, which is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        "node",
        _program(),
        "--silent",
        "--inMemoryPersistence",
        "--skipApiVersionCheck",
        "--blobPort",
        str(port),
    ]
    process = subprocess.Popen(command, cwd=tmp_path_factory.mktemp("azurite"), stdout=subprocess.DEVNULL)
    try:
        _await_start(port)
        yield Azurite(f"http://127.0.0.1:{port}/{_ACCOUNT}")
    finally:
        process.kill()
        process.wait()


def _program() -> str:
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with locked(_FOLDER.with_suffix(".lock")):
        if not (_FOLDER / "complete").exists():
            install = ["npm", "install", "--no-audit", "--no-fund", "--no-save", "--prefix", str(_FOLDER)]
            subprocess.run([*install, f"azurite@{_VERSION}"], check=True, capture_output=True)
            (_FOLDER / "complete").touch()
    return str(_FOLDER / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js")


def _await_start(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
        except urllib.error.HTTPError as error:  # it answers
            error.close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
