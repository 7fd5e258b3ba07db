"""Repositories, by the system's git: a branch, a tag or a commit, without its history.

Credentials go to git in its environment: they are neither in its arguments, which other users of the machine see,
nor in the configuration of the copy.
"""

import base64
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr, model_validator

from perdure._blocks.block import Block
from perdure._blocks.system import Secret
from perdure._model.awaited import awaited_in_async_code
from perdure._model.errors import CommandFailed, IntegrationError
from perdure._platform.named import NamedTuple
from perdure._repositories.github_credentials import GitHubCredentials
from perdure._run.log_reporting import run_log
from perdure._run.started_programs import Command, Process

__all__ = ["GitRepository", "Ref", "RepositoryUrl", "Wanted", "copy_into"]

Git = Callable[..., None]  # calls git with arguments

_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",  # nobody is there to answer
    "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
    "LC_ALL": "C",
}
_MARK = "perdure"  # a file beside git's own, in copies that are ours
_REF = re.compile(r"[^-\s~^:?*\[\\][^\s~^:?*\[\\]*")
_SHA = re.compile(r"[0-9a-fA-F]{7,64}")
_WHOLE_SHA = (40, 64)  # characters, of SHA-1 and of SHA-256


def _checked_ref(ref: str | None) -> str | None:
    if ref is not None and (not _REF.fullmatch(ref) or ".." in ref):
        raise ValueError(f"{ref!r} cannot be the name of a branch or tag")
    return ref


def _checked_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme in ("http", "https") and (parts.username or parts.password):
        raise ValueError("a repository's URL holds no user and no password. Give the token as credentials")
    if url.startswith("-") or "::" in url.partition("/")[0]:
        raise ValueError("a repository's URL begins with https://, ssh://, file:// or user@host:, or is a path")
    return url


Ref = Annotated[str | None, AfterValidator(_checked_ref)]
"""The name of a branch or tag, or a commit, that cannot be taken for an option of `git`."""
RepositoryUrl = Annotated[str, AfterValidator(_checked_url)]
"""The URL of a repository, by a protocol that runs no program."""


class Wanted(NamedTuple):
    """What of a repository is fetched: refs that git tries one after the other, or a commit."""

    url: str
    refs: Sequence[str] = ("HEAD",)
    commit: str | None = None
    token: SecretStr | None = None
    user: str | None = None  # what goes before the token
    submodules: bool = False
    directories: Sequence[str] = ()  # all, if none is named


class GitRepository(Block):
    """A repository: its default branch, or a branch, tag or commit. `pull_code()` has a copy of it beside the program.

    `credentials` are a token, or `GitHubCredentials`, or a dict with `username` and `access_token` or `password`; those
    may be `Secret` blocks.
    """

    block_type = "git-repository"

    url: RepositoryUrl
    credentials: GitHubCredentials | SecretStr | dict[str, SecretStr] | None = None
    name: str | None = None  # of the copy's directory
    branch: Ref = None
    tag: Ref = None
    commit_sha: str | None = None
    include_submodules: bool = False
    directories: tuple[str, ...] = ()  # of the repository; all, if none is named

    def __init__(self, url: str | None = None, **fields: Any) -> None:
        super().__init__(**({} if url is None else {"url": url}), **fields)

    @model_validator(mode="before")
    @classmethod
    def _called_as_in_prefect(cls, given: Any) -> Any:
        """`pull_interval` falls away, since a commit is fetched once; secrets may be blocks."""
        if not isinstance(given, dict):
            return given
        made = {name: value for name, value in given.items() if name != "pull_interval"}
        credentials = made.get("credentials")
        if isinstance(credentials, dict):
            made["credentials"] = {name: _secret(value) for name, value in credentials.items()}
        elif "credentials" in made:
            made["credentials"] = _secret(credentials)
        return made

    @model_validator(mode="after")
    def _one_is_chosen(self) -> "GitRepository":
        if sum(each is not None for each in (self.branch, self.tag, self.commit_sha)) > 1:
            raise ValueError("branch, tag and commit_sha exclude each other; give one of them")
        if self.commit_sha is not None and not _SHA.fullmatch(self.commit_sha):
            raise ValueError("commit_sha is 7 to 64 hexadecimal digits")
        return self

    @property
    def destination(self) -> Path:
        """The directory that `pull_code` makes, below the current one."""
        ref = self.branch or self.tag or self.commit_sha
        base = urlsplit(self.url).path.rstrip("/").rpartition("/")[2].removesuffix(".git") or "repository"
        name = self.name or (f"{base}-{ref}" if ref else base)
        return Path.cwd() / (re.sub(r"[^\w.-]", "-", name).lstrip(".") or "repository")

    @awaited_in_async_code
    def pull_code(self) -> Path:
        """Have in `destination` what the repository has now, without its history; the directory.

        In async code, awaited.

        Raises:
            IntegrationError: git is not installed, or refuses.
        """
        fetch(self._wanted(), self.destination)
        return self.destination

    @awaited_in_async_code
    def get_directory(self, from_path: str | None = None, local_path: str | Path | None = None) -> Path:
        """Copy the repository's files, or those of one directory in it, into a local directory, this one by default.

        In async code, awaited.

        Raises what `pull_code` raises.
        """
        return copy_into(self._wanted(), from_path, local_path)

    def _wanted(self) -> Wanted:
        token, user = _token_of(self.credentials)
        refs = (f"refs/heads/{self.branch}",) if self.branch else (f"refs/tags/{self.tag}",) if self.tag else ("HEAD",)
        return Wanted(self.url, refs, self.commit_sha, token, user, self.include_submodules, self.directories)


