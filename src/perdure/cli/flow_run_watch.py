"""`perdure flow-run watch`: a run while it executes, redrawn on a terminal, line by line elsewhere."""

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from perdure._engine.recovery.lost_runs import lost_among
from perdure._model.records import ArtifactRecord
from perdure._model.state_types import FINAL, UNSUCCESSFUL, StateType
from perdure._platform.clock import Micros
from perdure._platform.named import NamedTuple
from perdure._rooms.artifacts.records import ArtifactFilter
from perdure._rooms.logs.records import LogFilter, LogLine
from perdure._rooms.runs.records import FlowRun, TaskRun
from perdure._session import session
from perdure._store.protocol import Orchestrator
from perdure.cli import completion, find
from perdure.cli.json_shapes import Shape, duration_of, log_shape, run_shape
from perdure.cli.log_lines import Follower, Names, family, line_text
from perdure.cli.output import (
    Column,
    clock_time,
    console,
    count_text,
    duration_text,
    json_text,
    lost_text,
    note,
    one_line,
    plural,
    show,
    state_text,
    table,
)
from perdure.cli.run import EXIT_CODES, INTERRUPTED
from perdure.cli.tree import Below, gather

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

_INTERVAL = 0.3  # seconds between two looks, or ten times what one takes
_LINES = 8  # of the log, at most
_PROGRESSES = 6
_LOST_LOOKS = 10  # looks at a run until it is looked after whether its process lives
_LOST_CODE = EXIT_CODES[StateType.CRASHED]

Run = FlowRun | TaskRun


class _Look(NamedTuple):
    """A run as it is at one time."""

    run: FlowRun
    below: Below
    progresses: Sequence[ArtifactRecord]
    lines: Sequence[LogLine]  # that are new
    is_lost: bool

    @property
    def is_last(self) -> bool:
        """Whether the run has ended."""
        return self.is_lost or self.run.state_type in (*FINAL, StateType.PAUSED)


