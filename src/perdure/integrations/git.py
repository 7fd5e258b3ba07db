"""Repositories, by the system's git: a branch, a tag or a commit, without its history.

Credentials go to git in its environment: they are neither in its arguments, which other users of the machine see,
nor in the configuration of the copy.
"""

from perdure._platform.moved import export
from perdure._repositories.git import GitRepository, Ref, RepositoryUrl, Wanted, copy_into

__all__ = ["GitRepository", "Ref", "RepositoryUrl", "Wanted", "copy_into"]

export(globals())
