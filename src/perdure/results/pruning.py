"""Removing results whose time is over.

First they are marked in the database, as doomed: no cache leads to them from then on. After a grace period their
payloads and then their documents are deleted, and that is noted. Wherever this is cut off, all that is not doomed is
there, and what is left of a doomed result goes with the next pruning.
"""

import json
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from perdure import settings
from perdure.core import providers
from perdure.core.clock import Micros, system_clock
from perdure.core.errors import OrchestratorError, ResultError, SettingError, StorageError
from perdure.core.pruning import Pruning
from perdure.core.records import Doomed, Removable
from perdure.results.keys import is_own_key
from perdure.results.orphans import Orphans, find_orphans
from perdure.results.removal import payloads_of
from perdure.results.types import PersistedResult

if TYPE_CHECKING:  # it imports pydantic
    from perdure.filesystems import Storage

_THREADS = 32  # most of the time they wait: for the network, or until the disk has taken note of a free block
_SECOND: Micros = 1_000_000
_DAY: Micros = 86_400 * _SECOND
_CLOCKS_DIFFER: Micros = 2 * _SECOND  # how exactly a storage's times can be compared with ours


class Known(Protocol):
    """What knows the results: every orchestrator does."""

    def pruning(self) -> Pruning:
        """What removing old results needs."""


@dataclass(frozen=True, slots=True)
class Freed:
    """What was removed from a storage for one reason."""

    storage_id: str
    reason: str  # "age", "runs", "size", "items", or "asked" for a removal that was begun before
    count: int  # documents
    size: int  # bytes, as far as they are known


@dataclass(slots=True)
class Pruned:
    """What a pruning did, or would do if it was only tried."""

    dry_run: bool
    grace_seconds: float
    freed: list[Freed] = field(default_factory=list)
    waiting: list[Freed] = field(default_factory=list)  # doomed, and in their grace period
    orphans: list[Orphans] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)  # by storage id, why nothing, or not all, was removed

    @property
    def count(self) -> int:
        """How many documents were freed, without orphans."""
        return sum(each.count for each in self.freed)

    @property
    def size(self) -> int:
        """How many bytes were freed, orphans included."""
        return sum(each.size for each in self.freed) + sum(each.size for each in self.orphans if each.removed)


def prune(*, dry_run: bool = False, grace: timedelta | float | None = None, orphans: bool = False) -> Pruned:
    """Remove results as `result_retention` and the setting PERDURE_RESULTS_RETENTION say; tell what that freed.

    What a live cache key stands for, and what a run needs that is unfinished or may be resumed, stays. A result is
    doomed first, and removed by the first pruning that comes `grace` (seconds or a timedelta; by default the setting
    PERDURE_RESULTS_PRUNE_GRACE_SECONDS) after that. `orphans` also removes what crashes have left: documents,
    payloads and unfinished files of Perdure's that no result leads to, after a day at least.

    Raises:
        SettingError: `grace` is no span of time.
        OrchestratorError: the database cannot be read or written.
    """
    seconds = _seconds(grace)
    known: Known | None = providers.orchestrator()
    if known is None:
        raise OrchestratorError("Nothing is known of any result. Run `import perdure` first.")
    pruned = Pruned(dry_run, seconds)
    pruning = known.pruning()
    try:
        now = system_clock()
        before = now - int(seconds * _SECOND)
        retention = settings.current().results_retention
        doomed = pruning.doom(None if retention is None else json.dumps(retention.limits()), now, before, dry_run)
        pruned.waiting = [_freed(each) for each in doomed if not each.is_due]
        if dry_run:
            pruned.freed = [_freed(each) for each in doomed if each.is_due]
        else:
            _sweep(pruning, before, pruned)
        storages = _storages(pruning, pruned)
        pruned.orphans = find_orphans(
            pruning, storages, min(before, now - _DAY), orphans and not dry_run, pruned.failures
        )
    finally:
        pruning.close()
    return pruned


def _seconds(grace: timedelta | float | None) -> float:
    if grace is None:
        return settings.current().results_prune_grace_seconds
    seconds = grace.total_seconds() if isinstance(grace, timedelta) else grace
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < float("inf"):
        raise SettingError(f"grace={grace!r} is no span of time. Give seconds, at least 0, or a timedelta.")
    return float(seconds)


def _freed(doomed: Doomed) -> Freed:
    return Freed(doomed.storage_id, doomed.reason, doomed.documents, doomed.size)


def _storages(pruning: Pruning, pruned: Pruned) -> "dict[str, Storage]":
    storages = {}
    for id in pruning.storages():
        storage = _storage(id, pruned)
        if storage is not None:
            storages[id] = storage
    return storages


