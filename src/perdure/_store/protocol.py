"""What every orchestrator offers, embedded or remote. All methods may be called from any thread."""

from __future__ import annotations  # programs that only run import none of what is only named here

from typing import TYPE_CHECKING, Protocol, TypeVar

from perdure._model.ports import reads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from perdure._model.fields import Answer, JsonObject
    from perdure._model.records import (
        ArtifactRecord,
        BlockRecord,
        CancelRecord,
        Claim,
        DecisionRecord,
        InputRecord,
        LogRecord,
        Owner,
        ProcessRecord,
        Record,
        ResultRecord,
        Standing,
        StartRecord,
        StateRecord,
        WaitRecord,
    )
    from perdure._platform.clock import Micros
    from perdure._rooms.artifacts.records import ArtifactFilter
    from perdure._rooms.cache.records import CacheEntry, CacheFilter
    from perdure._rooms.deployments.port import Deployments
    from perdure._rooms.events.port import Event, Services
    from perdure._rooms.limits.port import Limits
    from perdure._rooms.logs.records import LogFilter, LogLine
    from perdure._rooms.results.port import Pruning
    from perdure._rooms.results.records import ResultFilter
    from perdure._rooms.runs.records import FailureCount, FailureFilter, FlowRun, RunCount, RunFilter, TaskRun
    from perdure._rooms.transactions.port import Transactions
    from perdure._rooms.variables.records import VariableRecord

P = TypeVar("P")


