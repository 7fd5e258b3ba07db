"""The page's files: whatever is not of the API, with headers that let browsers keep what does not change."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from perdure._server.web_page import Page
from tests.server.serving import Serving, serving

SCRIPT = "console.log('hello')\n" * 100


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a build leaves it."""
    folder = tmp_path_factory.mktemp("page") / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text('<title>Perdure</title><meta property="csp-nonce" nonce="PERDURE_NONCE">')
    (folder / "icon.svg").write_text("<svg/>")
    (folder / "assets" / "main-1a2b.js").write_text(SCRIPT)
    (folder / "assets" / "main-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    (folder.parent / "secret.txt").write_text("secret")
    return folder


@pytest.fixture(scope="module")
def server(built: Path) -> Iterator[Serving]:
    with serving(built.parent) as server:
        server.app.router.default = Page((built,))
        yield server


@pytest.fixture
def client(server: Serving) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/index.html", "/flow-runs", "/flow-runs/0198-a.b?tab=logs", "/apiary"])
def test_addresses_of_the_page_are_all_answered_with_it(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert "<title>Perdure</title>" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_styles_that_scripts_make_are_known_by_a_number_that_is_new_for_every_visit(client: httpx.Client) -> None:
    seen = set()
    for _ in range(2):
        answer = client.get("/")
        found = re.search(r'nonce="([\w-]{20,})"', answer.text)
        assert found is not None
        policy = answer.headers["content-security-policy"]
        assert f"style-src 'self' 'nonce-{found[1]}'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        seen.add(found[1])
    assert len(seen) == 2


def test_files_whose_names_say_what_they_hold_are_kept_for_ever(client: httpx.Client) -> None:
    client.get("/")
    script = client.get("/assets/main-1a2b.js")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert client.get("/icon.svg").headers["cache-control"] == "no-cache"


def test_files_are_sent_packed_to_those_who_accept_it(client: httpx.Client) -> None:
    client.get("/")
    for accepted, encoding in (("gzip, br", "gzip"), ("identity", None)):
        answer = client.get("/assets/main-1a2b.js", headers={"Accept-Encoding": accepted})
        assert answer.headers.get("content-encoding") == encoding
        assert answer.text == SCRIPT
        assert answer.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("path", ["/assets/main-9z9z.js", "/api/nothing", "/api"])
def test_what_is_not_there_is_not_answered_with_the_page(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["kind"] == "NotFound"


@pytest.mark.parametrize("path", ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "//secret.txt"])
def test_no_file_beside_the_page_is_served(server: Serving, path: str) -> None:
    with server.raw() as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert b"<title>Perdure</title>" in answer
    assert b"secret" not in answer.partition(b"\r\n\r\n")[2]


def test_the_page_is_read_only(client: httpx.Client) -> None:
    assert client.post("/", json={}).status_code == 405
    assert client.head("/").status_code == 200


def test_a_new_build_is_served_without_a_new_server(client: httpx.Client, built: Path) -> None:
    client.get("/")
    (built / "assets" / "other-3c4d.js").write_text("1")
    (built / "index.html").write_text("<title>Perdure</title>new")
    assert client.get("/assets/other-3c4d.js").text == "1"
    assert "new" in client.get("/").text


def test_without_a_build_the_address_says_how_to_get_one(
    server: Serving, client: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.app.router, "default", Page((tmp_path / "nowhere",)))
    answer = client.get("/flow-runs")
    assert "make ui" in answer.text
    assert "style-src 'self'" in answer.headers["content-security-policy"]


def test_the_page_is_shown_to_those_who_have_yet_to_sign_in(tmp_path: Path) -> None:
    with serving(tmp_path, authenticated=True) as server, server.client() as client:
        assert client.get("/").status_code == 200
        assert client.get("/api/flows").status_code == 401