def _storage(id: str, pruned: Pruned) -> "Storage | None":
    try:
        storage: Storage = PersistedResult.find_storage(id)
    except ResultError as error:
        pruned.failures[id] = str(error)
        return None
    return storage


class _Removed(NamedTuple):
    """What became of some results: gone, or left since somebody uses them again; and why the rest was left."""

    gone: list[Removable]
    used: list[Removable]
    failure: tuple[str, str] | None = None  # the storage's id, and what it said


def _sweep(pruning: Pruning, before: Micros, pruned: Pruned) -> None:
    """Remove what is due; a storage that fails is left, and the others go on."""
    counts: Counter[tuple[str, str]] = Counter()
    sizes: Counter[tuple[str, str]] = Counter()
    with ThreadPoolExecutor(_THREADS, "perdure-prune") as pool:
        begun: list[Future[_Removed]] = []
        for page in pruning.removable(before):
            # While one page is being removed, the one before is noted, and the next one is looked up.
            ended, begun = begun, _begin_removing(page, pool, pruned)
            _note(ended, pruning, pruned, counts, sizes)
        _note(begun, pruning, pruned, counts, sizes)
    pruned.freed = [Freed(*key, count, sizes[key]) for key, count in sorted(counts.items())]


def _begin_removing(page: Sequence[Removable], pool: Executor, pruned: Pruned) -> "list[Future[_Removed]]":
    begun = []
    for storage_id in sorted({each.storage_id for each in page}):
        storage = None if storage_id in pruned.failures else _storage(storage_id, pruned)
        if storage is not None:
            here = [each for each in page if each.storage_id == storage_id]
            slices = [here[start::_THREADS] for start in range(min(_THREADS, len(here)))]
            begun += [pool.submit(_remove_all, storage, each) for each in slices]
    return begun


def _note(
    ended: "list[Future[_Removed]]",
    pruning: Pruning,
    pruned: Pruned,
    counts: Counter[tuple[str, str]],
    sizes: Counter[tuple[str, str]],
) -> None:
    done = [each.result() for each in ended]
    gone = [each for removed in done for each in removed.gone]
    pruning.removed(gone, system_clock())
    pruning.postpone([each for removed in done for each in removed.used], system_clock())
    pruned.failures.update(removed.failure for removed in done if removed.failure is not None)
    for each in gone:
        if not each.is_again:
            counts[each.storage_id, each.reason] += 1
            sizes[each.storage_id, each.reason] += each.size or 0


def _remove_all(storage: "Storage", results: Sequence[Removable]) -> _Removed:
    """Remove results: together, or one by one if the storage refuses that."""
    own = [each for each in results if is_own_key(each.storage_key)]
    with suppress(StorageError):
        _delete(storage, own)
        return _remove_singly(storage, [each for each in results if not is_own_key(each.storage_key)], own)
    return _remove_singly(storage, results, [])


def _remove_singly(storage: "Storage", results: Sequence[Removable], gone: list[Removable]) -> _Removed:
    used: list[Removable] = []
    for each in results:
        try:
            if _is_used_again(storage, each):
                used.append(each)
            else:
                _delete(storage, [each])
                gone.append(each)
        except StorageError as error:
            return _Removed(gone, used, (each.storage_id, str(error)))
    return _Removed(gone, used)


def _is_used_again(storage: "Storage", result: Removable) -> bool:
    """Whether somebody has just written the document anew, as happens under keys that are not a result's own."""
    if is_own_key(result.storage_key):
        return False
    entry = storage.entry(result.storage_key)
    return entry is not None and (entry.modified or 0) > result.doomed - _CLOCKS_DIFFER


def _delete(storage: "Storage", results: Sequence[Removable]) -> None:
    """Delete the payloads, then the documents that name them."""
    keys = [each.storage_key for each in results]
    # Of the others, all data lies in the document itself.
    with_payload = [each.storage_key for each in results if not (each.digest or "").startswith("sha256:")]
    storage.delete_many([payload for key in with_payload for payload in payloads_of(storage, key)])
    storage.delete_many(keys)


def to_json(pruned: Pruned) -> dict[str, Any]:
    """What a pruning did, as plain JSON values."""
    return {
        "dry_run": pruned.dry_run,
        "grace_seconds": pruned.grace_seconds,
        "count": pruned.count,
        "size": pruned.size,
        "freed": [_fields(each) for each in pruned.freed],
        "waiting": [_fields(each) for each in pruned.waiting],
        "orphans": [each.describe() for each in pruned.orphans],
        "failures": pruned.failures,
    }


def _fields(freed: Freed) -> dict[str, Any]:
    return {name: getattr(freed, name) for name in ("storage_id", "reason", "count", "size")}
