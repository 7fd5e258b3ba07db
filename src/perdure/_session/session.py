"""The composition root: from the settings to an orchestrator, a result store and task runners; it performs effects."""

import atexit
import logging
import math
import os
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from perdure._engine import drivers
from perdure._engine.coordination.cache_claims import Claims
from perdure._engine.coordination.limiter import Limiter
from perdure._engine.identity.identity import identity_in
from perdure._engine.identity.projects import is_made_in_project, may_be_in_scope
from perdure._engine.recovery.heartbeat import Heartbeat
from perdure._engine.recovery.process_liveness import Liveness
from perdure._engine.recovery.shown_source import shown_source
from perdure._engine.recovery.start_record import entry_point_of, kept
from perdure._model.colour import FetchPolicy
from perdure._model.errors import OrchestratorError, SettingError
from perdure._model.records import Record, ResultRecord, StartRecord, WaitRecord
from perdure._model.tracebacks import FoldPolicy
from perdure._model.unsupported_concurrency import check_threads
from perdure._platform import programs
from perdure._platform.clock import Clock, system_clock
from perdure._platform.lazy_import import LazyModule
from perdure._platform.memory import uncollected
from perdure._platform.providers import set_logger, set_orchestrator
from perdure._results.durability import Durability
from perdure._results.inline import Inline, key_of_run
from perdure._results.store import Storages
from perdure._results.types import PersistedResult
from perdure._run import log_reporting
from perdure._run.context import FlowRunContext, current_run
from perdure._runners.base import TaskRunner
from perdure._runners.threads import SequentialTaskRunner, ThreadTaskRunner
from perdure._session.owned_runs import OwnedRuns
from perdure._session.storage_and_serializer import ResultPlaces, is_default
from perdure._settings import settings
from perdure._settings.fields import Settings
from perdure._store import open_orchestrators  # noqa: F401 - for the order of what is done at exit
from perdure._store.protocol import Orchestrator

if TYPE_CHECKING:  # these import pydantic or asyncio, or are for few processes
    from perdure._results import removal
    from perdure._runners.loops import Portal
    from perdure._storages.storage import Storage
    from perdure._store import recorder as recorders
    from perdure._store.recorder import Recorder
else:
    removal = LazyModule("perdure._results.removal")
    recorders = LazyModule("perdure._store.recorder")


