"""An orchestrator's stand-in in a process that runs tasks of another one: records travel back with the answers.

The problem: a worker that wrote the records of each task itself would need a transaction, or a round trip, for each
call; it would need the database, which a machine of a cluster may not see; and one that was taken for lost, and comes
back, would write into a run that has been tried again elsewhere.

The idea: who sent the call writes what it reports, many calls at a time, under the claim by which it owns the flow run.
So what is reported here, and what the calls themselves commit, is kept until it is taken. Nobody sees a result before
its answer is there, and the answer comes with the records. All else, such as a cache key or a slot, is asked of the
orchestrator itself, once everything that was reported before has been committed there. It is opened when that happens.

What always holds:

- What is kept is taken, or committed here, once and in order; what comes later is never written before it.
- What is committed inside a call, by a subflow, is committed here and now, as in any process: a subflow's step lasts
  once the next line runs. So are cache keys and their releases, which other processes look at, and items of
  generators, which a resumed run takes up.
- Nothing is opened for calls that ask for nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from threading import Lock
from typing import Any

from perdure._model.records import CacheRecord, Owner, Record, ReleaseRecord, ResultRecord
from perdure._run.context import current_run
from perdure._store.protocol import Orchestrator

_PARTS = frozenset({"transactions", "limits", "services", "deployments"})
_LOOKED_AT = (CacheRecord, ReleaseRecord)


class Recorder:
    """Takes what an `Orchestrator` takes, and keeps the records; asks the one that `make` opens for all else."""

    def __init__(self, make: Callable[[], Orchestrator]) -> None:
        self._make = make
        self._made: Orchestrator | None = None
        self._kept: list[Record] = []
        self._is_awaited = False
        self._owners: dict[str, Owner] = {}
        self._hear: Callable[[Owner], None] | None = None
        self._lock = Lock()
        self._making = Lock()

    def report(self, records: Iterable[Record]) -> None:
        """Keep the records until they are taken, or until something is asked."""
        taken = tuple(records)
        with self._lock:
            self._kept += taken

    def commit(self, records: Iterable[Record]) -> None:
        """Keep the records of a call's own end; commit all others here and now."""
        taken = tuple(records)
        self.report(taken)
        if current_run.get() is None and not any(map(_is_looked_at, taken)):
            self._is_awaited = True
        else:
            self.flush()

    def take(self) -> tuple[list[Record], bool]:
        """What is kept, which whoever takes it is to write; and whether somebody waits until it is committed."""
        with self._lock:
            kept, self._kept = self._kept, []
            is_awaited, self._is_awaited = self._is_awaited, False
        return kept, is_awaited

    @property
    def holds_any(self) -> bool:
        """Whether something is kept."""
        return bool(self._kept)

    def flush(self) -> None:
        """Commit here what is kept.

        Raises:
            OrchestratorError: this process cannot see the database, or it could not be committed.
        """
        orchestrator = self._orchestrator()
        kept, _ = self.take()
        orchestrator.commit(kept)

    def close(self) -> None:
        """Commit what is kept, and close the orchestrator, if it was opened."""
        if self._kept:
            self.flush()
        if self._made is not None:
            self._made.close()

    def own(self, owner: Owner) -> None:
        """What is committed here of a flow run is written under a claim, from now on."""
        self._owners[owner.flow_run_id] = owner
        if self._made is not None:
            self._made.own(owner)

    def disown(self, flow_run_id: str) -> None:
        """No call of the flow run is here any more."""
        self._owners.pop(flow_run_id, None)
        if self._made is not None:
            self._made.disown(flow_run_id)

    def hear_of_lost(self, hear: Callable[[Owner], None]) -> None:
        """Have a function called with each claim that was found to be lost."""
        self._hear = hear

    def has_block(self, id: str) -> bool:
        """Whether a block is known, where that can be known at once: else it is reported once more."""
        return self._made is not None and self._made.has_block(id)

    @property
    def is_shared(self) -> bool:
        """Whether others may write to the database."""
        return bool(getattr(self._orchestrator(), "is_shared", True))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return _Part(self, name) if name in _PARTS else partial(self._ask, (), name)

    def _ask(self, path: Sequence[str], name: str, *args: Any, **options: Any) -> Any:
        orchestrator = self._orchestrator()
        if self._kept:
            self.flush()
        asked: Any = orchestrator
        for part in path:
            asked = getattr(asked, part)
        return getattr(asked, name)(*args, **options)

    def _orchestrator(self) -> Orchestrator:
        with self._making:
            if self._made is None:
                made = self._make()
                for owner in tuple(self._owners.values()):
                    made.own(owner)
                if self._hear is not None:
                    made.hear_of_lost(self._hear)
                self._made = made
        return self._made


class _Part:
    """A part of the orchestrator that has methods of its own."""

    def __init__(self, recorder: Recorder, name: str) -> None:
        self._recorder = recorder
        self._name = name

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self._recorder._ask, (self._name,), name)


def _is_looked_at(record: Record) -> bool:
    """Whether others look at it before the call's answer is there."""
    return isinstance(record, _LOOKED_AT) or (isinstance(record, ResultRecord) and record.item_of is not None)
