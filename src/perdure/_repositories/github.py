"""GitHub: credentials, its API, and the files of repositories by the system's git."""

from pathlib import Path

from pydantic import Field, SecretStr

from perdure._blocks.block import Block
from perdure._model.awaited import awaited_in_async_code
from perdure._repositories.git import GitRepository, Ref, RepositoryUrl, Wanted, copy_into
from perdure._repositories.github_credentials import GitHubCredentials

__all__ = ["GitHub", "GitHubCredentials", "GitHubRepository"]


class GitHubRepository(Block):
    """A repository on GitHub: its default branch, or that of a branch or tag."""

    block_type = "github-repository"

    repository_url: RepositoryUrl
    reference: Ref = None  # a branch or tag
    credentials: GitHubCredentials = Field(default_factory=GitHubCredentials)
    include_git_objects: bool = False

    @property
    def refs(self) -> tuple[str, ...]:
        """What git tries one after the other."""
        return _refs(self.reference)

    def as_git(self) -> GitRepository:
        """The repository as one of git."""
        return GitRepository(url=self.repository_url, credentials=self.credentials.token)

    @awaited_in_async_code
    def get_directory(self, from_path: str | None = None, local_path: str | Path | None = None) -> Path:
        """Copy its files, or those of one directory in it, into a local directory, this one by default.

        In async code, awaited.

        Raises:
            IntegrationError: git is not installed, or refuses.
        """
        wanted = Wanted(self.repository_url, self.refs, token=self.credentials.token)
        return copy_into(wanted, from_path, local_path, self.include_git_objects)


class GitHub(Block):
    """A repository on GitHub, with a token of its own."""

    block_type = "github"

    repository: RepositoryUrl
    reference: Ref = None  # a branch or tag
    access_token: SecretStr | None = None
    include_git_objects: bool = False

    @property
    def refs(self) -> tuple[str, ...]:
        """What git tries one after the other."""
        return _refs(self.reference)

    def as_git(self) -> GitRepository:
        """The repository as one of git."""
        return GitRepository(url=self.repository, credentials=self.access_token)

    @awaited_in_async_code
    def get_directory(self, from_path: str | None = None, local_path: str | Path | None = None) -> Path:
        """Copy its files, or those of one directory in it, into a local directory, this one by default.

        In async code, awaited.

        Raises:
            IntegrationError: git is not installed, or refuses.
        """
        wanted = Wanted(self.repository, self.refs, token=self.access_token)
        return copy_into(wanted, from_path, local_path, self.include_git_objects)


def _refs(reference: str | None) -> tuple[str, ...]:
    return ("HEAD",) if reference is None else (f"refs/heads/{reference}", f"refs/tags/{reference}")
