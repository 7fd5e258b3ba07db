"""The value of a run, for a process that did not run it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from perdure._model.errors import ResultMissing, ResultNotKept, RunMissing
from perdure._model.records import BlockRecord, Record, ResultRecord, StateRecord
from perdure._model.state_types import UNSUCCESSFUL, StateType
from perdure._model.states import State
from perdure._platform import providers
from perdure._platform.clock import Micros, to_datetime
from perdure._platform.ids import is_id
from perdure._platform.threads import in_thread
from perdure._results.store import result_from_record
from perdure._results.type_names import type_name
from perdure._results.types import BaseResult, PersistedResult
from perdure._rooms.results.records import ResultFilter
from perdure._rooms.runs.records import FlowRun, RunFilter, TaskRun
from perdure._rooms.runs.runs_by_name import KnownRuns, flow_runs_called, task_runs_called

if TYPE_CHECKING:
    from uuid import UUID  # which takes a while to import

# What `aggregate` says of a flow whose state is made of its children's; such a flow carries their states.
_AGGREGATED = re.compile(
    r"All states completed\.|\d+/\d+ states (?:failed|cancelled|cancelled or failed|are not final)\."
)


_PAGE = 2_000  # results that are asked for at once: their previews may take 28 KiB each
RunLike: TypeAlias = "str | UUID | State[object]"  # a run's id, its name, or a state that it came to


class Known(KnownRuns, Protocol):
    """Finds runs and their results: every orchestrator is one."""

    def states(self, run_id: str) -> Sequence[StateRecord]:
        """All the states of a run, oldest first."""

    def results(self, filter: ResultFilter) -> Sequence[ResultRecord]:
        """Records of results, newest first."""

    def find_cached(self, key: str, now: Micros) -> ResultRecord | None:
        """The result that a cache key stands for, unless it has expired."""

    def block(self, id: str) -> BlockRecord | None:
        """A block by its id."""

    def report(self, records: Iterable[Record]) -> None:
        """Take the records and return at once; they are committed soon, in order."""

    def commit(self, records: Iterable[Record]) -> None:
        """Take the records and return when they, and all reported before them, are committed."""


def get_result(
    run: RunLike,
    raise_on_failure: bool = True,
    *,
    columns: Sequence[str] | None = None,
    rows: slice | None = None,
) -> Any:
    """The value of a flow run or task run, in any process that uses the same database.

    The run is given by its id, its state, its name or `FLOW-RUN/NAME`; of several with a name it is the newest. A
    failed, crashed or cancelled run raises its exception, or returns it with `raise_on_failure=False`. A
    flow whose state is made of its tasks' and subflows' states gives the list of them, in the order of the calls.

    Of a table or array that was written as "arrow", "parquet" or "numpy", `columns` and `rows` choose a part, and
    only that part is read.

    Raises:
        RunMissing: there is no such run.
        UnfinishedRun: the run has not ended.
        ResultNotKept: the run completed, but its value was not persisted.
        FailedRun, CrashedRun, CancelledRun: the run's exception was not persisted; says what its record has.
        ResultMissing: the value was persisted, and has been removed; says when.
        ResultError: the value was persisted, and cannot be had, or has no such part.
    """
    known = known_runs()
    found = _run_like(known, run)
    state, record = _state_and_record(known, found)
    if state.data is None and state.type is StateType.COMPLETED:
        raise ResultNotKept(_not_kept(found, record))
    if (columns is None and rows is None) or state.type is not StateType.COMPLETED:
        return state.fetch(raise_on_failure)
    if not isinstance(state.data, PersistedResult):
        raise ResultNotKept(f"{_not_in_storage(found, record)} Get the whole value, without columns= and rows=.")
    return state.data.load(columns=columns, rows=rows)


def state_of_run(run: FlowRun | TaskRun) -> State[object]:
    """The state of a run, with its result if that was kept.

    Raises:
        ResultMissing: it was, and has been removed; says when.
    """
    return _state_and_record(known_runs(), run)[0]


def _state_and_record(known: Known, run: FlowRun | TaskRun) -> tuple[State[object], ResultRecord | None]:
    record = _record(known, run)
    state = _state(run, record)
    if isinstance(run, FlowRun) and record is not None and record.kind == "unpersisted":
        state.data = _carried(known, run, record)
    return state, record


async def aget_result(
    run: RunLike,
    raise_on_failure: bool = True,
    *,
    columns: Sequence[str] | None = None,
    rows: slice | None = None,
) -> Any:
    """`get_result`, awaited."""
    return await in_thread(get_result, run, raise_on_failure, columns=columns, rows=rows)


def find_result(run: RunLike) -> BaseResult[Any]:
    """The handle on what a run came to, a value or an exception; nothing is loaded.

    That is a `PersistedResult`, whose `get()` loads the value or a part of it, `open()` streams it and `location` says
    where it lies; a `LiteralResult`; or an `UnpersistedResult`, which knows the type of a value that was not kept. The
    run is given as to `get_result`.

    Raises:
        RunMissing: there is no such run.
        ResultNotKept: the run has no result, since it has not ended.
        ResultMissing: the value was persisted, and has been removed; says when.
    """
    known = known_runs()
    found = _run_like(known, run)
    record = _record(known, found)
    if record is None:
        raise _no_result(found)
    return result_from_record(record)


async def afind_result(run: RunLike) -> BaseResult[Any]:
    """`find_result`, awaited."""
    return await in_thread(find_result, run)


def persisted_record(run_id: "str | UUID") -> ResultRecord:
    """The record of a run's result, which is in a storage.

    Raises:
        RunMissing: no run has the id.
        ResultNotKept: the run has no result, or one that is in no storage.
        ResultMissing: it has been removed; says when.
    """
    known = known_runs()
    run = find_run(known, str(run_id))
    record = _record(known, run)
    if record is None:
        raise _no_result(run)
    if record.kind != "persisted":
        raise ResultNotKept(f"{_not_in_storage(run, record)} Only persisted ones do.")
    return record


def kept_records(known: Known, wanted: ResultFilter | None = None) -> Iterator[ResultRecord]:
    """All that are to be in storages and that the filter lets through, newest first; asked for a page at a time."""
    page_of = (wanted or ResultFilter())._replace(kinds=("persisted",), doomed=False, removed=False, limit=_PAGE)
    last: str | None = None
    while True:
        page = known.results(page_of._replace(older_than=last))
        yield from page
        if len(page) < _PAGE:
            return
        last = page[-1].run_id


def _record(known: Known, run: FlowRun | TaskRun) -> ResultRecord | None:
    """The record of a run's result, if there is one.

    Raises:
        ResultMissing: it has been removed.
    """
    record = next(iter(known.results(ResultFilter(run_ids=(run.id,)))), None)
    if record is not None and record.removed is not None:
        raise ResultMissing(_removed(record, record.removed))
    return record


def _no_result(run: FlowRun | TaskRun) -> ResultNotKept:
    return ResultNotKept(f"The run {run.name!r} is {run.state_name} and has no result. Wait until it has ended.")


def _not_in_storage(run: FlowRun | TaskRun, record: ResultRecord | None) -> str:
    kind = "unpersisted" if record is None else record.kind
    return f"The result of the run {run.name!r} is {kind}: it is in no storage."


def _removed(record: ResultRecord, removed: Micros) -> str:
    return (
        f"The result of the run {record.run_id}, a {record.type.removeprefix('builtins.')}, was removed from its"
        f" storage on {to_datetime(removed).astimezone():%Y-%m-%d at %H:%M:%S}. Run it again."
    )


def known_runs() -> Known:
    """What this process knows of runs.

    Raises:
        RunMissing: nothing says where that is kept.
    """
    known: Known | None = providers.orchestrator()  # the session's orchestrator
    if known is None:
        raise RunMissing("No database is open. Run `import perdure` first.")
    return known


def _run_like(known: Known, run: RunLike) -> FlowRun | TaskRun:
    """The run that a user means.

    Raises:
        RunMissing: there is none.
    """
    if isinstance(run, State):
        if run.run_id is None:
            raise RunMissing(
                f"{run!r} was made by hand: it is not a state of a run. Give a run's own state, or its id."
            )
        return find_run(known, run.run_id)
    text = str(run)
    if is_id(text):
        return find_run(known, text)
    found: list[FlowRun | TaskRun] = [*flow_runs_called(text, known).runs[:1], *task_runs_called(text, known).runs[:1]]
    if not found:
        raise RunMissing(
            f"There is no run {text!r}. Give its id, its name, or FLOW-RUN/NAME, and use the PERDURE_HOME with which it"
            " ran; `perdure flow-run ls` and `perdure task-run ls` list the runs."
        )
    return max(found, key=lambda each: each.id)


def find_run(known: Known, id: str) -> FlowRun | TaskRun:
    """The run with an id.

    Raises:
        RunMissing: there is none.
    """
    if is_id(id):
        wanted = RunFilter(ids=(id.lower(),))
        found = next(iter(known.flow_runs(wanted)), None) or next(iter(known.task_runs(wanted)), None)
        if found is not None:
            return found
        raise RunMissing(
            f"No run has the id {id}. Use the PERDURE_HOME with which it ran; `perdure flow-run ls` lists the runs."
        )
    raise RunMissing(
        f"{id!r} is not a run's id, which is a UUID such as state.run_id. `perdure flow-run ls --json` lists all ids."
    )


def _state(run: FlowRun | TaskRun, record: ResultRecord | None) -> State[object]:
    """The run's state, with its result if that can be had from here."""
    kept = record is not None and record.kind != "unpersisted"
    data = result_from_record(record) if record is not None and kept else None
    ids = (None, run.id) if isinstance(run, FlowRun) else (run.id, run.flow_run_id)
    task_run_id, flow_run_id = ids
    kind = StateType.PENDING if run.state_type is None else run.state_type
    return State(kind, run.state_name, run.state_message, data, run.state_time, flow_run_id, task_run_id)


