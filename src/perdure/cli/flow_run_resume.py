"""`perdure flow-run resume` and `perdure flow-run rerun`."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from perdure._engine.recovery.kept_values import accepting_unsigned
from perdure._engine.recovery.lost_runs import lost_runs
from perdure._engine.recovery.rerun_from_step import reuse_before
from perdure._engine.recovery.resumption import Resumable, resumable
from perdure._engine.recovery.start_record import arguments_of, note_origin, program_of
from perdure._execution.flows import Flow
from perdure._model.errors import PerdureError, ResumeError
from perdure._model.records import NOBODY, StartRecord
from perdure._model.state_types import ABANDONED, FINAL, StateType
from perdure._model.states import State
from perdure._rooms.runs.records import FlowRun, RunFilter
from perdure._session import session
from perdure._settings.settings import as_environment
from perdure.cli import completion, find
from perdure.cli.fetched_code import placed
from perdure.cli.groups import AsJson
from perdure.cli.load_flow import load_flow
from perdure.cli.output import Column, say, short_time, show, show_json, table
from perdure.cli.run import Document, Ended, Pairs, ended_by, given_parameters, shape_of, show_ended

_UNGUARDED = "But its program is only being loaded, to resume a run. Put the call under `if __name__ == '__main__':`."
T = TypeVar("T")
Which = Annotated[
    str,
    typer.Argument(
        metavar="RUN", autocompletion=completion.flow_runs, help="A flow run's id, a prefix of it, or its name."
    ),
]

TrustUnsigned = Annotated[
    bool, typer.Option("--trust-unsigned", help="Also runs that began before signing keys were set.")
]


def resume(
    which: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN", autocompletion=completion.flow_runs, help="A flow run's id, a prefix of it, or its name."
        ),
    ] = None,
    crashed: Annotated[
        bool, typer.Option("--crashed", help="All runs that crashed, or whose process is lost, oldest first.")
    ] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Also run failed steps again.")] = False,
    take_over: Annotated[
        bool,
        typer.Option("--take-over", help="Take the run over from a process that still runs it; that process stops."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --crashed: only list them.")] = False,
    trust_unsigned: TrustUnsigned = False,
    as_json: AsJson = False,
) -> None:
    """Resume a flow run that crashed, or whose process is lost: finished steps do not run again.

    Exit codes as of `perdure run`; with --crashed, the highest.
    """
    if (which is None) != crashed:
        raise typer.BadParameter("Name a flow run, or give --crashed.")
    if take_over and crashed:
        raise typer.BadParameter("It is for one run: name the run instead of --crashed.", param_hint="--take-over")
    if dry_run and not crashed:
        raise typer.BadParameter("It lists what --crashed would resume: give that, too.", param_hint="--dry-run")
    with accepting_unsigned() if trust_unsigned else contextlib.nullcontext():
        if which is not None:
            _resume_one(find.flow_run(which), retry_failed, as_json, take_over)
        _resume_all(retry_failed, dry_run, as_json, trust_unsigned)


def _resume_one(run: FlowRun, retry_failed: bool, as_json: bool, take_over: bool) -> NoReturn:
    hindrance = _hindrance(run) if take_over else None  # before its process loses it for nothing
    if hindrance is not None:
        raise ResumeError(hindrance)
    flow, end = resumed(run, retry_failed, as_json, take_over)
    if as_json:
        show_json(shape_of(flow, end))
    raise typer.Exit(end.exit_code)


def start(
    which: Which,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing of its end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Begin a run that waits for a worker, here and now. Exit codes as of `perdure run`."""
    found = waiting(find.flow_run(which))
    with _aside(quiet or as_json):
        flow = flow_at(code_of(found.run, found.start))
        end = begun(flow, found)
    if not (quiet or as_json):
        show_ended(flow.name, end)
    if as_json:
        show_json(shape_of(flow, end))
    raise typer.Exit(end.exit_code)


def waiting(run: FlowRun) -> Resumable:
    """A run that waits to be begun, with all that beginning it needs.

    Raises:
        ResumeError: it does not.
    """
    known = session.current()
    start = known.orchestrator.start(run.id)
    if start is None or start.process_id != NOBODY or run.state_type in FINAL:
        raise ResumeError(f"The flow run {run.name!r} does not wait to be begun: it is {run.state_name}.")
    return resumable(run.id, known, retry_failed=False)


