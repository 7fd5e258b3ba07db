"""Storages: bytes by key, as blocks that can be saved and named."""

import importlib
from typing import TYPE_CHECKING, Any

from perdure.filesystems.local import LocalFileSystem
from perdure.filesystems.storage import Entry, Storage, Writer, check_key

if TYPE_CHECKING:
    from perdure.filesystems.clouds import GCS, S3, Azure
    from perdure.filesystems.remote import RemoteFileSystem

__all__ = [
    "GCS",
    "S3",
    "Azure",
    "Entry",
    "LocalFileSystem",
    "RemoteFileSystem",
    "Storage",
    "Writer",
    "check_key",
]

# Most programs keep their results in one place, and need not wait for the others.
_ELSEWHERE = {
    "GCS": "perdure.filesystems.clouds",
    "S3": "perdure.filesystems.clouds",
    "Azure": "perdure.filesystems.clouds",
    "RemoteFileSystem": "perdure.filesystems.remote",
}


def __getattr__(name: str) -> Any:
    if name not in _ELSEWHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_ELSEWHERE[name]), name)