class Session(ResultPlaces):
    """One orchestrator and all that goes with it. It is the engine's `Runtime`."""

    def __init__(self, chosen: Settings, orchestrator: Orchestrator, clock: Clock = system_clock) -> None:
        super().__init__(chosen)
        self.settings = chosen
        self.orchestrator = orchestrator
        self.clock = clock
        self.report = orchestrator.report
        self.commit = orchestrator.commit
        drivers.span_hook = None
        if chosen.opentelemetry:
            self._trace()
        self.log = log_reporting.log
        self._durability = Durability(chosen.results_durability)
        self.secure = self._durability.secure
        self.storages = Storages(
            lambda record: orchestrator.report((record,)), orchestrator.block, orchestrator.has_block
        )
        self.reported_sources: set[str] = set()
        self.transactions = orchestrator.transactions
        self._owned = OwnedRuns(self)
        self._heartbeat = Heartbeat(orchestrator.report, self._owned.look_after, chosen.lease_seconds)
        self.liveness = Liveness(orchestrator, chosen.lease_seconds)
        self.claims = Claims(orchestrator, self._heartbeat, self.liveness, clock, log_reporting.log)
        self.limiter = Limiter(orchestrator, self._heartbeat, self.liveness, clock, log_reporting.log)
        self._portal: Portal | None = None
        self._inline: Inline | None = None  # without the key: the storage is made once
        self._lock = threading.Lock()

    def _trace(self) -> None:
        tracer = _tracing().Tracer()
        self.report, self.commit = tracer.tapped(self.report), tracer.tapped(self.commit)
        drivers.span_hook = tracer.enter

    def close(self) -> None:
        """Commit all that was reported, and close everything."""
        if self._portal is not None:
            self._portal.stop()
        self._durability.close()
        self._heartbeat.end()
        self.orchestrator.close()

    @property
    def process_id(self) -> str:
        """The id by which the orchestrator knows this process."""
        return self._heartbeat.process.id

    def start_of(self, run: FlowRunContext) -> Sequence[Record]:
        """What to report when a flow run begins, or is resumed, so that another process could resume it."""
        if run.parent is not None:
            return (StartRecord(run.id, self._heartbeat.process.id, None, None, run.step),)
        self.own(run)
        first = self._heartbeat.begin()
        self._heartbeat.watch(run)
        source = shown_source(run.options.function) if settings.current().flow_sources else None
        entry_point = entry_point_of(run.options, run.reuses, None if source is None else source.digest)
        arguments = kept(run.id, run.options.name, entry_point, run.parameters)
        if arguments is None and (run.options.durable or run.options.on_crash is not None):
            self.log(run, logging.WARNING, _UNKEPT)
        start = StartRecord(run.id, self._heartbeat.process.id, entry_point, arguments, None)
        if source is None or source.digest in self.reported_sources:
            return (*first, start)
        self.reported_sources.add(source.digest)
        return (*first, start, source)

    def is_own(self, run_id: str, function: Callable[..., object]) -> bool:
        """Whether a task run is known to be of the function's project."""
        return is_made_in_project(run_id, function, self.orchestrator)

    def is_in_scope(self, run_id: str, function: Callable[..., object] | None) -> bool:
        """Whether nothing says that a flow run is of another project than the function, or than the main program."""
        return may_be_in_scope(run_id, function, self.orchestrator)

    def steps_of(
        self, flow_run_ids: Sequence[str], retry_failed: bool
    ) -> tuple[dict[str, ResultRecord], dict[str, list[str]]]:
        """By identity within the flow runs: results of what was finished, and ids of subflow runs that were not.

        With `retry_failed`, what failed is not finished.
        """
        finished: dict[str, ResultRecord] = {}
        begun: dict[str, list[str]] = {}
        for flow_run_id in flow_run_ids:
            with uncollected():
                for record in self.orchestrator.finished_steps(flow_run_id):
                    if not (record.is_exception and retry_failed):
                        finished[identity_in(record.step or "")] = record
            for step, id in self.orchestrator.begun_steps(flow_run_id):
                begun.setdefault(identity_in(step), []).append(id)
        return finished, begun

    def items_of(
        self, flow_run_ids: Sequence[str], step: str, first: int, end: int
    ) -> Sequence[Sequence[ResultRecord]]:
        """A generator's items by number, until before `end` or a gap: of each its records, newest first."""
        found: list[list[ResultRecord]] = [[] for _ in range(first, end)]
        for flow_run_id in flow_run_ids:
            for record in self.orchestrator.items(flow_run_id, step, first, end):
                found[(record.number or 0) - first].append(record)
        count = next((place for place, records in enumerate(found) if not records), len(found))
        return [sorted(records, key=lambda each: each.run_id, reverse=True) for records in found[:count]]

    def presence(self) -> Sequence[Record]:
        """The report of this process's heartbeat, which comes before it claims anything."""
        return self._heartbeat.begin()

    def own(self, run: FlowRunContext) -> None:
        """Report what comes of an outermost flow run, and of all below it, under the claim by which it is ours."""
        self._owned.add(run)

    def disown(self, run: FlowRunContext) -> None:
        """An outermost flow run has ended here, and all of it is committed."""
        self._owned.remove(run)

    def waits_of(self, flow_run_ids: Sequence[str]) -> dict[str, WaitRecord]:
        """By key, what the steps of the flow runs wait for; the last one's count."""
        return {wait.key: wait for id in flow_run_ids for wait in self.orchestrator.waits(id)}

    def find_cached(self, key: str) -> ResultRecord | None:
        """The result that a cache key stands for now."""
        return self.orchestrator.find_cached(key, self.clock())

    def follow(self, run_id: str) -> None:
        """Order later reports of a run after all earlier ones, whatever the clock skew."""
        self.orchestrator.states(run_id)

    def discard(self, result: ResultRecord) -> None:
        """Remove a result's document, unless others lead to it; it was never reported.

        Raises:
            ResultError, StorageError: it cannot be removed.
        """
        if result.storage_id is None or result.storage_key is None or removal.sharing(self.orchestrator, [result]):
            return
        removal.delete_objects(self.storages.get(result.storage_id), result.storage_key)

    def storage_id(self, storage: "Storage") -> str:
        """The id under which the orchestrator knows a storage."""
        return self.storages.id_of(storage)

    def inline_for(self, storage: "Storage", record_id: str) -> Inline | None:
        """Where documents go that are small enough to be in the record of a result with this id; None: nowhere."""
        if not self.settings.results_inline_bytes or not is_default(storage, self.settings):
            return None
        if self._inline is None:
            if getattr(self.orchestrator, "is_shared", True):
                return None
            from perdure._results.database_storage import DatabaseStorage

            held = DatabaseStorage()
            self._inline = Inline(self.settings.results_inline_bytes, "", held, self.storages.id_of(held))
        return self._inline._replace(key=key_of_run(record_id))

    @property
    def portal(self) -> "Portal":
        """Where coroutines run that are called from code that does not await."""
        from perdure._runners.loops import Portal

        with self._lock:
            if self._portal is None:
                self._portal = Portal()
            return self._portal

    def run_coroutine(self, function: Callable[..., Coroutine[object, object, object]], *args: object) -> Any:
        """Run a coroutine from code that does not await, and block until it has ended."""
        return self.portal.start(function, *args)()

    def task_runner_of(self, run: FlowRunContext) -> TaskRunner:
        """Where a flow run's submitted tasks run; made when the first one is submitted."""
        if run.task_runner is not None:
            return run.task_runner  # type: ignore[no-any-return]
        with self._lock:
            if run.task_runner is None:
                chosen = run.options.task_runner
                run.task_runner = _default_runner(self.settings) if chosen is None else chosen.duplicate()
            return run.task_runner  # type: ignore[no-any-return]

    def cancel_outstanding(self, run: FlowRunContext) -> None:
        """Cancel what the flow run has submitted and what has not begun."""
        run.stopping = True
        for stream in tuple(run.streams):
            stream.stop()
        if run.task_runner is not None and run.controller.request is not None:
            run.task_runner.interrupt()
        elif run.task_runner is not None:
            run.task_runner.cancel()
        for submitted in tuple(run.outstanding.values()):
            submitted.stop()