def _carried(known: Known, run: FlowRun, record: ResultRecord) -> object:
    """The states that a flow run's own state was made of; None if it was not."""
    if not _AGGREGATED.fullmatch(run.state_message or ""):
        return None
    children = _children(known, run)
    if record.type == type_name(children):
        total = re.match(r"\d+/(\d+)", run.state_message or "")
        return children if children and (total is None or int(total[1]) == len(children)) else None
    return children[0] if len(children) == 1 and record.type == type_name(children[0]) else None


def _children(known: Known, run: FlowRun) -> list[State[object]]:
    """The states of what the run's last attempt called directly, in the order of the calls."""
    below = RunFilter(flow_run_ids=(run.id,))
    called = [each for each in known.task_runs(below) if each.parent_task_run_id is None]
    subflows = [each for each in known.flow_runs(below) if each.parent_task_run_id is None]
    records = {each.run_id: each for each in known.results(ResultFilter(flow_run_ids=(run.id,)))}
    if subflows:
        of_subflows = ResultFilter(run_ids=tuple(each.id for each in subflows))
        records |= {each.run_id: each for each in known.results(of_subflows)}
    runs: list[FlowRun | TaskRun] = [*called, *subflows]
    if run.run_count > 1:
        began = max(each.time for each in known.states(run.id) if each.type is StateType.RUNNING)
        runs = [each for each in runs if each.created >= began or _is_reused(each, records.get(each.id))]
    in_order = sorted(runs, key=lambda each: (each.created, each.id))
    return [_state(each, records.get(each.id)) for each in _newest_of_steps(in_order, records)]


def _newest_of_steps(runs: list[FlowRun | TaskRun], records: Mapping[str, ResultRecord]) -> list[FlowRun | TaskRun]:
    """The runs without those that a later run took over when the flow run was resumed after a crash."""

    def step_of(run: FlowRun | TaskRun) -> str:
        record = records.get(run.id)
        return run.id if record is None or record.step is None else record.step

    newest = {step_of(run): run.id for run in runs}
    return [run for run in runs if newest[step_of(run)] == run.id]


def _is_reused(run: FlowRun | TaskRun, record: ResultRecord | None) -> bool:
    """Whether a retry of the flow took over what this run came to in an earlier attempt."""
    return run.state_type not in UNSUCCESSFUL and record is not None and record.kind != "unpersisted"


def _not_kept(run: FlowRun | TaskRun, record: ResultRecord | None) -> str:
    kind = "flow" if isinstance(run, FlowRun) else "task"
    value = "value" if record is None else record.type.removeprefix("builtins.")
    return (
        f"The {value} that {kind} run {run.name!r} returned was not persisted, and was lost with its process. Set"
        f" persist_result=True on the {kind}, or PERDURE_RESULTS_PERSIST_BY_DEFAULT=true, and run it again."
    )
