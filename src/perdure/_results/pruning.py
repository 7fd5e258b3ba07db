"""Removing results whose time is over.

First they are marked in the database, as pending deletion: no cache leads to them from then on. After a grace period
their payloads and then their documents are deleted, and that is noted. Wherever this is cut off, all that is not
pending deletion is there, and what is left of what is goes with the next pruning.
"""

import json
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from perdure._model.errors import OrchestratorError, ResultError, SettingError, StorageError
from perdure._platform import providers
from perdure._platform.clock import Micros, system_clock
from perdure._platform.named import NamedTuple
from perdure._results.confirmation import foreign
from perdure._results.keys import is_own_key
from perdure._results.orphans import Orphans, find_orphans
from perdure._results.removal import payloads_of
from perdure._results.types import PersistedResult
from perdure._rooms.results.port import Pruning
from perdure._rooms.results.records import Doomed, Removable
from perdure._settings import settings

if TYPE_CHECKING:  # it imports pydantic
    from perdure._storages.storage import Storage

_SHOWN = 5  # keys that are named
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
class Skipped:
    """What records name in a storage, and is left alone: nothing says that it is theirs to remove."""

    storage_id: str
    reason: str
    count: int = 0
    keys: tuple[str, ...] = ()  # the first ones

    def add(self, key: str) -> None:
        """Count one."""
        self.count += 1
        if len(self.keys) < _SHOWN:
            self.keys = (*self.keys, key)


@dataclass(slots=True)
class Pruned:
    """What a pruning did, or would do if it was only tried."""

    dry_run: bool
    grace_seconds: float
    freed: list[Freed] = field(default_factory=list)
    waiting: list[Freed] = field(default_factory=list)  # pending deletion, and in their grace period
    orphans: list[Orphans] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)  # by storage id, why nothing, or not all, was removed
    skipped: list[Skipped] = field(default_factory=list)  # what records name, and was not confirmed to be a result

    @property
    def count(self) -> int:
        """How many documents were freed, without orphans."""
        return sum(each.count for each in self.freed)

    @property
    def size(self) -> int:
        """How many bytes were freed, orphans included."""
        return sum(each.size for each in self.freed) + sum(each.size for each in self.orphans if each.removed)