_NO_OPENTELEMETRY = (
    "PERDURE_OPENTELEMETRY is on, and the package opentelemetry-api is not installed. Install perdure[opentelemetry]."
)
_UNKEPT = (
    "The arguments of this run are not kept, since they cannot be pickled or take more than a MiB: if its process ends,"
    " nobody can resume it. Give the flow paths or ids instead of large values and connections."
)


def _default_runner(chosen: Settings) -> TaskRunner:
    """The task runner of a flow that names none; what runs in a worker has threads."""
    if chosen.task_runner == "sequential":
        return SequentialTaskRunner()
    if chosen.task_runner == "threads" or programs.is_worker():
        return ThreadTaskRunner()
    if chosen.task_runner == "dask":
        from perdure._runners.dask import DaskTaskRunner

        return DaskTaskRunner()
    if chosen.task_runner == "ray":
        from perdure._runners.ray import RayTaskRunner

        return RayTaskRunner()
    from perdure._runners.processes import ProcessTaskRunner  # few programs need it; the others start faster

    return ProcessTaskRunner()


_current: Session | None = None
_lock = threading.Lock()
_recording = threading.Lock()


def current() -> Session:
    """This process's session for the settings that hold; made at the first need."""
    session = _current
    if session is not None and session.settings is settings.current():
        return session
    return _open()


