"""Storages: bytes by key, as blocks that can be saved and named."""

from perdure.filesystems.local import LocalFileSystem
from perdure.filesystems.storage import Storage, check_key

__all__ = ["LocalFileSystem", "Storage", "check_key"]
