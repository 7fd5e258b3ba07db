"""Repositories by the system's git: from the disk, and from a server that asks for a token; GitHub's API."""

import asyncio
import base64
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from perdure import flow
from perdure.errors import IntegrationError
from perdure.integrations.git import GitRepository
from perdure.integrations.github import GitHub, GitHubRepository
from perdure.integrations.github_credentials import GitHubCredentials

TOKEN = "ghp_s3cret"


def git(folder: Path, *arguments: str) -> str:
    made = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    command = ["git", "-c", "init.defaultBranch=main", *arguments]
    done = subprocess.run(command, cwd=folder, env={**os.environ, **made}, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare repository: `first` is tagged, `second` is on main, and the branch `side` has a file more."""
    work = tmp_path_factory.mktemp("work")
    git(work, "init", "-q")
    (work / "deep").mkdir()
    (work / "deep" / "a").write_text("first")
    git(work, "add", ".")
    git(work, "commit", "-qm", "first")
    git(work, "tag", "v1")
    git(work, "checkout", "-qb", "side")
    (work / "b").write_text("side")
    git(work, "add", ".")
    git(work, "commit", "-qm", "side")
    git(work, "checkout", "-q", "main")
    (work / "deep" / "a").write_text("second")
    git(work, "commit", "-qam", "second")
    bare = tmp_path_factory.mktemp("served") / "shop.git"
    git(work, "clone", "-q", "--bare", ".", str(bare))
    return bare


@pytest.mark.parametrize(
    ("chosen", "content"),
    [({}, "second"), ({"branch": "side"}, "first"), ({"tag": "v1"}, "first"), ({"commit_sha": "v1^0"}, "first")],
    ids=["default", "branch", "tag", "commit"],
)
@pytest.mark.parametrize("length", [40, 9])
def test_what_is_chosen_is_pulled_without_history(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: dict[str, str], content: str, length: int
) -> None:
    monkeypatch.chdir(tmp_path)
    if "commit_sha" in chosen:
        chosen = {"commit_sha": git(repository, "rev-parse", chosen["commit_sha"])[:length]}
    source = GitRepository(url=repository.as_uri(), **chosen)
    assert source.pull_code() == source.destination
    assert (source.destination / "deep" / "a").read_text() == content
    assert (source.destination / "b").exists() == ("branch" in chosen)
    if length == 40:
        assert git(source.destination, "rev-list", "--count", "HEAD") == "1"


def test_pulling_again_takes_what_is_new(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "clone", "-q", str(repository), "other")
    moving = GitRepository(url=(tmp_path / "other").as_uri(), name="copy")
    moving.pull_code()
    (moving.destination / "deep" / "a").write_text("changed here")
    (tmp_path / "other" / "c").write_text("new")
    git(tmp_path / "other", "add", ".")
    git(tmp_path / "other", "commit", "-qm", "new")
    moving.pull_code()
    assert (moving.destination / "c").read_text() == "new"
    assert (moving.destination / "deep" / "a").read_text() == "second"


@pytest.mark.parametrize("kind", ["files", "a repository"])
def test_what_is_somebody_elses_is_not_overwritten(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop").mkdir()
    if kind == "a repository":
        git(tmp_path / "shop", "init", "-q")
    (tmp_path / "shop" / "mine").write_text("work")
    with pytest.raises(IntegrationError, match="has files that are no copy of a repository"):
        GitRepository(url=str(repository)).pull_code()
    assert (tmp_path / "shop" / "mine").read_text() == "work"


@pytest.mark.parametrize("name", ["..", "../..", "/etc", "."])
def test_no_name_leads_out_of_the_current_directory(name: str) -> None:
    destination = GitRepository(url="https://example.org/..", name=name).destination
    assert destination.parent == Path.cwd()
    assert destination.resolve().parent == Path.cwd()


def test_one_directory_can_be_had(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert GitRepository(url=str(repository), branch="side", directories=("deep",)).pull_code()
    assert (tmp_path / "shop-side" / "deep" / "a").exists()
    block = GitHubRepository(repository_url=str(repository), reference="v1")
    assert block.get_directory("deep", tmp_path / "only") == tmp_path / "only"
    assert [path.name for path in (tmp_path / "only").iterdir()] == ["a"]
    with pytest.raises(IntegrationError, match="has no directory '../..'"):
        block.get_directory("../..", tmp_path / "out")


def test_a_coroutine_flow_awaits_it(repository: Path, tmp_path: Path) -> None:
    @flow
    async def get() -> None:
        await GitHubRepository(repository_url=str(repository), reference="side").get_directory(local_path=tmp_path)

    asyncio.run(get())
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "home") == ["b", "deep"]


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "https://ada:s3cret@example.org/a.git"},
        {"url": "ext::sh -c touch% owned"},
        {"url": "--upload-pack=touch owned"},
        {"url": "a", "branch": "--output=x"},
        {"url": "a", "branch": "b", "tag": "c"},
        {"url": "a", "commit_sha": "main"},
    ],
)
def test_what_git_could_take_for_something_else_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        GitRepository(**fields)
    assert "s3cret" not in str(caught.value)


def test_what_is_not_there_is_named(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(IntegrationError, match="refs/heads/none of .*cannot be fetched"):
        GitRepository(url=str(repository), branch="none").get_directory(local_path=tmp_path)


class _Server(BaseHTTPRequestHandler):
    """Serves repositories by git's own program, and some of GitHub's API, to those who have the token."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        basic = "Basic " + base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
        if self.headers.get("Authorization") not in (basic, f"Bearer {TOKEN}"):
            self._answer(401, "application/json", b'{"message": "Bad credentials"}', {"WWW-Authenticate": "Basic"})
        elif self.path.startswith("/api/"):
            self._api(body)
        else:
            self._git(body)

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - the names of http.server

    def _api(self, body: bytes) -> None:
        answer: Any = {"path": self.path, "sent": json.loads(body or b"null")}
        if self.path == "/api/graphql":
            asked = json.loads(body)
            answer = {"data": asked["variables"]} if "ok" in asked["query"] else {"errors": [{"message": "no field"}]}
        self._answer(204 if self.command == "DELETE" else 200, "application/json", json.dumps(answer).encode())

    def _git(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        environment = {
            **os.environ,
            "GIT_PROJECT_ROOT": str(self.server.root),  # type: ignore[attr-defined]
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(["git", "http-backend"], env=environment, input=body, capture_output=True, check=True)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self._answer(int(headers.get("Status", "200").split()[0]), headers["Content-Type"], content)

    def _answer(self, status: int, kind: str, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        content = b"" if status == 204 else content
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Tests say nothing."""


@pytest.fixture
def server(repository: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Server) as made:
        made.root = repository.parent  # type: ignore[attr-defined]
        thread = threading.Thread(target=made.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{made.server_port}"
        made.shutdown()
        thread.join()


def test_a_token_opens_a_private_repository_and_is_written_nowhere(server: str, tmp_path: Path) -> None:
    url = f"{server}/shop.git"
    credentials = GitHubCredentials(token=SecretStr(TOKEN))
    block = GitHubRepository(repository_url=url, credentials=credentials, include_git_objects=True)
    block.get_directory(local_path=tmp_path / "a")
    assert (tmp_path / "a" / "deep" / "a").read_text() == "second"
    assert not any(TOKEN.encode() in path.read_bytes() for path in (tmp_path / "a").rglob("*") if path.is_file())
    GitHub(repository=url, access_token=SecretStr(TOKEN), reference="v1").get_directory(local_path=tmp_path / "b")
    assert (tmp_path / "b" / "deep" / "a").read_text() == "first"
    GitRepository(url=url, credentials={"access_token": SecretStr(TOKEN)}).get_directory(local_path=tmp_path / "c")
    assert (tmp_path / "c" / "deep" / "a").read_text() == "second"


def test_a_wrong_token_is_an_error_that_does_not_show_it(server: str, tmp_path: Path) -> None:
    with pytest.raises(IntegrationError, match="Correct the URL or the credentials") as caught:
        GitRepository(url=f"{server}/shop.git", credentials=SecretStr("wr0ng")).get_directory(local_path=tmp_path)
    assert "wr0ng" not in str(caught.value)


def test_githubs_api_answers(server: str) -> None:
    credentials = GitHubCredentials(token=SecretStr(TOKEN), api_url=f"{server}/api")
    assert credentials.request("POST", "/repos/a/b/issues", {"title": "x"}, {"page": 2}) == {
        "path": "/api/repos/a/b/issues?page=2",
        "sent": {"title": "x"},
    }
    assert credentials.request("DELETE", "/repos/a/b") is None
    assert credentials.graphql("ok", {"a": 1}) == {"a": 1}
    with pytest.raises(IntegrationError, match="no field"):
        credentials.graphql("bad")


def test_githubs_refusals_are_errors(server: str) -> None:
    with pytest.raises(IntegrationError, match="answered 401 to GET /user: Bad credentials"):
        GitHubCredentials(token=SecretStr("wr0ng"), api_url=f"{server}/api").request("GET", "/user")
    with pytest.raises(IntegrationError, match="ConnectError"):
        GitHubCredentials(api_url="http://127.0.0.1:9").request("GET", "/user")
