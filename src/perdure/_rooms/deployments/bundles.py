"""Bundles: the code of a deployment as a zip by its digest, in a storage, signed; and its copies where runs are.

What is signed is the digest, for its key in the storage. With signing keys no byte of a bundle is read whose digest
none of them signed, and no file of one is written whose bytes do not have that digest.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from perdure._model.errors import BundleError, PerdureError, StorageError
from perdure._platform.files import locked, make_private
from perdure._platform.named import NamedTuple
from perdure._results import signing
from perdure._rooms.deployments.archives import MOST_PACKED, names_in, packed, unpack
from perdure._settings import settings

if TYPE_CHECKING:  # it imports pydantic
    from perdure._storages.storage import Storage

PREFIX = "bundles/"  # of their keys in a storage
_ROOTS = ("perdure.toml", "pyproject.toml", ".git")  # what the top folder of a project has
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MODULE = re.compile(r"(?!.*\.py\Z)\w+(?:\.\w+)*")


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """The code of a deployment as a bundle: packed when it is deployed, and unpacked where its runs begin.

    Attributes:
        folder: What is packed; by default the nearest folder above the flow's with a `perdure.toml`, a `pyproject.toml`
            or a repository of git, else the flow's own.
        exclude: Patterns of names and paths that are left out, such as "data" or "*.csv".
        storage: Where it is kept: a storage, or its slug or address; by default that of the flow's results.
    """

    folder: str | Path | None = None
    exclude: Sequence[str] = ()
    storage: "Storage | str | None" = None


class Packed(NamedTuple):
    """A bundle that is to be kept."""

    digest: str
    data: bytes
    storage: "Storage"

    @property
    def key(self) -> str:
        """Where it is kept in the storage."""
        return _key_of(self.digest)

    def keep(self) -> None:
        """Have it in its storage. What is there already is written again: it may have been altered.

        Raises:
            StorageError: the storage refuses.
        """
        self.storage.replace(self.key, self.data)


def bundled(entry: Mapping[str, str], bundle: Bundle, storage: "Storage") -> tuple[dict[str, str], Packed]:
    """The entry point of a flow whose code is a bundle, and the bundle. It says nothing of the folder on this machine.

    Raises:
        BundleError: the flow is not in the folder, or not among its files; or they are too many or too large.
    """
    if is_bundle(entry):
        raise BundleError("The flow itself runs from a bundle here. Deploy it where its own files are.")
    folder = _root_of(entry) if bundle.folder is None else Path(bundle.folder).expanduser().resolve()
    if not folder.is_dir():
        raise BundleError(f"There is no folder {folder} to make a bundle of.")
    place, colon, name = entry["target"].rpartition(":")
    is_module = _MODULE.fullmatch(place) is not None
    directory = Path(entry["directory"]).resolve()
    here = directory if is_module else Path(place)
    if not here.is_relative_to(folder):
        raise BundleError(f"The flow is in {here}, which is not in {folder}. Name a folder that has it.")
    chosen = settings.current()
    ours = [each for each in (chosen.home, chosen.local_storage_path) if each.resolve().is_relative_to(folder)]
    data = packed(folder, bundle.exclude, ours)
    if not is_module:
        place = here.relative_to(folder).as_posix()
    inside = directory.relative_to(folder).as_posix() if directory.is_relative_to(folder) else "."
    _check_has(data, place, is_module, inside, folder)
    made = Packed(hashlib.sha256(data).hexdigest(), data, storage)
    said = {"bundle": made.digest, "storage": storage.settled().record().id}
    if (ring := signing.ring()) is not None:
        said["signature"] = ring.sign(made.digest.encode(), made.key, signing.BUNDLE)
    source = json.dumps(said, sort_keys=True)
    return {**entry, "target": f"{place}{colon}{name}", "directory": inside, "source": source}, made


def is_bundle(entry: Mapping[str, str]) -> bool:
    """Whether the code of an entry point is a bundle."""
    return "source" in entry and "bundle" in json.loads(entry["source"])


def unbundled(entry: Mapping[str, str], storage_by: Callable[[str], "Storage"]) -> dict[str, str]:
    """Where a flow is found on this machine whose code is a bundle: in a copy of it, which is made if need be.

    `storage_by` gives a storage by its id. Copies are kept in Perdure's home, by digest.

    Raises:
        BundleError: it is gone, altered, or not signed with one of the signing keys.
    """
    folder = _copy_of(json.loads(entry["source"]), storage_by)
    place, colon, name = entry["target"].rpartition(":")
    if _MODULE.fullmatch(place) is None:
        place = str(_inside(folder, place))
    return {**entry, "target": f"{place}{colon}{name}", "directory": str(_inside(folder, entry["directory"]))}


def _root_of(entry: Mapping[str, str]) -> Path:
    place = entry["target"].rpartition(":")[0]
    own = Path(entry["directory"]).resolve() if _MODULE.fullmatch(place) else Path(place).parent
    return next((each for each in (own, *own.parents) if any((each / name).exists() for name in _ROOTS)), own)


def _check_has(data: bytes, place: str, is_module: bool, directory: str, folder: Path) -> None:
    names, top = names_in(data), PurePosixPath(directory)
    base = (top / PurePosixPath(*place.split("."))).as_posix()
    wanted = (f"{base}.py", f"{base}/__init__.py") if is_module else (place,)
    if not names.intersection(wanted):
        raise BundleError(
            f"{wanted[0]} would not be in the bundle of {folder}: git ignores it, or a pattern of exclude= fits it."
        )
    if not is_module and not place.endswith(".py"):
        raise BundleError(f"The program {place} needs a name that ends in '.py', to be run from a bundle.")


def _inside(folder: Path, place: str) -> Path:
    path = PurePosixPath(place)
    if path.is_absolute() or ".." in path.parts or "\\" in place or ":" in place:
        raise BundleError(f"The flow is said to be at {place!r}, which is not in its bundle. It is not run.")
    return folder / path


def _copy_of(said: Mapping[str, object], storage_by: Callable[[str], "Storage"]) -> Path:
    digest, signature = said.get("bundle"), said.get("signature")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise BundleError(f"{digest!r:.100} is no digest of a bundle. Deploy again.")
    ring = signing.ring()
    if ring is not None:
        signed = signature if isinstance(signature, str) else None
        fault = ring.fault(digest.encode(), _key_of(digest), signed, signing.BUNDLE)
        if fault is not None:
            raise BundleError(f"The bundle {digest[:10]} {fault} It is not run. Deploy again with a key of the ring.")
    home = settings.current().home / "bundles"
    if (home / digest).is_dir():
        return home / digest
    make_private(home)
    data = _read(digest, str(said.get("storage")), storage_by)
    with TemporaryDirectory(prefix=".unpacked-", dir=home) as temporary:
        copy = Path(temporary, "copy")
        try:
            unpack(data, copy)
        except BundleError as error:
            raise BundleError(f"The bundle {digest[:10]} is not run. {error}") from error
        with locked(home / "lock"):
            if not (home / digest).is_dir():
                copy.rename(home / digest)
    return home / digest


def _read(digest: str, storage_id: str, storage_by: Callable[[str], "Storage"]) -> bytes:
    """The bytes of a bundle, which have its digest."""
    key = _key_of(digest)
    try:
        storage = storage_by(storage_id)
        found = storage.entry(key)
        is_read = found is not None and (found.size or 0) <= MOST_PACKED
        data = storage.read(key) if is_read else b""
    except StorageError as error:
        raise BundleError(f"The bundle {digest[:10]} cannot be read. {error}") from error
    except PerdureError as error:  # of the storage: it is not known here, or cannot be made
        raise BundleError(f"The storage of the bundle {digest[:10]} cannot be used here. {error}") from error
    where = storage.describe(key)
    if found is None:
        raise BundleError(f"The bundle {digest[:10]} is not there: there is no {where}. Deploy again.")
    if hashlib.sha256(data).hexdigest() != digest:
        raise BundleError(f"{where} was altered: its digest is not {digest[:10]}…. It is not run. Deploy again.")
    return data


def _key_of(digest: str) -> str:
    return f"{PREFIX}{digest}.zip"