class Orchestrator(Protocol):
    """Takes reports of runs as records, in order; answers queries about them."""

    @property
    def transactions(self) -> Transactions:
        """What is committed together, or once."""

    @property
    def limits(self) -> Limits:
        """Who may be at something at once, or how often."""

    @property
    def services(self) -> Services:
        """What servers do beside answering, and the events that they find."""

    @property
    def deployments(self) -> Deployments:
        """Deployments, their schedules, and the queues of their runs."""

    def room(self, port: type[P]) -> P:
        """What is done for the room that a port is of, such as `known.room(Bookmarks)`."""

    def report(self, records: Iterable[Record]) -> None:
        """Take the records and return at once; they are committed soon, in order, after all earlier ones.

        When too much is waiting, the caller does the writing itself: memory stays bounded.
        """

    def commit(self, records: Iterable[Record]) -> None:
        """Take the records and return when they, and all reported before them, are committed.

        Raises:
            OrchestratorError: they could not be committed; says why.
        """

    def flush(self) -> None:
        """Return when all that was reported is committed."""

    def close(self) -> None:
        """Flush, close connections and end threads. Calling it again does nothing."""

    def own(self, owner: Owner) -> None:
        """What is reported from now on of an outermost flow run, and of all below it, is written under a claim.

        Records of a claim that somebody else has followed by a later one are not kept, and `hear_of_lost` is called.
        """

    def disown(self, flow_run_id: str) -> None:
        """The flow run has ended here, and all that was reported of it is committed."""

    def hear_of_lost(self, hear: Callable[[Owner], None]) -> None:
        """Have a function called, by whatever thread finds it out, with each claim that was found to be lost."""

    @reads
    def find_cached(self, key: str, now: Micros) -> ResultRecord | None:
        """The result that a cache key stands for, unless it has expired or is to be removed."""

    def claim_key(self, claim: Claim, lost: str | None = None) -> bool:
        """Have a run compute the value of a cache key; False if the key has a claim, or a result, already.

        Of several that claim it at once, one has it. It is released by a `ReleaseRecord`. `lost` is a run whose
        result does not count, since it cannot be read.
        """

    def take_over_key(self, held: Claim, claim: Claim) -> bool:
        """Have a claim go from one run, whose process is gone, to another; False if it is no longer that run's."""

    @reads
    def claim_of(self, key: str) -> Claim | None:
        """Which run computes the value of a cache key now."""

    def note_wait(self, claim: tuple[str, str], count: int) -> None:
        """Count a run that waits inside the claim of a key by a run (1), or that does so no longer (-1)."""

    @reads
    def cache_entries(self, filter: CacheFilter) -> Sequence[CacheEntry]:
        """What cache keys stand for, the newest first, the expired ones too."""

    def clear_cache(self, filter: CacheFilter) -> int:
        """Forget what cache keys stand for; how many. The results stay."""

    @reads
    def flow_runs(self, filter: RunFilter) -> Sequence[FlowRun]:
        """The flow runs that the filter lets through, newest first, with everything reported until now."""

    @reads
    def task_runs(self, filter: RunFilter) -> Sequence[TaskRun]:
        """The task runs that the filter lets through, newest first, with everything reported until now."""

    @reads
    def states(self, run_id: str) -> Sequence[StateRecord]:
        """All the states of a run, oldest first. What this process reports of it afterwards comes after them."""

    @reads
    def run_counts(self, run_ids: Sequence[str]) -> Sequence[RunCount]:
        """How many states and log lines are recorded of the runs, in the order of the ids."""

    @reads
    def failures(self, filter: FailureFilter) -> Sequence[FailureCount]:
        """How many flow runs have failed with which message, most runs first."""

    @reads
    def logs(self, flow_run_id: str | None = None, task_run_id: str | None = None) -> Sequence[LogRecord]:
        """The lines of a flow run (its task runs' too) or of a task run, oldest first."""

    @reads
    def log_lines(self, filter: LogFilter) -> Sequence[LogLine]:
        """The lines that the filter lets through, the newest first; with `after`, the oldest first.

        While several processes write, a line may be kept shortly after one with a higher number.
        """

    @reads
    def results(self, filter: ResultFilter) -> Sequence[ResultRecord]:
        """Records of results, newest first."""

    @reads
    def inputs_of(self, run_ids: Sequence[str]) -> Sequence[InputRecord]:
        """Which results went into the runs, sorted by run and name."""

    @reads
    def uses_of(self, run_ids: Sequence[str]) -> Sequence[InputRecord]:
        """Which runs were given the results of the runs, sorted by the run that was given it and by name."""

    @reads
    def decisions(self, run_ids: Sequence[str]) -> Sequence[DecisionRecord]:
        """Why the runs called their functions, or did not, newest first; runs with nothing to say are left out.

        The other run of one that was reported without any is the run that its cache key stood for until then.
        """

    @reads
    def source(self, digest: str) -> str | None:
        """What the digests of a task's source were made of, as in `SourceRecord`; None if it was not recorded."""

    def pruning(self) -> Pruning:
        """What removing old results needs; close it when it is done."""

    @reads
    def start(self, flow_run_id: str) -> StartRecord | None:
        """How a flow run was begun; None if it was not recorded."""

    @reads
    def starts(self, flow_run_ids: Sequence[str]) -> Sequence[StartRecord]:
        """How flow runs were begun, sorted by id; those of which it was not recorded are left out."""

    def claim(
        self,
        seen: StateRecord,
        before: str,
        after: str,
        records: Iterable[Record],
        epochs: tuple[int, int] | None = None,
    ) -> bool:
        """Have a flow run go from one process to another, and commit the records with that.

        False, and nothing is done, if it is no longer the first one's, or no longer in the state in which it was
        seen. Of several that claim it at once, one has it. `epochs` are that of the claim which was seen, and that of
        this one: with the same number, the run stays whose it is. Earlier versions name none, and their records do not.
        """

    @reads
    def standing(self, flow_run_id: str) -> Standing | None:
        """How an outermost flow run stands, for the process that runs it; None if its start was not recorded."""

    @reads
    def cancellation(self, flow_run_id: str) -> CancelRecord | None:
        """The request to cancel a flow run, if there is one."""

    def withdraw(self, flow_run_id: str) -> None:
        """Nobody wants the flow run to be cancelled any more."""

    @reads
    def waits(self, flow_run_id: str) -> Sequence[WaitRecord]:
        """What the steps of a flow run wait for, or have waited for, sorted by key."""

    def answer(self, flow_run_id: str, key: str, answer: Answer) -> bool:
        """Answer a step that waits; False if it has been answered already. Of several that do, one has."""

    @reads
    def process(self, id: str) -> ProcessRecord | None:
        """A process that runs flows."""

    @reads
    def finished_steps(self, flow_run_id: str) -> Sequence[ResultRecord]:
        """The results of what a flow run called itself, that completed and does not run again when it is resumed."""

    @reads
    def items(self, flow_run_id: str, step: JsonObject, first: int, end: int) -> Sequence[ResultRecord]:
        """The items of a generator with the numbers from `first` until before `end`, by number.

        They were kept for a flow run under the generator's step. Of several with one number, the newest is first.
        """

    @reads
    def begun_steps(self, flow_run_id: str) -> Sequence[tuple[str, str]]:
        """The subflow runs of a flow run that have not completed: what each is within it, as JSON, and its id."""

    @reads
    def unfinished_roots(self) -> Sequence[str]:
        """The ids of all outermost flow runs that are not at their end, or crashed, oldest first."""

    def emit(self, event: Event) -> bool:
        """Keep an event of a program's own, with deliveries to the hooks that subscribe to it; False if it is kept
        already.

        Raises:
            EventError: it is of a kind that servers make of states.
        """

    @reads
    def block(self, id: str) -> BlockRecord | None:
        """A block by its id."""

    def has_block(self, id: str) -> bool:
        """Whether a block is known; False, too, where that cannot be known at once."""

    @reads
    def blocks(self, type: str | None = None, name: str | None = None) -> Sequence[BlockRecord]:
        """The saved (named) blocks, sorted by type and name; or those of a type, or of a name."""

    def delete_block(self, id: str) -> None:
        """Forget a block's name. Results that lie in its storage can still be read: the block itself is kept."""

    @reads
    def artifacts(self, filter: ArtifactFilter) -> Sequence[ArtifactRecord]:
        """The artifacts that the filter lets through, newest first."""

    def delete_artifact(self, id: str) -> bool:
        """Forget an artifact; False if there is none with this id."""

    @reads
    def variable(self, name: str) -> VariableRecord | None:
        """The variable with this name."""

    @reads
    def variables(self) -> Sequence[VariableRecord]:
        """All variables, sorted by name."""

    def set_variable(self, record: VariableRecord, overwrite: bool) -> bool:
        """Keep a variable; False if there is one already and it is not to be overwritten. It keeps when it was created.

        Of several that set a new one at once without overwriting, one has it.
        """

    def delete_variable(self, name: str) -> bool:
        """Forget a variable; False if there is none with this name."""
