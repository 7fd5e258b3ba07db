"""Files as Luigi's tasks leave them, for programs that come from there: whole, or not there. Luigi is not needed."""

import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO
from uuid import uuid4

__all__ = ["LocalTarget"]


class LocalTarget:
    """A local file that is written whole: under its name only when it is closed, and not at all if its block raises."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """A file at a path; nothing is made yet."""
        self.path = os.fspath(path)

    def __fspath__(self) -> str:
        return self.path

    def __str__(self) -> str:
        return self.path

    def __repr__(self) -> str:
        return f"LocalTarget({self.path!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LocalTarget) and self.path == other.path

    def __hash__(self) -> int:
        return hash(self.path)

    @property
    def fn(self) -> str:
        """The path, by its former name in Luigi."""
        return self.path

    def exists(self) -> bool:
        """Whether the file, or folder, is there."""
        return Path(self.path).exists()

    def open(self, mode: str = "r") -> IO[str] | IO[bytes]:
        """The file, opened: "r" or "rb" to read it, "w" or "wb" to write it whole. Folders above are made.

        Text is UTF-8.

        Raises:
            ValueError: the mode is another one.
            OSError: it cannot be read or written.
        """
        if mode in ("r", "rb"):
            return Path(self.path).open(mode, encoding=None if "b" in mode else "utf-8")
        if mode not in ("w", "wb"):
            raise ValueError(f"mode={mode!r}: a file is read, 'r' or 'rb', or written whole, 'w' or 'wb'.")
        self.makedirs()
        return _WholeBytes(self.path) if mode == "wb" else _WholeText(self.path)

    @contextmanager
    def temporary_path(self) -> Iterator[str]:
        """A path beside the file to write to: what is there at the end of the block gets the file's name.

        Raises:
            OSError: nothing was written there.
        """
        self.makedirs()
        temporary = _beside(self.path)
        yield temporary
        Path(temporary).replace(self.path)

    def makedirs(self) -> None:
        """Make the folders above the file."""
        Path(self.path).parent.mkdir(parents=True, exist_ok=True)

    def remove(self) -> None:
        """Delete the file.

        Raises:
            OSError: it is not there, or cannot be deleted.
        """
        Path(self.path).unlink()

    def move(self, new_path: str | os.PathLike[str]) -> None:
        """Give the file another name; folders above that are made."""
        Path(new_path).parent.mkdir(parents=True, exist_ok=True)
        Path(self.path).replace(new_path)

    def copy(self, new_path: str | os.PathLike[str]) -> None:
        """Copy the file, whole or not at all; folders above the copy are made."""
        with LocalTarget(new_path).temporary_path() as temporary:
            shutil.copyfile(self.path, temporary)


def _beside(path: str) -> str:
    return f"{path}-{uuid4().hex}.tmp"


class _Whole(io.IOBase):
    """A file that gets its name when it is closed, unless its block raises."""

    _path: str
    _temporary: str
    _is_kept = True

    def _begun(self, path: str) -> io.FileIO:
        self._path, self._temporary = path, _beside(path)
        return io.FileIO(self._temporary, "w")

    def close(self) -> None:
        """Give the file its name; what is there by that name is replaced."""
        if self.closed:
            return
        super().close()
        if self._is_kept:
            Path(self._temporary).replace(self._path)
        else:
            Path(self._temporary).unlink(missing_ok=True)

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self._is_kept = kind is None
        self.close()

    def __del__(self) -> None:  # nobody closed it, so it may not be whole
        self._is_kept = False
        with suppress(Exception):
            self.close()


class _WholeText(_Whole, io.TextIOWrapper):
    def __init__(self, path: str) -> None:
        super().__init__(io.BufferedWriter(self._begun(path)), encoding="utf-8")


class _WholeBytes(_Whole, io.BufferedWriter):
    def __init__(self, path: str) -> None:
        super().__init__(self._begun(path))
