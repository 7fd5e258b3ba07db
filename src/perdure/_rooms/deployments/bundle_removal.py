"""Removing bundles that no version of a deployment and no run needs any more, from storages and from this machine."""

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from perdure._model.errors import PerdureError
from perdure._model.state_types import ABANDONED, StateType
from perdure._platform.clock import Micros
from perdure._rooms.deployments.bundles import PREFIX, is_bundle
from perdure._rooms.deployments.definition import definition_of_text
from perdure._rooms.deployments.port import Deployments

if TYPE_CHECKING:  # it imports pydantic
    from perdure._storages.storage import Storage

_BUNDLE = re.compile(rf"{PREFIX}([0-9a-f]{{64}})\.zip")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_OVER = (StateType.COMPLETED, StateType.CANCELLED)  # of runs that nobody resumes


class Bundles(NamedTuple):
    """Bundles that a database knows of."""

    needed: frozenset[str]  # digests
    named: Mapping[str, frozenset[str]]  # digests by the id of their storage, also of those that are not needed


@dataclass
class Removed:
    """What was removed, or would be.

    Attributes:
        bundles: Their number by storage id, and `size` the bytes of all of them.
        orphans: How many others were found that this database knows nothing of.
        copies: How many copies on this machine.
        failures: Why a storage could not be looked through, by its id.
    """

    bundles: dict[str, int] = field(default_factory=dict)
    size: int = 0
    orphans: int = 0
    copies: int = 0
    failures: dict[str, str] = field(default_factory=dict)


def known_bundles(known: Deployments, versions: int | None) -> Bundles:
    """The bundles of deployments and runs; with `versions`, only so many of each deployment, the newest, need theirs.

    A run needs its bundle until it has ended, and as long as somebody may resume it.
    """
    needed: set[str] = set()
    named: dict[str, set[str]] = {}
    for entry, is_needed in _entries(known, versions):
        source = json.loads(entry["source"])
        digest = source["bundle"]
        named.setdefault(str(source.get("storage")), set()).add(digest)
        if is_needed:
            needed.add(digest)
    return Bundles(frozenset(needed), {id: frozenset(digests) for id, digests in named.items()})


def _entries(known: Deployments, versions: int | None) -> Iterator[tuple[Mapping[str, str], bool]]:
    """Entry points whose code is a bundle, and whether it is needed."""
    for of in known.all():
        for place, version in enumerate(known.versions(of.id)):
            entry = definition_of_text(version.definition).entry_point
            if is_bundle(entry):
                yield entry, versions is None or place < versions or version.number == of.version
    for run in known.sources("bundle"):
        entry = json.loads(run.entry_point)
        if is_bundle(entry):
            yield entry, run.state_type not in _OVER and run.state_name != ABANDONED


def remove_bundles(
    found: Bundles,
    storage_by: Callable[[str], "Storage"],
    others: Sequence[str],
    home: Path,
    before: Micros,
    *,
    orphans: bool = False,
    dry_run: bool = False,
) -> Removed:
    """Remove bundles that were last written before a time, and that nothing needs; and copies in the home.

    Another database may have bundles in the same storage: those that this one does not know of are only removed as
    `orphans`. `others` are ids of storages that are looked through beside those that are known to have bundles.
    """
    removed = Removed()
    every = frozenset[str]().union(*found.named.values())
    seen: set[str] = set()  # places: several storages may lead to one
    for id in dict.fromkeys((*found.named, *others)):
        try:
            storage = storage_by(id)
            place = storage.describe(f"{PREFIX}x")
            if place not in seen:
                seen.add(place)
                _remove_from(storage, id, found.needed, every, before, orphans, dry_run, removed)
        except PerdureError as error:
            removed.failures[id] = str(error)
    for copy in sorted((home / "bundles").glob("*")):
        is_old = copy.is_dir() and copy.stat().st_mtime * 1_000_000 < before
        if is_old and _DIGEST.fullmatch(copy.name) and copy.name not in found.needed:
            removed.copies += 1
            if not dry_run:
                shutil.rmtree(copy, ignore_errors=True)
    return removed


def _remove_from(
    storage: "Storage",
    id: str,
    needed: frozenset[str],
    known: frozenset[str],
    before: Micros,
    orphans: bool,
    dry_run: bool,
    removed: Removed,
) -> None:
    for entry in list(storage.entries(PREFIX)):
        match = _BUNDLE.fullmatch(entry.key)
        if match is None or match[1] in needed or entry.modified is None or entry.modified >= before:
            continue
        is_orphan = match[1] not in known
        removed.orphans += is_orphan
        if is_orphan and not orphans:
            continue
        if not dry_run:
            again = storage.entry(entry.key)  # a deploy writes it anew, if it needs it
            if again is None or again.modified != entry.modified:
                continue
            storage.delete(entry.key)
        removed.bundles[id] = removed.bundles.get(id, 0) + 1
        removed.size += entry.size or 0


__all__ = ["Bundles", "Removed", "known_bundles", "remove_bundles"]