def watch(
    which: Annotated[
        str,
        typer.Argument(
            metavar="RUN", autocompletion=completion.flow_runs, help="A flow run's id, a prefix of it, or its name."
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each change.")] = False,
) -> None:
    """Show a flow run while it executes, until it has ended; the exit code is that of `perdure run`."""
    orchestrator = find.orchestrator()
    watched = _Watched(find.flow_run(which).id, orchestrator)
    shown: _Live | _Lines = (
        _Live(orchestrator) if console().is_terminal and not as_json else _Lines(orchestrator, as_json)
    )
    try:
        with shown:
            look = watched.look()
            shown.take(look)
            while not look.is_last:
                began = time.monotonic()
                look = watched.look()
                shown.take(look)
                time.sleep(0 if look.is_last else max(_INTERVAL, 10 * (time.monotonic() - began)))
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    if look.is_lost and not as_json:
        show(note(f"Its process is lost. `perdure flow-run resume {look.run.id}` resumes it."))
    raise typer.Exit(_LOST_CODE if look.is_lost else EXIT_CODES[look.run.state_type or StateType.CRASHED])


class _Watched:
    """What is read from the orchestrator at each poll."""

    def __init__(self, id: str, orchestrator: Orchestrator) -> None:
        self._id = id
        self._known = orchestrator
        self._follower = Follower(orchestrator)
        self._looks = 0

    def look(self) -> _Look:
        """The run, all runs below it, and what it logged since the last poll."""
        run = find.flow_run(self._id)  # first: what comes before its end is in what is asked for after
        below = gather(run, self._known)
        ids = (run.id, *(each.id for each in below.flow_runs))
        progresses = self._known.artifacts(ArtifactFilter(kinds=("progress",), flow_run_ids=ids, limit=_PROGRESSES))
        if self._looks:
            lines: Sequence[LogLine] = self._follower.take(LogFilter(flow_run_ids=ids))
        else:
            lines = self._known.log_lines(LogFilter(flow_run_ids=family([run.id], self._known), limit=_LINES))[::-1]
            self._follower.note(lines)
        is_lost = self._looks % _LOST_LOOKS == 0 and bool(lost_among([run], session.current()))
        self._looks += 1
        return _Look(run, below, progresses[::-1], lines, is_lost)


class _Lines:
    """A line for each change, for files and pipes; with `as_json`, an object."""

    def __init__(self, orchestrator: Orchestrator, as_json: bool) -> None:
        self._names = Names(orchestrator)
        self._as_json = as_json
        self._states: dict[str, tuple[object, object]] = {}

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is to be put back."""

    def take(self, look: _Look) -> None:
        """Print what is new."""
        changes: list[tuple[Micros, Run | LogLine]] = [(line.time, line) for line in look.lines]
        runs: list[Run] = [*look.below.flow_runs, *look.below.task_runs, look.run]
        for run in runs:
            state = (run.state_name, run.state_time)
            if self._states.get(run.id) != state:
                self._states[run.id] = state
                changes.append((run.state_time or run.created, run))
        changes.sort(key=lambda change: change[0])
        self._names.learn(look.lines)
        for _, each in changes:
            if self._as_json:
                sys.stdout.write(json_text(_change_shape(each)) + "\n")
            elif isinstance(each, LogLine):
                show(line_text(each, self._names.of(each, whole=False)))
            else:
                show(_change_text(each, look.is_lost and each is look.run))
        sys.stdout.flush()


def _change_shape(change: Run | LogLine) -> Shape:
    if isinstance(change, LogLine):
        return {"log": log_shape(change)}
    return {"flow_run" if isinstance(change, FlowRun) else "task_run": run_shape(change)}


def _change_text(run: Run, is_lost: bool) -> "Text":
    from rich.text import Text

    text = Text(clock_time(run.state_time or run.created), style="dim")
    state = lost_text(run.state_name) if is_lost else state_text(run.state_type, run.state_name)
    text.append("  ").append_text(Text.assemble((state.plain.ljust(10), f"not dim {state.style}")))
    text.append(f"  {_name(run)}", style="not dim bold")
    if run.state_type in FINAL:
        text.append(f"  {duration_text(duration_of(run))}")
    if run.state_message and run.state_type in UNSUCCESSFUL:
        text.append(f"  {_message(run.state_message)}", style="not dim")
    return text


class _Live:
    """One picture, redrawn at each poll; the last one stays."""

    def __init__(self, orchestrator: Orchestrator) -> None:
        from rich.live import Live

        self._console = console()
        self._live = Live(console=self._console, auto_refresh=False, vertical_overflow="crop")
        self._names = Names(orchestrator)
        self._lines: list[Text] = []

    def __enter__(self) -> "_Live":
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.__exit__(None, None, None)

    def take(self, look: _Look) -> None:
        """Draw what is known now."""
        self._names.learn(look.lines)
        self._lines += [line_text(line, self._names.of(line, whole=False)) for line in look.lines]
        self._lines = self._lines[-_LINES:]
        self._live.update(
            picture(look.run, look.below, look.progresses, self._lines, self._console.height, look.is_lost)
        )
        self._live.refresh()


def picture(
    run: FlowRun,
    below: Below,
    progresses: Sequence[ArtifactRecord],
    lines: "Sequence[Text]",
    height: int,
    is_lost: bool = False,
) -> "RenderableType":
    """A run as one picture of at most so many lines: its state, its tasks, what runs, its progress, its last lines."""
    from rich.console import Group

    parts: list[RenderableType] = [_heading(run, is_lost)]
    room = height - 3 - len(progresses) - (len(lines) and len(lines) + 1)
    runs: list[Run] = [*below.flow_runs, *below.task_runs]
    if runs:
        groups = _groups(runs)
        parts += [_done(runs), "", _tasks(groups[: max(room - 4, 3)])]
        room -= min(len(groups), max(room - 4, 3)) + 4
        parts += _notable(runs, max(min(room, 10), 3))
    parts += [_progress(each) for each in progresses]
    if lines:
        parts += ["", *(_cut(line) for line in lines)]
    if run.state_type in FINAL and run.state_message and run.state_type in UNSUCCESSFUL:
        parts += ["", _message(run.state_message)]
    return Group(*parts)


def _heading(run: FlowRun, is_lost: bool) -> "Text":
    text = lost_text(run.state_name) if is_lost else state_text(run.state_type, run.state_name)
    text.append(f"  {one_line(run.flow_name)}", style="bold default")
    text.append(f"  {one_line(run.name)}", style="default not bold")
    text.append(f"  {duration_text(duration_of(run))}", style="dim default not bold")
    return text


def _done(runs: Sequence[Run]) -> "RenderableType":
    done = sum(run.state_type in FINAL for run in runs)
    return _bar(
        done,
        len(runs),
        f"{done:,} of {plural(len(runs), 'run')}",
        is_wrong=any(r.state_type in UNSUCCESSFUL for r in runs),
    )


def _progress(artifact: ArtifactRecord) -> "RenderableType":
    percent = json.loads(artifact.data)["percent"]
    return _bar(percent, 100, f"{percent:3.0f}%  {one_line(artifact.description or artifact.key or 'progress')}")


def _bar(done: float, total: float, text: str, is_wrong: bool = False) -> "RenderableType":
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    row = Table.grid(padding=(0, 2, 0, 0))
    row.add_row(ProgressBar(total, done, width=32, complete_style="red" if is_wrong else "blue"), text)
    return row


def _groups(runs: Sequence[Run]) -> list[tuple[str, bool, list[Run]]]:
    """The runs by what they are runs of, in the order in which that came up: a name, whether it is a flow, runs."""
    groups: dict[tuple[str, bool], list[Run]] = {}
    for run in sorted(runs, key=lambda each: each.id):
        is_flow = isinstance(run, FlowRun)
        groups.setdefault((run.flow_name if isinstance(run, FlowRun) else run.task_name, is_flow), []).append(run)
    return [(name, is_flow, held) for (name, is_flow), held in groups.items()]


def _tasks(groups: Sequence[tuple[str, bool, list[Run]]]) -> "Table":
    from rich.text import Text

    rows = []
    for name, is_flow, runs in groups:
        counts = Counter(run.state_type for run in runs)
        states = [count_text(type, count) for type, count in sorted(counts.items(), key=lambda each: str(each[0]))]
        took = [duration_of(run) or 0 for run in runs if run.ended is not None and run.started is not None]
        mean = duration_text(sum(took) // len(took)) if took else ""
        rows.append(
            (Text(one_line(name), style="bold" if is_flow else "", no_wrap=True), Text("  ").join(states), mean)
        )
    return table([Column("task"), Column("runs"), Column("took, mean", whole=True, right=True)], rows)


def _notable(runs: Sequence[Run], room: int) -> "list[RenderableType]":
    """What goes wrong, and what runs: the last that failed, then those that run for longest."""
    wrong = [run for run in runs if run.state_type in UNSUCCESSFUL][-(room // 2) :]
    running = [run for run in runs if run.state_type == StateType.RUNNING][: room - len(wrong)]
    lines: list[RenderableType] = [_cut(_run_text(run)) for run in [*wrong, *running]]
    return ["", *lines, ""] if lines else [""]


def _run_text(run: Run) -> "Text":
    text = state_text(run.state_type, run.state_name)
    text.append(f"  {_name(run)}", style="default not bold")
    text.append(f"  {duration_text(duration_of(run))}", style="dim default not bold")
    if run.run_count > 1:
        text.append(f"  {run.run_count} attempts", style="dim default not bold")
    if run.state_type in UNSUCCESSFUL and run.state_message:
        text.append(f"  {_message(run.state_message)}", style="default not bold")
    return text


def _message(text: str) -> str:
    """A state's message in one line, without what its state says already."""
    return _SAID.sub("", one_line(text))


_SAID = re.compile(r"^(Task|Flow) run encountered an exception\.? ")


def _name(run: Run) -> str:
    return f"{one_line(run.flow_name)} {one_line(run.name)}" if isinstance(run, FlowRun) else one_line(run.name)


def _cut(text: "Text") -> "Text":
    """One row of the picture: the text's first line, cut where the terminal ends."""
    first = text.split("\n")[0]
    first.no_wrap, first.overflow = True, "ellipsis"
    return first
