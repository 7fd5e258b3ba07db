"""What the engine needs of the outside; the composition root provides it."""

from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Protocol

from perdure._engine.coordination.cache_claims import Claims
from perdure._engine.coordination.limiter import Limiter
from perdure._engine.recovery.process_liveness import Liveness
from perdure._model.records import Record, ResultRecord, WaitRecord
from perdure._platform.clock import Clock
from perdure._rooms.transactions.port import Transactions
from perdure._run.context import FlowRunContext, RunContext
from perdure._store.protocol import Orchestrator

if TYPE_CHECKING:  # these import pydantic, which a run that persists nothing does not need
    from perdure._results.inline import Inline
    from perdure._serializers.base import Serializer
    from perdure._storages.storage import Storage


class ProcessRuntime(Protocol):
    """What a process needs that looks after flow runs, whether it runs any itself or not."""

    orchestrator: Orchestrator
    clock: Clock
    liveness: Liveness

    @property
    def process_id(self) -> str:
        """The id by which the orchestrator knows this process."""

    def presence(self) -> Sequence[Record]:
        """The report of this process's heartbeat, which comes before it claims anything."""


class Runtime(ProcessRuntime, Protocol):
    """All that the engine needs of the outside to run flows and tasks. A session is one."""

    claims: Claims
    limiter: Limiter
    reported_sources: set[str]  # of tasks, by their digests: what was reported to the orchestrator
    transactions: Transactions

    def report(self, records: Sequence[Record]) -> None:
        """Report records to the orchestrator, without waiting."""

    def commit(self, records: Sequence[Record]) -> None:
        """Report records to the orchestrator, and return when it has committed them."""

    def start_of(self, run: FlowRunContext) -> Sequence[Record]:
        """What to report when a flow run begins, or is resumed, so that another process could resume it."""

    def disown(self, run: FlowRunContext) -> None:
        """An outermost flow run has ended here, and all of it is committed."""

    def steps_of(
        self, flow_run_ids: Sequence[str], retry_failed: bool
    ) -> tuple[dict[str, ResultRecord], dict[str, list[str]]]:
        """By identity within the flow runs: results of what was finished, and ids of subflow runs that were not.

        With `retry_failed`, what failed is not finished.
        """

    def items_of(
        self, flow_run_ids: Sequence[str], step: str, first: int, end: int
    ) -> Sequence[Sequence[ResultRecord]]:
        """A generator's items by number, until before `end` or a gap: of each its records, newest first.

        They are kept with the flow runs, under the generator's step.
        """

    def waits_of(self, flow_run_ids: Sequence[str]) -> dict[str, WaitRecord]:
        """By key, what the steps of the flow runs wait for; the last one's count."""

    def is_own(self, run_id: str, function: Callable[..., object]) -> bool:
        """Whether a task run is known to be of the function's project."""

    def is_in_scope(self, run_id: str, function: Callable[..., object] | None) -> bool:
        """Whether nothing says that a flow run is of another project than the function, or than the main program."""

    def find_cached(self, key: str) -> ResultRecord | None:
        """The result that a cache key stands for now."""

    def follow(self, run_id: str) -> None:
        """Order later reports of a run after all earlier ones, whatever the clock skew."""

    def discard(self, result: ResultRecord) -> None:
        """Remove a result's document, unless others lead to it; it was never reported.

        Raises:
            ResultError, StorageError: it cannot be removed.
        """

    def storage_id(self, storage: "Storage") -> str:
        """The id under which the orchestrator knows a storage."""

    def secure(self, storage: "Storage", keys: tuple[str, ...]) -> None:
        """Make what was written under the keys survive a loss of power, as far and as soon as the settings want it."""

    def inline_for(self, storage: "Storage", record_id: str) -> "Inline | None":
        """Where documents go that are small enough to be in the record of a result with this id; None: nowhere."""

    def storage_for(self, run: RunContext) -> "Storage":
        """Where a run's result goes: its own option, else its flow's, else the default."""

    def serializer_for(self, run: RunContext) -> "Serializer":
        """How a run's result is written: its own option, else its flow's, else the default."""

    def can_persist(self, run: RunContext) -> bool:
        """Whether it is known already that a run's storage, serializer and keys can be had."""

    def check_persisting(self, run: RunContext) -> None:
        """Look up a run's storage, serializer and keys; raises what is wrong with them."""

    def log(
        self, run: RunContext | None, level: int, message: str, *args: object, error: BaseException | None = None
    ) -> None:
        """Log a line of the engine's own about a run; an error's traceback is shown once, however far it travels."""

    def run_coroutine(self, function: Callable[..., Coroutine[object, object, object]], *args: object) -> object:
        """Run a coroutine from code that does not await, and block until it has ended."""

    def cancel_outstanding(self, run: FlowRunContext) -> None:
        """Cancel what the flow run has submitted and what has not begun."""
