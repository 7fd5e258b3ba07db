"""Code from repositories: a copy of a commit in Perdure's home, made once, from which flows are loaded and run."""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from perdure._model.errors import DeploymentError, IntegrationError, StorageError
from perdure._platform.files import locked, make_private
from perdure._repositories.git import GitRepository, fetch
from perdure._repositories.github import GitHub, GitHubRepository
from perdure._results.storage_by_name import storage_at
from perdure._rooms.deployments.code_origin import COPIES, MARK
from perdure._settings import settings
from perdure._storages import directories
from perdure._storages.local import LocalFileSystem
from perdure._storages.storage import Storage

__all__ = ["checkout", "copy_of", "folder_of", "placed"]

_URL = re.compile(r"(?:https?|ssh|git|file)://|[\w.-]+@[\w.-]+:")
_WHOLE = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def folder_of(source: object) -> Path:
    """The folder that a source of code is: itself, or a copy of a repository's commit or a storage's files.

    Copies are made in Perdure's home, if need be.

    Raises:
        DeploymentError: there is no such folder, or the source is of no kind that flows are loaded from.
        IntegrationError: git is not installed, or refuses.
        StorageError: the storage refuses, or has no files there.
    """
    if isinstance(source, GitHub | GitHubRepository):
        return checkout(source.as_git(), source.refs)
    if isinstance(source, GitRepository):
        return checkout(source)
    if isinstance(source, str) and source.startswith("file://") and _is_plain_folder(Path(source[7:])):
        source = Path(source[7:])
    if isinstance(source, str) and (_URL.match(source) or source.endswith(".git")):
        return checkout(GitRepository(url=source))
    if isinstance(source, str) and "://" in source:
        return copy_of(storage_at(source))
    if isinstance(source, LocalFileSystem):
        source = Path(source.root() or ".")
    if isinstance(source, Storage):
        return copy_of(source)
    if isinstance(source, str | Path):
        folder = Path(source).expanduser().resolve()
        if folder.is_dir():
            return folder
        raise DeploymentError(f"There is no folder {str(source)!r}. Give a folder, or a repository's URL.")
    raise DeploymentError(
        f"Flows are loaded from a folder, a repository's URL or a GitRepository, or from a storage such as S3, not from"
        f" a {type(source).__name__}. If it can copy its files into a folder, load the flow from that:"
        " flow.from_source(folder, entrypoint)."
    )


def _is_plain_folder(folder: Path) -> bool:
    """Whether it is a folder that is no repository."""
    return folder.is_dir() and not (folder / ".git").exists() and not (folder / "HEAD").is_file()


def copy_of(storage: Storage) -> Path:
    """A copy of a storage's files, by what is in them.

    Raises:
        StorageError: the storage refuses, or has no files there.
    """
    home = settings.current().home / "sources" / COPIES
    make_private(home)
    with TemporaryDirectory(prefix=".fetched-", dir=home) as temporary:
        fetched = Path(temporary, "copy")
        directories.get_directory(storage, None, fetched)
        files = sorted(each for each in fetched.rglob("*") if each.is_file())
        if not files:
            raise StorageError(
                f"There are no files in {storage.root() or 'the storage'}. Correct the bucket or the folder."
            )
        digest = sha256()
        for file in files:
            name = file.relative_to(fetched).as_posix()
            digest.update(f"{name}\0{sha256(file.read_bytes()).hexdigest()}\n".encode())
        folder = home / digest.hexdigest()[:32]
        with locked(home / "lock"):
            if not folder.is_dir():
                fetched.rename(folder)
    return folder


def checkout(repository: GitRepository, refs: Sequence[str] | None = None) -> Path:
    """A copy of what is chosen of a repository, without its history, by its commit; `refs` are tried instead, if given.

    Raises:
        IntegrationError: git is not installed, or refuses.
    """
    home = settings.current().home / "sources" / sha256(repository.url.encode()).hexdigest()[:16]
    make_private(home)
    commit = repository.commit_sha
    if commit is not None and _WHOLE.fullmatch(commit) and (home / commit).is_dir():
        return home / commit
    with TemporaryDirectory(prefix=".fetched-", dir=home) as temporary:
        fetched = Path(temporary, "copy")
        wanted = repository._wanted()
        fetch(wanted if refs is None else wanted._replace(refs=refs), fetched)
        commit = _commit_of(fetched)
        said = {"url": repository.url, "commit": commit, "block": _saved_as(repository)}
        (fetched / ".git" / MARK).write_text(json.dumps({name: each for name, each in said.items() if each}))
        with locked(home / "lock"):
            if not (home / commit).is_dir():
                fetched.rename(home / commit)
    return home / commit


def _commit_of(folder: Path) -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _saved_as(repository: GitRepository) -> str | None:
    """The name of the saved block, by which another machine has its credentials."""
    saved = repository._saved
    return None if saved is None or saved.record.name is None else saved.record.name


def placed(entry: Mapping[str, str]) -> dict[str, str]:
    """Where a flow is found on this machine: if it is of a repository, in the copy of its commit.

    Raises:
        IntegrationError: git is not installed, or refuses.
    """
    if "source" not in entry:
        return dict(entry)
    source: dict[str, str] = json.loads(entry["source"])
    folder = checkout(_repository(source))
    target, there = entry["target"], Path(source["folder"])
    place, colon, name = target.rpartition(":")
    if Path(place).is_relative_to(there):
        target = f"{folder / Path(place).relative_to(there)}{colon}{name}"
    directory = folder / Path(entry["directory"]).relative_to(there)
    return {**entry, "target": target, "directory": str(directory)}


def _repository(source: Mapping[str, str]) -> GitRepository:
    chosen: dict[str, Any] = {"url": source["url"], "commit_sha": source["commit"]}
    if "block" not in source:
        return GitRepository(**chosen)
    saved = GitRepository.load(source["block"])
    if not isinstance(saved, GitRepository):
        raise IntegrationError(f"The block {source['block']!r} is no GitRepository.")
    return saved.model_copy(update={"commit_sha": source["commit"], "branch": None, "tag": None})
