"""What crashes leave in storages: documents and payloads that nothing leads to, and files that were never finished."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from perdure._model.errors import ResultError, StorageError
from perdure._platform.clock import Micros
from perdure._results.confirmation import MOST_READ, is_document
from perdure._results.document import read_document
from perdure._results.keys import is_own_key
from perdure._results.payload_writer import payload_owner
from perdure._rooms.results.port import Pruning

if TYPE_CHECKING:  # it imports pydantic
    from perdure._storages.storage import Entry, Storage

_GROUP = 1_000  # keys that are looked up at once
_SHOWN = 5  # keys that are named


@dataclass(slots=True)
class Orphans:
    """Old objects in a storage, written by Perdure, that nothing leads to."""

    storage_id: str
    kind: str  # "document", "payload" or "unfinished"
    count: int = 0
    size: int = 0  # bytes
    removed: bool = False
    keys: tuple[str, ...] = ()  # the first ones

    def add(self, entry: "Entry") -> None:
        """Count one."""
        self.count += 1
        self.size += entry.size or 0
        if len(self.keys) < _SHOWN:
            self.keys = (*self.keys, entry.key)

    def describe(self) -> dict[str, object]:
        """The fields as plain JSON values."""
        return {name: getattr(self, name) for name in ("storage_id", "kind", "count", "size", "removed")} | {
            "keys": list(self.keys)
        }


def find_orphans(
    pruning: Pruning,
    storages: "dict[str, Storage]",
    allowed: Collection[str],
    before: Micros,
    remove: bool,
    failures: dict[str, str],
) -> list[Orphans]:
    """Orphans that were last written before a time, in those storages by their ids that are allowed.

    Why one cannot be listed is noted. Results in the other storages count, too, for they may lead to the same places.
    """
    places = _Places(pruning, {id: storage.describe("x")[:-1] for id, storage in storages.items()})
    found: dict[tuple[str, str], Orphans] = {}
    for id in allowed:
        storage = storages[id]
        try:
            for kind, entry in _of_storage(id, storage, places, before):
                orphans = found.setdefault((id, kind), Orphans(id, kind, removed=remove))
                if remove:
                    (storage.discard if kind == "unfinished" else storage.delete)(entry.key)
                orphans.add(entry)
        except StorageError as error:
            failures[id] = str(error)
    return list(found.values())


class _Places:
    """Which results lead where; one place may be reached through several storages."""

    def __init__(self, pruning: Pruning, roots: dict[str, str]) -> None:
        self._pruning = pruning
        self._roots = roots

    def unknown(self, storage_id: str, keys: Sequence[str]) -> set[str]:
        """Those of the keys that no result leads to, through whichever storage."""
        root = self._roots[storage_id]
        left = set(keys)
        for id, other in self._roots.items():
            if not left or not (root.startswith(other) or other.startswith(root)):
                continue
            names = {f"{root}{key}"[len(other) :]: key for key in left if f"{root}{key}".startswith(other)}
            if names:
                unknown = self._pruning.unknown(id, list(names))
                left -= {key for name, key in names.items() if name not in unknown}
        return left


def _of_storage(id: str, storage: "Storage", places: _Places, before: Micros) -> "Iterator[tuple[str, Entry]]":
    old = (entry for entry in storage.entries() if entry.modified is not None and entry.modified < before)
    while group := list(islice(old, _GROUP)):
        owners = {entry.key: payload_owner(entry.key) for entry in group}
        unknown = places.unknown(id, list({owner or key for key, owner in owners.items()}))
        for entry in group:
            owner = owners[entry.key]
            if owner is None and entry.key in unknown and _is_ours(storage, entry):
                yield "document", entry
            elif owner is not None and (owner in unknown or not _is_named(storage, owner, entry.key)):
                yield "payload", entry
    for entry in storage.unfinished(before):
        yield "unfinished", entry


def _is_ours(storage: "Storage", entry: "Entry") -> bool:
    """Whether it is a result document that Perdure wrote."""
    if entry.size is None or entry.size > MOST_READ:
        return False
    try:
        fields = json.loads(storage.read(entry.key))
    except (ValueError, RecursionError, StorageError):
        return False
    return is_document(fields) and "perdure_version" in fields


def _is_named(storage: "Storage", owner: str, key: str) -> bool:
    """Whether the document that a result leads to names the payload, or may do so."""
    if is_own_key(owner):
        return True  # written once, with one payload
    try:
        layout = read_document(storage, owner).payload
    except ResultError:
        return True  # nobody can tell
    return layout is not None and layout.key == key
