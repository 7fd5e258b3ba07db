"""What kinds of blocks of your own have in common, whatever service they stand for: the methods that others call."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Generic, Self, TypeVar

from perdure._blocks.block import Block
from perdure._model.errors import HookError
from perdure._platform import providers

T = TypeVar("T")


class _Logging(ABC):  # noqa: B024 - its subclasses have abstract methods
    """Has the logger of the run that uses it."""

    @property
    def logger(self) -> "logging.Logger | logging.LoggerAdapter[Any]":
        """The current run's logger; outside all runs, one with the class's name."""
        found: logging.Logger | logging.LoggerAdapter[Any] = providers.logger(type(self).__name__)
        return found


class CredentialsBlock(Block, _Logging):
    """What a service is entered with."""

    @abstractmethod
    def get_client(self, *args: object, **kwargs: object) -> Any:
        """A client of the service, which has these credentials."""


class NotificationError(HookError):
    """A message was not delivered."""

    def __init__(self, log: str = "") -> None:
        self.log = log
        super().__init__(log)


class NotificationBlock(Block, _Logging):
    """Sends messages to people."""

    @abstractmethod
    def notify(self, body: str, subject: str | None = None) -> Any:
        """Send a message.

        Raises:
            HookError: it was not taken; says why.
        """

    @contextmanager
    def raise_on_failure(self) -> Iterator[None]:
        """Within the `with` block, messages that are not delivered raise, as they do outside of it too."""
        yield


class JobRun(_Logging, Generic[T]):
    """One run of a job elsewhere."""

    @abstractmethod
    def wait_for_completion(self) -> Any:
        """Wait until the job has ended."""

    @abstractmethod
    def fetch_result(self) -> T:
        """What the job came to."""


class JobBlock(Block, _Logging):
    """A job that can be started elsewhere."""

    @abstractmethod
    def trigger(self) -> JobRun[Any]:
        """Start the job; the handle of its run."""


class DatabaseBlock(Block, _Logging):
    """A database that takes statements."""

    @abstractmethod
    def fetch_one(
        self, operation: str, parameters: object = None, **execution_kwargs: object
    ) -> tuple[object, ...] | None:
        """The next row of a query, or None."""

    @abstractmethod
    def fetch_many(
        self, operation: str, parameters: object = None, size: int | None = None, **execution_kwargs: object
    ) -> list[tuple[object, ...]]:
        """The next `size` rows of a query."""

    @abstractmethod
    def fetch_all(
        self, operation: str, parameters: object = None, **execution_kwargs: object
    ) -> list[tuple[object, ...]]:
        """All rows of a query that are left."""

    @abstractmethod
    def execute(self, operation: str, parameters: object = None, **execution_kwargs: object) -> None:
        """Run a statement that gives no rows."""

    @abstractmethod
    def execute_many(self, operation: str, seq_of_parameters: Sequence[object], **execution_kwargs: object) -> None:
        """Run a statement that gives no rows, once for each item of parameters."""

    def __enter__(self) -> Self:
        """The block, for as long as its connections are open. A class that has any defines it."""
        raise NotImplementedError(f"{type(self).__name__} cannot be used by `with`: it does not define __enter__.")

    def __exit__(self, *raised: object) -> None:
        """Close what `__enter__` opened."""
        raise NotImplementedError(f"{type(self).__name__} cannot be used by `with`: it does not define __exit__.")

    async def __aenter__(self) -> Self:
        """The block, in coroutines."""
        raise NotImplementedError(
            f"{type(self).__name__} cannot be used by `async with`: it does not define __aenter__."
        )

    async def __aexit__(self, *raised: object) -> None:
        """Close what `__aenter__` opened."""
        raise NotImplementedError(
            f"{type(self).__name__} cannot be used by `async with`: it does not define __aexit__."
        )


class ObjectStorageBlock(Block, _Logging):
    """A store of objects by path, which files go into and come from."""

    @abstractmethod
    def download_object_to_path(self, from_path: str, to_path: str | Path, **download_kwargs: object) -> Path:
        """Write an object to a file; the file."""

    @abstractmethod
    def download_object_to_file_object(
        self, from_path: str, to_file_object: BinaryIO, **download_kwargs: object
    ) -> BinaryIO:
        """Write an object into an open file; that file."""

    @abstractmethod
    def download_folder_to_path(self, from_folder: str, to_folder: str | Path, **download_kwargs: object) -> Path:
        """Write all objects below a path into a folder; the folder."""

    @abstractmethod
    def upload_from_path(self, from_path: str | Path, to_path: str, **upload_kwargs: object) -> str:
        """Make an object of a file; the object's path."""

    @abstractmethod
    def upload_from_file_object(self, from_file_object: BinaryIO, to_path: str, **upload_kwargs: object) -> str:
        """Make an object of what an open file has; the object's path."""

    @abstractmethod
    def upload_from_folder(self, from_folder: str | Path, to_folder: str, **upload_kwargs: object) -> str:
        """Make objects of all files in a folder; the path that they are below."""


class SecretBlock(Block, _Logging):
    """A secret that is kept elsewhere."""

    @abstractmethod
    def read_secret(self) -> bytes:
        """The secret."""

    @abstractmethod
    def write_secret(self, secret_data: bytes) -> str:
        """Keep a new value of the secret; what it is found by."""
