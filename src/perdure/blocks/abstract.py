"""Bases of your own blocks that stand for a service: what credentials, databases, jobs and the like have in common."""

from perdure._blocks.abstract import (
    CredentialsBlock,
    DatabaseBlock,
    JobBlock,
    JobRun,
    NotificationBlock,
    NotificationError,
    ObjectStorageBlock,
    SecretBlock,
)
from perdure._platform.moved import export

__all__ = [
    "CredentialsBlock",
    "DatabaseBlock",
    "JobBlock",
    "JobRun",
    "NotificationBlock",
    "NotificationError",
    "ObjectStorageBlock",
    "SecretBlock",
]

export(globals())
