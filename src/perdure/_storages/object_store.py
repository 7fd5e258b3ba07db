"""`ObjectStore`: what S3, Google Cloud Storage and Azure Blob Storage have in common, by obstore."""

import os
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, PrivateAttr, model_validator

from perdure._model.errors import ObjectMissing, StorageError
from perdure._platform.clock import Micros
from perdure._platform.lazy_import import LazyModule
from perdure._storages.object_errors import is_past_end, refusals
from perdure._storages.object_parts import PART, MultipartWriter, read_parts
from perdure._storages.storage import Entry, Storage, Writer, check_key

if TYPE_CHECKING:
    import obstore
    from obstore.store import ObjectStore as Store
else:
    obstore = LazyModule("obstore")

_CONNECT_SECONDS = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PAGE = 1_000  # objects that are listed at a time

# obstore's threads do not survive a fork, and a child that needed them would wait for ever.
_was_used = False
_is_useless = False


class ObjectStore(Storage):
    """A bucket or container, or what is in it under a prefix.

    What may pass (a lost connection, an overloaded service) is tried again, after growing pauses.
    """

    timeout_seconds: Annotated[float, Field(gt=0)] = 60  # for one request
    max_attempts: Annotated[int, Field(ge=1)] = 8  # of one request: eight take about 13 s when nobody answers

    # Of fields: as users of Prefect know them, and as they are called here; None where nothing here needs it.
    former_names: ClassVar[dict[str, str | None]] = {}
    words: ClassVar[dict[str, str]]  # for errors: "bucket", and the fields called "path" and "credentials" there

    # With the fields that it was made from, since copies with other fields copy it as well.
    _made: "tuple[tuple[object, ...], Store] | None" = PrivateAttr(None)

    @model_validator(mode="before")
    @classmethod
    def _called_as_here(cls, given: object) -> object:
        if not isinstance(given, dict):
            return given
        fields = {name: value for name, value in given.items() if name not in cls.former_names}
        for former, name in cls.former_names.items():
            if name is None or former not in given:
                continue
            if name in fields:
                raise ValueError(f"{former} is another name of {name}; give one of them")
            fields[name] = given[former]
        return fields

    @abstractmethod
    def _connect(self, **options: object) -> "Store":
        """obstore's store; nothing is asked of the service yet."""

    @abstractmethod
    def _url(self) -> str:
        """The bucket and the prefix as people know them, without a slash at the end."""

    @abstractmethod
    def _service(self) -> str | None:
        """The URL of the service, where it is not the cloud's own."""

    def _is_sorted(self) -> bool:
        """Whether the service lists objects in the order of their names."""
        return True

    def read(self, key: str) -> bytes:
        with self._refusals("read", key):
            return obstore.get(self._store(), key).bytes().to_bytes()

    def write(self, key: str, data: bytes) -> None:
        with self._refusals("write", key):
            obstore.put(self._store(), key, data, use_multipart=False)

    @contextmanager
    def open_writer(self, key: str) -> Iterator[Writer]:
        with self._refusals("write", key):
            writer = MultipartWriter(self._store(), key, lambda: self._refusals("write", key))
        try:
            yield writer
            writer.finish()
        except BaseException:
            writer.abort()
            raise

    def read_range(self, key: str, start: int, size: int) -> bytes:
        with self._refusals("read", key):
            store = self._store()
            if size <= 0:
                obstore.head(store, key)
                return b""
            try:
                return obstore.get_range(store, key, start=start, length=size).to_bytes()
            except Exception as error:
                if is_past_end(error):
                    return b""
                raise

    def read_large(self, key: str, size: int) -> memoryview:
        whole = None
        if size > PART:
            with self._refusals("read", key):
                whole = read_parts(self._store(), key, size)
        return memoryview(bytearray(self.read(key))) if whole is None else whole

    def exists(self, key: str) -> bool:
        return self.entry(key) is not None

    def entry(self, key: str) -> Entry | None:
        with suppress(ObjectMissing), self._refusals("look at", key):
            found = obstore.head(self._store(), key)
            return Entry(key, found["size"], _micros(found["last_modified"]))
        return None

    def delete(self, key: str) -> None:
        with suppress(ObjectMissing), self._refusals("delete", key):
            obstore.delete(self._store(), key)

    def delete_many(self, keys: Sequence[str]) -> None:
        if not keys:
            return
        for key in keys:
            check_key(key)
        try:
            with self._refusals("delete", keys[0]):
                obstore.delete(self._store(), keys)  # S3 and Azure take a thousand at a time
        except ObjectMissing:  # others say so of a single one, and leave the rest
            super().delete_many(keys)

    def list(self, prefix: str = "") -> Iterator[str]:
        return (entry.key for entry in self.entries(prefix))

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        if prefix:
            check_key(prefix.removesuffix("/"))
        folder, _, beginning = prefix.rpartition("/")
        depth = len(folder) + 1 if folder else 0
        # From there on, and up to the first name after the beginning, rather than all of a large folder.
        start = prefix[:-1] if beginning[1:] and self._is_sorted() else None
        with refusals("list", lambda: self._place(prefix), self._words()):
            for page in obstore.list(self._store(), folder or None, offset=start, chunk_size=_PAGE):
                for each in page:
                    path = each["path"]
                    if path.startswith(prefix):
                        yield Entry(path, each["size"], _micros(each["last_modified"]))
                    elif start is not None and path[depth:].partition("/")[0] > beginning:
                        return

    def describe(self, key: str) -> str:
        check_key(key)
        return f"{self._url()}/{key}"

    async def aread(self, key: str) -> bytes:
        with self._refusals("read", key):
            found = await obstore.get_async(self._store(), key)
            return (await found.bytes_async()).to_bytes()

    async def awrite(self, key: str, data: bytes) -> None:
        with self._refusals("write", key):
            await obstore.put_async(self._store(), key, data, use_multipart=False)

    async def aexists(self, key: str) -> bool:
        with suppress(ObjectMissing), self._refusals("look at", key):
            await obstore.head_async(self._store(), key)
            return True
        return False

    async def adelete(self, key: str) -> None:
        with suppress(ObjectMissing), self._refusals("delete", key):
            await obstore.delete_async(self._store(), key)

    def __getstate__(self) -> dict[Any, Any]:
        state = super().__getstate__()
        private = state["__pydantic_private__"]
        return {**state, "__pydantic_private__": {**private, "_made": None}}  # obstore's is made anew elsewhere

    def _store(self) -> "Store":
        global _was_used
        if _is_useless:
            raise StorageError(
                f"{self._url()} cannot be used in this process: it was forked from one that had used an object store,"
                " whose connections do not survive that. Start processes by the method 'spawn' or 'forkserver'."
            )
        _was_used = True
        fields = self._values()
        if self._made is None or self._made[0] != fields:
            self._made = (
                fields,
                self._connect(
                    client_options={
                        "timeout": timedelta(seconds=self.timeout_seconds),
                        "connect_timeout": timedelta(seconds=min(self.timeout_seconds, _CONNECT_SECONDS)),
                        "allow_http": (self._service() or "").startswith("http://"),
                    },
                    retry_config={"max_retries": self.max_attempts - 1},
                ),
            )
        return self._made[1]

    def _refusals(self, action: str, key: str) -> AbstractContextManager[None]:
        check_key(key)
        return refusals(action, lambda: self._place(key), self._words())

    def _place(self, key: str) -> str:
        url, service = self._url(), self._service() or ""
        return f"{url}/{key}" if url.startswith(service) else f"{url}/{key} at {service}"

    def _words(self) -> dict[str, str]:
        return {"endpoint": "endpoint_url", **self.words}


def checked_path(path: str) -> str:
    """A bucket's name and perhaps a prefix, whose segments are those of a key.

    Raises:
        ValueError: it is not.
    """
    try:
        check_key(path.rstrip("/"))
    except ValueError as error:
        raise ValueError(f"a path such as 'results/team' is a name and perhaps a prefix. {error}") from None
    return path.rstrip("/")


def checked_endpoint(url: str | None) -> str | None:
    """The URL of a service.

    Raises:
        ValueError: it is not one.
    """
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise ValueError("an endpoint is a URL such as 'https://storage.example.org', with no credentials in it")
    return url.rstrip("/")


def _micros(when: datetime) -> Micros:
    return (when - _EPOCH) // timedelta(microseconds=1)


def _mark_useless_in_child() -> None:
    global _is_useless
    _is_useless = _was_used


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_mark_useless_in_child)
