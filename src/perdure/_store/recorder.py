"""An orchestrator's stand-in in a process that runs tasks of another one: records travel back with the answers.

The problem: a worker that wrote the records of each task itself would need a transaction, or a round trip, for each
call; it would need the database, which a machine of a cluster may not see; and one that was taken for lost, and comes
back, would write into a run that has been tried again elsewhere.

The idea: who sent the call writes what it reports, many calls at a time, under the claim by which it owns the flow run.
So what is reported here, and what the calls themselves commit, is kept until it is taken. Nobody sees a result before
its answer is there, and the answer comes with the records. All else, such as a cache key or a slot, is asked of the
orchestrator itself, once everything that was reported before has been committed there. It is opened when that happens.

What always holds:

- What is kept is taken, or committed here, once and in order; what comes later is never written before it. So before
  a state is committed here, those of its run that went to the sender are waited for until they are in the database.
- What is committed inside a call, by a subflow, is committed here and now, as in any process: a subflow's step lasts
  once the next line runs. So are cache keys and their releases, which other processes look at, and items of
  generators, which a resumed run takes up.
- Nothing is opened for calls that ask for nothing. What is opened must know the flow run: a worker that has another
  database does not begin to write there.
- Where several batches run beside each other, each takes what its own calls have reported.
- Before something is changed that others see, the batch is asked whether it is still this worker's.
"""

from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from functools import partial
from threading import Lock
from time import monotonic, sleep
from typing import Any, Protocol

from perdure._model.errors import OrchestratorError
from perdure._model.ports import needed_by
from perdure._model.records import CacheRecord, Owner, Record, ReleaseRecord, ResultRecord, StateRecord
from perdure._model.state_types import FINAL
from perdure._platform.clock import Micros
from perdure._run.context import current_run
from perdure._store.protocol import Orchestrator

_PARTS = frozenset({"transactions", "limits", "services", "deployments"})
_SHORTEST, _LONGEST = 0.002, 0.1  # seconds between two looks whether the sender has written something
_PATIENCE = 60.0  # seconds until the sender has written it
_LOOKED_AT = (CacheRecord, ReleaseRecord)


class Recording(Protocol):
    """A batch of calls that are recorded together."""

    def check(self) -> None:
        """Raise if it is not this worker's any more."""


recording: ContextVar[Recording | None] = ContextVar("perdure_recording", default=None)