def begun(flow: Flow[..., object], found: Resumable) -> Ended:
    """Begin a run that waits, and come to its end; nothing of that is printed."""
    return ended_by(flow, lambda watched: _state_of(watched, partial(watched._begin_waiting, found)))


def _resume_all(retry_failed: bool, dry_run: bool, as_json: bool, trust_unsigned: bool) -> None:
    runs = _crashed()
    if dry_run:
        _list(runs, as_json)
        return
    chosen = [*(["--retry-failed"] if retry_failed else []), *(["--trust-unsigned"] if trust_unsigned else [])]
    ended = [
        _resumed_apart(run, chosen, as_json) if _has_source(run) else _resumed_or_said(run, retry_failed, as_json)
        for run in runs
    ]
    if as_json:
        show_json([shape for shape, _ in ended])
    elif not runs:
        show("No flow run has crashed.")
    raise typer.Exit(max((exit_code for _, exit_code in ended), default=0))


def _resumed_or_said(run: FlowRun, retry_failed: bool, as_json: bool) -> tuple[dict[str, object], int]:
    """One of many: if it cannot be resumed, that is printed, and the others are resumed."""
    try:
        flow, end = resumed(run, retry_failed, as_json)
    except (PerdureError, typer.BadParameter) as error:
        say(f"{run.name} cannot be resumed. {error}", "Error")
        return {"id": run.id, "name": run.name, "flow_name": run.flow_name, "error": str(error)}, 1
    return shape_of(flow, end), end.exit_code


def _has_source(run: FlowRun) -> bool:
    start = session.current().orchestrator.start(run.id)
    return start is not None and "source" in json.loads(start.entry_point or "{}")


def _resumed_apart(run: FlowRun, chosen: list[str], as_json: bool) -> tuple[dict[str, object], int]:
    """One of many whose code comes from somewhere else: in a process of its own, since another's modules may have the
    same names in another version."""
    command = [sys.executable, "-m", "perdure", "flow-run", "resume", run.id, *chosen, *(["--json"] if as_json else [])]
    given = {name: value for name, value in {**os.environ, **as_environment()}.items() if value is not None}
    done = subprocess.run(command, env=given, stdout=subprocess.PIPE if as_json else None, text=True, check=False)
    try:
        shape: dict[str, object] = json.loads(done.stdout or "")
    except ValueError:
        error = f"Its process ended with the exit code {done.returncode}."
        shape = {"id": run.id, "name": run.name, "flow_name": run.flow_name, "error": error}
    return shape, abs(done.returncode)


def rerun(
    which: Which,
    from_step: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="STEP",
            help="Reuse what the run had finished before a run that it called: its id, a prefix of it, or its name.",
        ),
    ] = None,
    pairs: Pairs = [],  # noqa: B006 - typer copies it
    document: Document = None,
    trust_unsigned: TrustUnsigned = False,
    as_json: AsJson = False,
) -> None:
    """Run a flow again, from the start or from one of its steps, with the arguments of an earlier run, or others.

    Exit codes as of `perdure run`.
    """
    with accepting_unsigned() if trust_unsigned else contextlib.nullcontext():
        _rerun(find.flow_run(which), from_step, pairs, document, as_json)


def _rerun(run: FlowRun, from_step: str | None, pairs: list[str], document: str | None, as_json: bool) -> None:
    if from_step is not None:  # before its program is loaded, and does who knows what
        reuse_before(run, from_step, session.current())
    with _aside(as_json):
        flow = _flow_of(run, _start(run))
        parameters = given_parameters(flow, pairs, document)
        ended = ended_by(flow, lambda watched: _call_again(watched, run, from_step, parameters))
    if as_json:
        show_json(shape_of(flow, ended))
    else:
        show_ended(flow.name, ended)
    raise typer.Exit(ended.exit_code)


