"""GitHub: credentials, its API, and the files of repositories by the system's git."""

from perdure._platform.moved import export
from perdure._repositories.github import GitHub, GitHubRepository
from perdure.integrations.github_credentials import GitHubCredentials

__all__ = ["GitHub", "GitHubCredentials", "GitHubRepository"]

export(globals())