def _secret(value: object) -> object:
    return value.value if isinstance(value, Secret) else value


def _token_of(
    credentials: GitHubCredentials | SecretStr | Mapping[str, SecretStr] | None,
) -> tuple[SecretStr | None, str | None]:
    if isinstance(credentials, GitHubCredentials):
        return credentials.token, None
    if not isinstance(credentials, Mapping):
        return credentials, None
    token = next((credentials[each] for each in ("access_token", "token", "password") if each in credentials), None)
    user = credentials.get("username")
    return token, None if user is None else user.get_secret_value()


def copy_into(wanted: Wanted, from_path: str | None, local_path: str | Path | None, with_objects: bool = False) -> Path:
    """Copy files of a repository into a local directory, this one by default; the directory.

    `with_objects` copies git's own directory, too.

    Raises:
        IntegrationError: git refuses, or the repository has no such directory.
    """
    target = Path("." if local_path is None else local_path).expanduser().absolute()
    with TemporaryDirectory(prefix="perdure-git-") as folder:
        whole = Path(folder, "copy")
        fetch(wanted, whole)
        source = (whole / (from_path or ".").strip("/")).resolve()
        if not source.is_dir() or not source.is_relative_to(whole.resolve()):
            raise IntegrationError(f"{wanted.url} has no directory {from_path!r}. Correct from_path.")
        ignored = None if with_objects else shutil.ignore_patterns(".git")
        shutil.copytree(source, target, symlinks=True, ignore=ignored, dirs_exist_ok=True)
    return target


def fetch(wanted: Wanted, folder: Path) -> None:
    """Have in a directory what is wanted, and nothing else that git knows of.

    Raises:
        IntegrationError: git is not installed, or refuses.
    """
    if Path(wanted.url).exists():  # git is called in another directory
        wanted = wanted._replace(url=str(Path(wanted.url).absolute()))
    mark = folder / ".git" / _MARK
    if folder.exists() and any(folder.iterdir()) and not mark.exists():  # what is there would be lost
        raise IntegrationError(
            f"{folder} has files that are no copy of a repository. Choose another name, or remove it."
        )
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**_ENVIRONMENT, **_authorization(wanted)}

    def git(*arguments: str) -> None:
        _run(["git", "-c", "advice.detachedHead=false", *arguments], folder, environment)

    if not mark.exists():
        git("init", "--quiet")
        mark.touch()
    if wanted.directories:
        git("sparse-checkout", "set", "--", *wanted.directories)
    try:
        _fetch_shallow(wanted, git)
    except CommandFailed as error:
        raise _refused(wanted, error) from None
    git("checkout", "--quiet", "--force", "--detach", wanted.commit or "FETCH_HEAD")
    git("clean", "--quiet", "-ffd")
    if wanted.submodules:
        git("submodule", "--quiet", "update", "--init", "--recursive", "--depth", "1")


def _fetch_shallow(wanted: Wanted, git: Git) -> None:
    shallow = ("fetch", "--quiet", "--no-tags", "--depth", "1", "--end-of-options", wanted.url)
    if wanted.commit is None:
        *first, last = wanted.refs
        if not any(_succeeds(git, *shallow, ref) for ref in first):
            git(*shallow, last)
        return
    # A server does not know abbreviations, and some give no single commits.
    if len(wanted.commit) not in _WHOLE_SHA or not _succeeds(git, *shallow, wanted.commit):
        git("fetch", "--quiet", "--tags", "--end-of-options", wanted.url, "+refs/heads/*:refs/remotes/origin/*")


def _succeeds(git: Git, *arguments: str) -> bool:
    try:
        git(*arguments)
    except CommandFailed:
        return False
    return True


def _refused(wanted: Wanted, error: CommandFailed) -> IntegrationError:
    what = wanted.commit or wanted.refs[-1]
    said = str(error).partition("\n")[2].strip() or str(error)
    return IntegrationError(
        f"{what} of {wanted.url} cannot be fetched. Correct the URL or the credentials. Git says: {said}"
    )


def _authorization(wanted: Wanted) -> dict[str, str]:
    """Settings of git by which requests to this host alone have the token."""
    parts = urlsplit(wanted.url)
    if wanted.token is None or parts.scheme not in ("http", "https"):
        return {}
    user = wanted.user or ("oauth2" if "gitlab" in parts.netloc else "x-access-token")
    pair = base64.b64encode(f"{user}:{wanted.token.get_secret_value()}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{parts.scheme}://{parts.netloc}/.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {pair}",
    }


def _run(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
    command = Command(arguments, environment, folder, None, f"git {arguments[3]}")
    Process(command, run_log("integrations.git").log).wait()