def prune(*, dry_run: bool = False, grace: timedelta | float | None = None, orphans: bool = False) -> Pruned:
    """Remove results as `result_retention` and the setting PERDURE_RESULTS_RETENTION say; returns what that freed.

    What a live cache key stands for, and what a run needs that is unfinished or may be resumed, stays. A result is
    pending deletion first, and removed by the first pruning that comes `grace` (seconds or a timedelta; by default
    the setting PERDURE_RESULTS_PRUNE_GRACE_SECONDS) after that. `orphans` also removes what crashes have left:
    documents, payloads and unfinished files of Perdure's that no result leads to, after a day at least.

    Of a database that others may write to, only storages are pruned that the settings allow, or that the user of this
    home has used or saved. Under keys that Perdure did not make, a document there must be the result's. What is not so
    confirmed is left, and reported as `skipped`.

    Raises:
        SettingError: `grace` is no span of time.
        OrchestratorError: the database cannot be read or written.
    """
    seconds = _seconds(grace)
    known: Known | None = providers.orchestrator()
    if known is None:
        raise OrchestratorError("No database is open. Run `import perdure` first.")
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
            _sweep(pruning, before, pruned, _Rules(known))
        storages = _storages(pruning, pruned)
        allowed = [id for id, storage in storages.items() if _Rules(known).refusal(storage) is None]
        pruned.orphans = find_orphans(
            pruning, storages, allowed, min(before, now - _DAY), orphans and not dry_run, pruned.failures
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


class _Rules:
    """Where results of a database may be removed. Records that others write may name any place."""

    def __init__(self, known: object) -> None:
        from perdure._storages.allowed_storages import Allowed

        self._is_shared = getattr(known, "is_shared", True)
        self._allowed = Allowed()

    def refusal(self, storage: "Storage") -> str | None:
        """Why nothing in a storage is removed; None if it may be."""
        return self._allowed.refusal(storage) if self._is_shared else None

    def is_own(self, storage: "Storage") -> bool:
        """Whether all keys in a storage that look like those that Perdure makes are such keys."""
        return not self._is_shared or self._allowed.names(storage)


class _Removed(NamedTuple):
    """What became of some results: gone, or left since somebody uses them again; and why the rest was left."""

    gone: list[Removable]
    used: list[Removable]
    failure: tuple[str, str] | None = None  # the storage's id, and what it said
    skipped: tuple[tuple[Removable, str], ...] = ()  # and why


def _sweep(pruning: Pruning, before: Micros, pruned: Pruned, rules: _Rules) -> None:
    """Remove what is due; a storage that fails is left, and the others continue."""
    counts: Counter[tuple[str, str]] = Counter()
    sizes: Counter[tuple[str, str]] = Counter()
    with ThreadPoolExecutor(_THREADS, "perdure-prune") as pool:
        begun: list[Future[_Removed]] = []
        for page in pruning.removable(before):
            # While one page is being removed, the one before is noted, and the next one is looked up.
            ended, begun = begun, _begin_removing(page, pool, pruned, rules)
            _note(ended, pruning, pruned, counts, sizes)
        _note(begun, pruning, pruned, counts, sizes)
    pruned.freed = [Freed(*key, count, sizes[key]) for key, count in sorted(counts.items())]


def _begin_removing(
    page: Sequence[Removable], pool: Executor, pruned: Pruned, rules: _Rules
) -> "list[Future[_Removed]]":
    begun = []
    for storage_id in sorted({each.storage_id for each in page}):
        storage = None if storage_id in pruned.failures else _storage(storage_id, pruned)
        if storage is None:
            continue
        here = [each for each in page if each.storage_id == storage_id]
        if (why := rules.refusal(storage)) is not None:
            _skip(pruned, here, why)
            continue
        slices = [here[start::_THREADS] for start in range(min(_THREADS, len(here)))]
        is_own = rules.is_own(storage)
        begun += [pool.submit(_remove_all, storage, each, is_own) for each in slices]
    return begun


def _skip(pruned: Pruned, results: Sequence[Removable], why: str) -> None:
    for each in results:
        found = next((s for s in pruned.skipped if (s.storage_id, s.reason) == (each.storage_id, why)), None)
        if found is None:
            pruned.skipped.append(found := Skipped(each.storage_id, why))
        found.add(each.storage_key)


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
    for removed in done:
        for each, why in removed.skipped:
            _skip(pruned, [each], why)
    for each in gone:
        if not each.is_again:
            counts[each.storage_id, each.reason] += 1
            sizes[each.storage_id, each.reason] += each.size or 0


def _remove_all(storage: "Storage", results: Sequence[Removable], is_own: bool) -> _Removed:
    """Remove results: together, or one by one if the storage refuses that.

    Where all keys like ours are ours (`is_own`), those are not read first: it would double the time of most prunings.
    """
    own = [each for each in results if is_own and is_own_key(each.storage_key)]
    with suppress(StorageError):
        _delete(storage, own)
        others = [each for each in results if not (is_own and is_own_key(each.storage_key))]
        return _remove_singly(storage, others, own, is_own)
    return _remove_singly(storage, results, [], is_own)


def _remove_singly(storage: "Storage", results: Sequence[Removable], gone: list[Removable], is_own: bool) -> _Removed:
    used: list[Removable] = []
    skipped: list[tuple[Removable, str]] = []
    for each in results:
        try:
            if _is_used_again(storage, each):
                used.append(each)
                continue
            why = None if is_own and is_own_key(each.storage_key) else foreign(storage, each.storage_key, each.digest)
            if why is not None and not each.is_again:  # else the newer result that is there goes by its own record
                skipped.append((each, why))
            elif why is not None:
                gone.append(each)
            else:
                _delete(storage, [each])
                gone.append(each)
        except StorageError as error:
            return _Removed(gone, used, (each.storage_id, str(error)), tuple(skipped))
    return _Removed(gone, used, None, tuple(skipped))


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
        "skipped": [
            {name: getattr(each, name) for name in ("storage_id", "reason", "count")} | {"keys": list(each.keys)}
            for each in pruned.skipped
        ],
    }


def _fields(freed: Freed) -> dict[str, object]:
    return {name: getattr(freed, name) for name in ("storage_id", "reason", "count", "size")}