def _crashed() -> list[FlowRun]:
    known = session.current()
    ended = known.orchestrator.flow_runs(RunFilter(states=(StateType.CRASHED,)))
    roots = [run for run in ended if run.parent_flow_run_id is None and known.orchestrator.start(run.id) is not None]
    found = {run.id: run for run in (*lost_runs(known), *roots)}
    return [found[id] for id in sorted(found) if found[id].state_name != ABANDONED]


def _list(runs: list[FlowRun], as_json: bool) -> None:
    """What would be resumed, and what cannot be, from here."""
    reasons = {run.id: _hindrance(run) for run in runs}
    if as_json:
        shapes: list[dict[str, str]] = [{"id": run.id, "name": run.name, "flow_name": run.flow_name} for run in runs]
        show_json([{**shape, "error": reasons[shape["id"]]} for shape in shapes])
    elif not runs:
        show("No flow run has crashed.")
    else:
        columns = [Column("flow"), Column("name"), Column("began", whole=True), Column("id", whole=True, style="dim")]
        rows = [(run.flow_name, run.name, short_time(run.started or run.created), run.id) for run in runs]
        show(table(columns, rows))
    for run in runs:
        if reasons[run.id] is not None and not as_json:
            say(f"{run.name} could not be resumed. {reasons[run.id]}")


def _hindrance(run: FlowRun) -> str | None:
    """Why a run cannot be resumed, as far as that is known before its program is loaded."""
    try:
        start = _start(run)
        code_of(run, start)
        arguments_of(start, run)
    except PerdureError as error:
        return str(error)
    return None


def resumed(
    run: FlowRun, retry_failed: bool, as_json: bool, take_over: bool = False
) -> tuple[Flow[..., object], Ended]:
    # Before its program is loaded, and does who knows what.
    resumable(run.id, session.current(), retry_failed, take_over=take_over)
    with _aside(as_json):
        flow = _flow_of(run, _start(run))
        ended = ended_by(flow, lambda watched: _call(watched, run, retry_failed))
    if not as_json:
        show_ended(flow.name, ended)
    return flow, ended


def _call_again(
    flow: Flow[..., object], run: FlowRun, from_step: str | None, parameters: dict[str, object]
) -> State[object]:
    call = partial(flow.rerun, run.id, from_step=from_step, parameters=parameters, return_state=True)
    return _state_of(flow, call)


def _call(flow: Flow[..., object], run: FlowRun, retry_failed: bool) -> State[object]:
    return _state_of(flow, partial(flow.resume, run.id, retry_failed=retry_failed, return_state=True))


def _state_of(flow: Flow[..., object], call: Callable[[], Any]) -> State[object]:
    """The final state of a call of a flow, whatever its colour."""
    state: State[object] = _awaited(call) if flow.options.is_async else call()
    return state


def _awaited(call: Callable[[], Awaitable[T]]) -> T:
    import asyncio

    async def awaited() -> T:
        return await call()

    return asyncio.run(awaited())


def _start(run: FlowRun) -> StartRecord:
    start = session.current().orchestrator.start(run.id)
    if start is None:
        raise ResumeError(f"How the flow run {run.name!r} was started is not recorded. Call its flow again.")
    return start


def _flow_of(run: FlowRun, start: StartRecord) -> Flow[..., object]:
    """The flow of a run, from the program that it was in."""
    return flow_at(code_of(run, start))


def flow_at(entry: Mapping[str, str]) -> Flow[..., object]:
    """The flow that an entry point names; the process is in its directory then."""
    there = placed(entry)
    if Path(there["directory"]).is_dir():
        os.chdir(there["directory"])
    flow = load_flow(there["target"], _UNGUARDED)
    if "source" in entry:
        note_origin(flow.options, entry)
    return flow


def code_of(run: FlowRun, start: StartRecord) -> dict[str, str]:
    """Where the flow is found: its program, and the directory from which that can be imported."""
    entry = program_of(start, run)
    if entry is None:
        raise ResumeError(
            f"The flow {run.flow_name!r} is defined inside a function, where no other process finds it."
            f" Call its .resume({run.id!r}) in Python, or define it at the top level of a module."
        )
    return entry


@contextlib.contextmanager
def _aside(as_json: bool) -> Iterator[None]:
    """With --json, what the program prints must not get into the document."""
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        yield
