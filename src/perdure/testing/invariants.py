"""What holds in every home, whatever happened to the processes that used it; and what really ran."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from perdure._engine.identity.identity import identity_in
from perdure._model.errors import ResultError, StorageError
from perdure._model.state_types import FINAL, ROLLED_BACK, StateType
from perdure._model.transitions import TRANSITIONS
from perdure._platform.named import NamedTuple
from perdure._results.store import result_from_record
from perdure._rooms.results.records import ResultFilter
from perdure._rooms.runs.records import FlowRun, RunFilter, TaskRun
from perdure._run.context import require_run
from perdure._store.protocol import Orchestrator

Run = FlowRun | TaskRun


def violations(known: Orchestrator, *, at_rest: bool = True) -> list[str]:
    """What is wrong with the runs and results that an orchestrator knows, a sentence for each; empty if all is well.

    With `at_rest`, no process is thought to run any of them.
    """
    runs: list[Run] = [*known.flow_runs(RunFilter()), *known.task_runs(RunFilter())]
    found = [wrong for run in runs for wrong in wrong_transitions(run, known)]
    if at_rest:
        found += [wrong for run in runs if isinstance(run, FlowRun) for wrong in unfinished_transactions(run, known)]
        found += [f"{_the(run)} is still {run.state_name}." for run in runs if not _has_ended(run)]
    return [*found, *broken_references(known)]


def wrong_transitions(run: Run, known: Orchestrator) -> Iterator[str]:
    """Where the history of a run goes from a state to one that may not follow it.

    A state that is reported twice, with the same time, counts once.
    """
    before: StateType | None = None
    time: int | None = None
    for state in known.states(run.id):
        is_undone = before is StateType.COMPLETED and state.name == ROLLED_BACK
        is_again = state.type is before and state.time == time
        if state.type not in TRANSITIONS[before] and not (is_again or is_undone):
            yield f"{_the(run)} went from {before or 'its start'} to {state.type} ({state.name})."
        before, time = state.type, state.time


def unfinished_transactions(run: FlowRun, known: Orchestrator) -> Iterator[str]:
    """What a flow run that has completed left to be rolled back, or to be notified of a commit."""
    if run.state_type is StateType.COMPLETED and run.parent_flow_run_id is None:
        for transaction in known.transactions.unfinished(run.id):
            yield f"{_the(run)} has not ended its transaction {transaction.key!r}."


def broken_references(known: Orchestrator) -> Iterator[str]:
    """The persisted results that cannot be loaded, or whose digests are wrong."""
    for record in known.results(ResultFilter(kinds=("persisted",), removed=False)):
        try:
            result_from_record(record, keep=False).get_own()
        except (ResultError, StorageError) as error:
            yield f"The result of {record.run_id} cannot be loaded. {error}"


def finished_steps(known: Orchestrator, *, failed_too: bool = True) -> set[str]:
    """The ids of the runs that are not to be run again when their flow runs go on: ended, with a result that was kept.

    A flow that is retried runs again what failed, unless it has ended: of such flows, leave out what has `failed_too`.
    """
    return {
        record.run_id
        for run in known.flow_runs(RunFilter())
        for record in known.finished_steps(run.id)
        if record.kind != "unpersisted" and (failed_too or not record.is_exception)
    }


def committed_items(known: Orchestrator) -> Counter[str]:
    """What stands for each item of a generator that was committed, and how many times it was."""
    items = known.results(ResultFilter(items=True))
    return Counter(_item_id(each.item_of or "", each.step or "", each.number or 0) for each in items)


def _item_id(kept_for: str, step: str, number: int) -> str:
    return f"item {number} of {identity_in(step) if step else 'the flow run itself'} in {kept_for}"


def _has_ended(run: Run) -> bool:
    # A run whose inputs did not come to a good end waits for ever.
    return run.state_type in FINAL or run.state_name == "NotReady"


def _the(run: Run) -> str:
    return f"The {'flow' if isinstance(run, FlowRun) else 'task'} run {run.name!r} ({run.id})"


class Execution(NamedTuple):
    """A task's function was called, or an item made."""

    what: str
    run_id: str  # or what stands for the item


class Ledger:
    """What really ran: a line in a file for each execution, so that it outlives the process that wrote it."""

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)

    def note(self, what: str, item: int | None = None) -> int:
        """Note that the current run executes `what`; how many times that was noted before.

        A resumed generator notes each `item` by its number, for it is not to be made again.
        """
        before = self.count(what)
        run = require_run()
        if item is None:
            self.write(what, run.id)
        else:
            kept_for = run if run.parent is None or run.parent.flow is None else run.parent.flow
            self.write(what, _item_id(kept_for.id, run.step or "", item))
        return before

    def write(self, what: str, run_id: str) -> None:
        """Note that a run executes `what`."""
        line = f"{what}\t{run_id}\n".encode()
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line)  # in one piece, whoever else writes
        finally:
            os.close(descriptor)

    def count(self, what: str) -> int:
        """How many times `what` was noted."""
        return Counter(each.what for each in self.executions())[what]

    def executions(self) -> list[Execution]:
        """All that was noted, oldest first."""
        try:
            lines = self._path.read_text().splitlines()
        except FileNotFoundError:
            return []
        return [Execution(*line.split("\t")) for line in lines]


class Witness:
    """Sees to it, over the crashes of a flow run, that nothing is executed again after its result was committed.

    With `failed_too`, that goes for failures, too: not for those in flows with retries.
    """

    def __init__(self, ledger: Ledger, *, failed_too: bool = True) -> None:
        self._ledger = ledger
        self._failed_too = failed_too
        self._read = 0
        self._finished: set[str] = set()  # what may not be executed any more

    def look(self, known: Orchestrator) -> list[str]:
        """What was executed since the last look although it had been finished by then, a sentence for each."""
        executions = self._ledger.executions()
        new, self._read = executions[self._read :], len(executions)
        again = [f"{what!r} was executed again, in the run {run_id}." for what, run_id in new if what in self._finished]
        items = committed_items(known)
        again += [f"The {item} was committed {count} times." for item, count in items.items() if count > 1]
        done = finished_steps(known, failed_too=self._failed_too) | set(items)
        self._finished |= {what for what, run_id in executions if run_id in done}
        return again


__all__ = [
    "Execution",
    "Ledger",
    "Witness",
    "broken_references",
    "committed_items",
    "finished_steps",
    "unfinished_transactions",
    "violations",
    "wrong_transitions",
]
