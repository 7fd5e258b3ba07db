"""A token of GitHub, and its API."""

from perdure._platform.moved import export
from perdure._repositories.github_credentials import GitHubCredentials

__all__ = ["GitHubCredentials"]

export(globals())