class Recorder:
    """Takes what an `Orchestrator` takes, and keeps the records; asks the one that `make` opens for all else."""

    def __init__(self, make: Callable[[], Orchestrator]) -> None:
        self._make = make
        self._made: Orchestrator | None = None
        self._kept: dict[Recording | None, list[Record]] = {}  # by the batch whose call has reported them
        self._awaited: set[Recording | None] = set()
        self._passed: dict[str, Micros] = {}  # by open runs: the time of the last state that the sender has
        self._owners: dict[str, Owner] = {}
        self._hear: Callable[[Owner], None] | None = None
        self._lock = Lock()
        self._making = Lock()
        self._writing = Lock()  # held from taking records to passing them on or committing them: so they stay in order

    def report(self, records: Iterable[Record]) -> None:
        """Keep the records until they are taken, or until something is asked."""
        taken = tuple(records)
        with self._lock:
            self._kept.setdefault(recording.get(), []).extend(taken)

    def commit(self, records: Iterable[Record]) -> None:
        """Keep the records of a call's own end; commit all others here and now."""
        taken = tuple(records)
        self.report(taken)
        if current_run.get() is None and not any(map(_is_looked_at, taken)):
            self._awaited.add(recording.get())
        else:
            self.flush()

    def take(self, batch: Recording | None = None) -> tuple[list[Record], bool]:
        """What is kept of a batch and of none, which is to be written; and whether somebody waits for that."""
        with self._writing:  # what was taken before is committed
            kept, is_awaited = self._taken(batch)
            self._note_passed(kept)
            return kept, is_awaited

    def _taken(self, batch: Recording | None) -> tuple[list[Record], bool]:
        with self._lock:
            kept = [*self._kept.pop(None, ()), *(self._kept.pop(batch, ()))]
            is_awaited = not self._awaited.isdisjoint((None, batch))
            self._awaited -= {None, batch}
        return kept, is_awaited

    def holds_any(self, batch: Recording | None) -> bool:
        """Whether something is kept of a batch, or of none."""
        return batch in self._kept or None in self._kept

    def flush(self) -> None:
        """Commit here what is kept.

        Raises:
            OrchestratorError: this process cannot see the database, or it could not be committed.
        """
        orchestrator = self._orchestrator()
        batch = recording.get()
        if batch is not None:
            batch.check()
        with self._writing:
            kept, _ = self._taken(batch)
            for run_id in {each.run_id for each in kept if isinstance(each, StateRecord)} & self._passed.keys():
                self._wait_for_sender(run_id, batch, orchestrator)
            orchestrator.commit(kept)

    def _note_passed(self, records: Sequence[Record]) -> None:
        for each in records:
            if isinstance(each, StateRecord):
                self._passed[each.run_id] = each.time
                if each.type in FINAL:
                    del self._passed[each.run_id]

    def _wait_for_sender(self, run_id: str, batch: Recording | None, orchestrator: Orchestrator) -> None:
        """Return when the sender has written what it was given of a run, or does not write at all."""
        time = self._passed.pop(run_id)
        pause, end = _SHORTEST, monotonic() + _PATIENCE
        while not any(state.time >= time for state in orchestrator.states(run_id)) and monotonic() < end:
            sleep(pause)
            pause = min(2 * pause, _LONGEST)
            if batch is not None:
                batch.check()

    def close(self) -> None:
        """Commit what is kept of no batch, and close the orchestrator, if it was opened."""
        if self.holds_any(None):
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

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)
        return _Part(self, name) if name in _PARTS else partial(self._ask, (), name)

    def _ask(self, path: Sequence[str], name: str, *args: object, **options: object) -> Any:
        orchestrator = self._orchestrator()
        batch = recording.get()
        if self.holds_any(batch):
            self.flush()
        elif batch is not None and (path or needed_by(getattr(Orchestrator, name)) != "read"):
            batch.check()
        asked: Any = orchestrator
        for part in path:
            asked = getattr(asked, part)
        return getattr(asked, name)(*args, **options)

    def _orchestrator(self) -> Orchestrator:
        with self._making:
            if self._made is None:
                made = self._make()
                self._check_place(made)
                for owner in tuple(self._owners.values()):
                    made.own(owner)
                if self._hear is not None:
                    made.hear_of_lost(self._hear)
                self._made = made
        return self._made

    def _check_place(self, made: Orchestrator) -> None:
        for id in tuple(self._owners):
            if made.standing(id) is None:
                made.close()
                raise OrchestratorError(_ELSEWHERE.format(id=id))


_ELSEWHERE = (
    "The database that this worker has does not know the flow run {id}: it is another one than the flow's. The call"
    " needs it for a cache key, a limit, a subflow or a query. Set PERDURE_API_URL to a server that both reach, or"
    " PERDURE_DATABASE_URL to one database; a password in it, and PERDURE_API_TOKEN, must be in the worker's own"
    " environment."
)


class _Part:
    """A part of the orchestrator that has methods of its own."""

    def __init__(self, recorder: Recorder, name: str) -> None:
        self._recorder = recorder
        self._name = name

    def __getattr__(self, name: str) -> Callable[..., object]:
        return partial(self._recorder._ask, (self._name,), name)


def _is_looked_at(record: Record) -> bool:
    """Whether others look at it before the call's answer is there."""
    return isinstance(record, _LOOKED_AT) or (isinstance(record, ResultRecord) and record.item_of is not None)