def _open() -> Session:
    global _current
    check_threads()
    with _lock:
        chosen = settings.current()
        if _current is not None:
            if _current.settings is chosen:
                return _current
            _current.close()
        orchestrator = _orchestrator(chosen)
        _current = Session(chosen, orchestrator)
        log_reporting.set_up(orchestrator.report)
        run = current_run.get()
        if run is not None and run.flow is not None:  # in a forked process, or after the settings were changed
            _current.own(run.flow.root)
        return _current


_READER_PATIENCE = 1.0  # seconds
_most_patience = math.inf


def be_impatient(only_reads: bool) -> None:
    """Say whether sessions that begin from now on only read: then they give up soon on a server that is away."""
    global _most_patience
    _most_patience = _READER_PATIENCE if only_reads else math.inf


def _orchestrator(chosen: Settings) -> Orchestrator:
    if chosen.api_url is not None:
        from perdure._store.remote.orchestrator import RemoteOrchestrator, folder_of  # imports httpx

        remote = RemoteOrchestrator(
            chosen.api_url,
            folder_of(chosen.home, chosen.api_url),
            token=None if chosen.api_token is None else chosen.api_token.reveal(),
            locally=chosen.checkpoint == "local",
            patience_seconds=min(chosen.server_patience_seconds, _most_patience),
            report_interval_seconds=chosen.report_interval_seconds,
            carried=_tracing().carried if chosen.opentelemetry else dict,
        )
        return cast("Orchestrator", remote)
    from perdure._store.embedded import EmbeddedOrchestrator  # imports sqlite3, which only what runs needs
    from perdure._store.sql.database_from_settings import database_of

    return EmbeddedOrchestrator(database_of(chosen), report_interval_seconds=chosen.report_interval_seconds)


def _tracing() -> ModuleType:
    try:
        from perdure._run import tracing
    except ImportError:
        raise SettingError(_NO_OPENTELEMETRY) from None
    return tracing


def use(session: Session | None) -> None:
    """Have this process use a session that was made by hand, as tests do, while its settings hold; None: none.

    The one before is left as it is.
    """
    global _current
    with _lock:
        _current = session
    if session is not None:
        log_reporting.set_up(session.report)


def record() -> "Recorder":
    """Have this process, a worker, keep what it would report, while its settings hold; gives what keeps it."""
    with _recording:
        chosen, before = settings.current(), _current
        if before is not None and before.settings is chosen and isinstance(before.orchestrator, recorders.Recorder):
            return before.orchestrator
        if before is not None:
            before.close()
        recorder = recorders.Recorder(lambda: _orchestrator(chosen))
        use(Session(chosen, cast("Orchestrator", recorder)))
        return recorder


def close() -> None:
    """End this process's session, with everything committed; the next need opens another."""
    global _current
    with _lock:
        session, _current = _current, None
    if session is not None:
        session.close()


def _forget() -> None:
    """In a forked child: the parent's threads, connections and locks are not ours."""
    global _current, _lock, _recording
    _current, _lock, _recording = None, threading.Lock(), threading.Lock()
    run = current_run.get()
    for flow in () if run is None or run.flow is None else tuple(run.flow.controller.flows):
        for future in tuple(flow.outstanding):
            future.leave_to_parent()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forget)


# After `_store.open_orchestrators` was imported, which closes orchestrators at exit: sessions are closed before that.
@atexit.register
def _close_at_exit() -> None:
    with suppress(OrchestratorError):  # the orchestrator itself says what could not be committed
        close()


set_orchestrator(lambda: current().orchestrator)
set_logger(log_reporting.run_log)
FoldPolicy.is_off = staticmethod(lambda: settings.current().logging_full_tracebacks)
FetchPolicy.fetch_in_async = staticmethod(lambda: settings.current().async_fetch_state_result)
PersistedResult.find_storage = staticmethod(lambda storage_id: current().storages.get(storage_id))


__all__ = ["Session", "be_impatient", "close", "current", "record", "use"]
