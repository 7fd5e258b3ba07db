"""Storages by what a person types."""

from pathlib import Path
from typing import TYPE_CHECKING

from perdure._model.errors import BlockError

if TYPE_CHECKING:  # it imports pydantic, which a process that persists nothing does not need
    from perdure._storages.storage import Storage

# Addresses of object stores: the storage's class, and its field for what follows the scheme
_SCHEMES = {
    "s3": ("S3", "bucket_path"),
    "gs": ("GCS", "bucket_path"),
    "az": ("Azure", "container_path"),
}


def storage_at(place: str | Path) -> "Storage":
    """The storage of a directory, of an address such as `s3://bucket/prefix`, or of a slug such as `s3/dev`.

    A directory has to be there. Addresses of object stores use the credentials of the environment.

    Raises:
        BlockError: it is none of these.
    """
    from perdure._blocks.block import Block
    from perdure._storages import local
    from perdure._storages.storage import Storage as Kind

    text = str(place)
    if not text.strip():
        raise BlockError("A storage is asked for by an empty text. Give a directory, an address or a slug.")
    scheme, mark, rest = text.partition("://")
    if mark and scheme in _SCHEMES:
        name, field = _SCHEMES[scheme]
        from perdure._storages import clouds

        storage: Storage = getattr(clouds, name)(**{field: rest.strip("/")})
        return storage
    if mark:
        from perdure._storages.remote import RemoteFileSystem

        remote: Storage = RemoteFileSystem(basepath=text)
        return remote
    if Path(place).expanduser().is_dir():
        return local.LocalFileSystem(basepath=place)
    if isinstance(place, Path) or text.count("/") != 1 or text.startswith((".", "~", "/")):
        raise BlockError(
            f"There is no directory {text!r}. Give one that is there, an address such as 's3://bucket/prefix', or the"
            " slug of a saved storage such as 'local-file-system/dev'."
        )
    block = Block.load(text)
    if not isinstance(block, Kind):
        raise BlockError(f"The block {text!r} is a {type(block).__name__}, which is no storage. Give a storage's slug.")
    return block
