"""Storages: bytes by key, as blocks that can be saved and named."""

from importlib import import_module
from typing import TYPE_CHECKING

from perdure._platform.moved import export
from perdure._storages.local import LocalFileSystem
from perdure._storages.storage import Entry, Storage, Writer, check_key

if TYPE_CHECKING:  # imported once they are asked for
    from perdure._storages.clouds import GCS, S3, Azure
    from perdure._storages.remote import RemoteFileSystem

__all__ = ["GCS", "S3", "Azure", "Entry", "LocalFileSystem", "RemoteFileSystem", "Storage", "Writer", "check_key"]

# By Prefect's names: here every storage reads and writes, and is fit for code.
ReadableFileSystem = WritableFileSystem = ReadableDeploymentStorage = WritableDeploymentStorage = Storage

__path__: list[str] = []  # what was below it is found by its former name

_LATER = {
    "Azure": "perdure._storages.clouds",
    "GCS": "perdure._storages.clouds",
    "RemoteFileSystem": "perdure._storages.remote",
    "S3": "perdure._storages.clouds",
}


_ELSEWHERE = {"GitHub": "perdure.integrations.github"}  # by its path in Prefect


def __getattr__(name: str) -> object:
    if name in _ELSEWHERE:
        return getattr(import_module(_ELSEWHERE[name]), name)
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_LATER[name]), name)
    export({"__name__": __name__, "__all__": [name], name: found})
    return found


export(globals())
