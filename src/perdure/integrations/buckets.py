"""What the buckets of all clouds have in common: storages, with the methods that users of Prefect know.

A bucket is one of Perdure's object stores under other names of its fields: it can hold results, too. Paths are below
the bucket's folder.
"""

import os
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING
from uuid import uuid4

from perdure._storages.object_store import ObjectStore
from perdure._storages.storage import Entry, check_key
from perdure.integrations.calling import awaited_in_async_code

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Store

__all__ = ["Bucket"]

_PIECE = 8 * 1024 * 1024  # bytes of a file that are in memory at a time

AnyPath = str | os.PathLike[str]


class Bucket(ObjectStore):
    """A bucket or container of some cloud. In async code, its uploads and downloads are awaited."""

    @abstractmethod
    def storage(self) -> ObjectStore:
        """The same place as one of the storages in `perdure.filesystems`."""

    @abstractmethod
    def _folder(self) -> str:
        """The folder in the bucket that all paths are below; "" for none."""

    @awaited_in_async_code
    def upload_from_path(self, from_path: AnyPath, to_path: AnyPath | None = None) -> str:
        """Upload a file, under its own name if no path is given; the path in the bucket.

        Raises:
            StorageError: the bucket refuses.
            OSError: the file cannot be read.
        """
        source = Path(from_path).expanduser()
        with source.open("rb") as file:
            return self._uploaded(file, source.name if to_path is None else to_path)

    @awaited_in_async_code
    def upload_from_file_object(self, from_file_object: IO[bytes], to_path: AnyPath) -> str:
        """Upload what a binary file has from its position on; the path in the bucket.

        Raises what `upload_from_path` raises.
        """
        return self._uploaded(from_file_object, to_path)

    @awaited_in_async_code
    def upload_from_folder(self, from_folder: AnyPath, to_folder: AnyPath | None = None) -> str:
        """Upload all files below a directory; the folder in the bucket.

        Raises what `upload_from_path` raises.
        """
        source = Path(from_folder).expanduser()
        for path in sorted(each for each in source.rglob("*") if each.is_file()):
            with path.open("rb") as file:
                self._uploaded(file, PurePosixPath(to_folder or "") / path.relative_to(source).as_posix())
        return self._whole("" if to_folder is None else _key(to_folder))

    @awaited_in_async_code
    def download_object_to_path(self, from_path: AnyPath, to_path: AnyPath | None = None) -> Path:
        """Download an object to a file, of the object's name in this directory if no path is given; the absolute path.

        Raises:
            ObjectMissing: there is no such object.
            StorageError: the bucket refuses.
            OSError: the file cannot be written.
        """
        return self._downloaded(_key(from_path), Path(PurePosixPath(from_path).name if to_path is None else to_path))

    @awaited_in_async_code
    def download_object_to_file_object(self, from_path: AnyPath, to_file_object: IO[bytes]) -> IO[bytes]:
        """Download an object into a binary file; the file.

        Raises what `download_object_to_path` raises.
        """
        self._copy(_key(from_path), to_file_object)
        return to_file_object

    @awaited_in_async_code
    def download_folder_to_path(self, from_folder: AnyPath, to_folder: AnyPath | None = None) -> Path:
        """Download all objects below a folder into a directory, this one if none is given; its absolute path.

        Raises what `download_object_to_path` raises.
        """
        prefix = _prefix(from_folder)
        target = Path("." if to_folder is None else to_folder).expanduser().absolute()
        for entry in list(self.entries(prefix)):
            self._downloaded(entry.key, target / entry.key.removeprefix(prefix))
        return target

    def _uploaded(self, file: IO[bytes], to_path: AnyPath) -> str:
        key = _key(to_path)
        with self.open_writer(key) as writer:
            while piece := file.read(_PIECE):
                writer.write(piece)
        return self._whole(key)

    def _downloaded(self, key: str, path: Path) -> Path:
        check_key(key)  # before its name decides where a directory is made
        target = path.expanduser().absolute()
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name[:64]}.{uuid4().hex}")
        try:
            with partial.open("xb") as file:
                self._copy(key, file)
            return partial.replace(target)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise

    def _copy(self, key: str, file: IO[bytes]) -> None:
        import obstore

        with self._refusals("read", key):
            for piece in obstore.get(self._store(), key).stream(min_chunk_size=_PIECE):
                file.write(piece)

    def _whole(self, key: str) -> str:
        """A path in the bucket, its folder and all."""
        return "/".join(each for each in (self._folder(), key) if each)

    def _entries(self, folder: AnyPath) -> Iterator[Entry]:
        """What lies below a folder, by paths in the bucket."""
        for entry in self.entries(_prefix(folder)):
            yield entry._replace(key=self._whole(entry.key))

    # What an object store has

    def _connect(self, **options: object) -> "Store":
        return self.storage()._connect(**options)

    def place(self) -> str | None:
        return self.storage().place()

    def _url(self) -> str:
        return self.storage()._url()

    def _service(self) -> str | None:
        return self.storage()._service()

    def _is_sorted(self) -> bool:
        return self.storage()._is_sorted()


def _key(path: AnyPath) -> str:
    return PurePosixPath(path).as_posix()


def _prefix(folder: AnyPath) -> str:
    key = _key(folder).strip("/")
    return "" if key in ("", ".") else f"{key}/"
