"""`perdure logs`: what runs logged, and what they log now."""

import logging
import re
import sys
import time
from typing import Annotated

import typer

from perdure._model.errors import PerdureError
from perdure._model.state_types import FINAL
from perdure._rooms.logs.records import LogFilter, LogLine
from perdure._store.protocol import Orchestrator
from perdure.cli import completion, find
from perdure.cli.groups import MOST, new_group, time_since
from perdure.cli.json_shapes import log_shape
from perdure.cli.log_lines import Follower, Names, family, line_text
from perdure.cli.output import json_text, note, show

app = new_group()
_INTERVAL = 0.25  # seconds between two looks for new lines
_PAGE = 1_000  # lines that are looked through at once
_INTERRUPTED = 130
_LEVELS = ("debug", "info", "warning", "error", "critical")


class _Wanted:
    """Which lines are shown."""

    def __init__(self, filter: LogFilter, root: str | None, pattern: re.Pattern[str] | None) -> None:
        self._filter = filter
        self.root = root
        self.pattern = pattern

    def filter(self, orchestrator: Orchestrator) -> LogFilter:
        """The filter as it is now: a flow run may have called more subflows."""
        return (
            self._filter if self.root is None else self._filter._replace(flow_run_ids=family([self.root], orchestrator))
        )

    def of(self, lines: list[LogLine]) -> list[LogLine]:
        """The lines with what is searched for."""
        return [line for line in lines if self.pattern is None or self.pattern.search(line.message)]


@app.command()
def logs(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep printing new lines.")] = False,
    flow_run: Annotated[
        str | None,
        typer.Option(
            "--flow-run",
            metavar="RUN",
            autocompletion=completion.flow_runs,
            help="Only lines of this flow run and all runs below it.",
        ),
    ] = None,
    task_run: Annotated[
        str | None,
        typer.Option("--task-run", metavar="RUN", autocompletion=completion.task_runs, help="Only lines of it."),
    ] = None,
    flow: Annotated[
        str | None,
        typer.Option("--flow", metavar="NAME", autocompletion=completion.flows, help="Only of this flow's runs."),
    ] = None,
    level: Annotated[str | None, typer.Option("--level", help="Only of this level and above, such as WARNING.")] = None,
    grep: Annotated[
        str | None, typer.Option("--grep", metavar="REGEX", help="Only lines that match this regular expression.")
    ] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="AGE", help="Not older, such as 10m.")] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", metavar="N", min=0, max=MOST, help="The number of lines, the newest.")
    ] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line, for programs.")] = False,
) -> None:
    """Print log lines of runs, oldest first. With --follow and --flow-run it ends with the run."""
    orchestrator = find.orchestrator()
    root = None if flow_run is None else find.flow_run(flow_run).id
    narrow = LogFilter(
        task_run_ids=() if task_run is None else (find.task_run(task_run).id,),
        flow=flow,
        min_level=None if level is None else _level(level),
        since=time_since(since),
    )
    wanted = _Wanted(narrow, root, _pattern(grep))
    printer = _Printer(orchestrator, is_whole=root is None and task_run is None, as_json=as_json)
    follower = Follower(orchestrator)
    first = _newest(orchestrator, wanted, limit)
    follower.note(first)
    printer.print(first)
    if follow:
        try:
            _follow(orchestrator, wanted, follower, printer)
        except KeyboardInterrupt:
            raise typer.Exit(_INTERRUPTED) from None
    elif not first and not as_json:
        show("No line matches." if (root, task_run, flow, level, grep, since) != (None,) * 6 else "Nothing is logged.")
        show(note("`get_run_logger()` returns the run's logger; logging_level is the lowest level that is stored."))


def _newest(orchestrator: Orchestrator, wanted: _Wanted, limit: int) -> list[LogLine]:
    """The newest lines that are wanted, oldest first."""
    filter, found = wanted.filter(orchestrator), list[LogLine]()
    before: int | None = None
    while len(found) < limit:
        page = list(orchestrator.log_lines(filter._replace(before=before, limit=_PAGE)))
        found += wanted.of(page)
        if len(page) < _PAGE:
            break
        before = page[-1].id
    return sorted(found[:limit], key=lambda line: (line.time, line.id))


def _follow(orchestrator: Orchestrator, wanted: _Wanted, follower: Follower, printer: "_Printer") -> None:
    has_ended = False
    while True:
        printer.print(wanted.of(follower.take(wanted.filter(orchestrator))))
        if has_ended:
            return
        time.sleep(_INTERVAL)
        # Looked at before the lines are: what a run logs comes before its end.
        has_ended = wanted.root is not None and find.flow_run(wanted.root).state_type in FINAL


class _Printer:
    """Prints lines as they come."""

    def __init__(self, orchestrator: Orchestrator, is_whole: bool, as_json: bool) -> None:
        self._names = Names(orchestrator)
        self._is_whole = is_whole
        self._as_json = as_json

    def print(self, lines: list[LogLine]) -> None:
        """Print some, and have them seen at once."""
        if not lines:
            return
        if self._as_json:
            sys.stdout.writelines(json_text(log_shape(line)) + "\n" for line in lines)
        else:
            self._names.learn(lines)
            show(*(line_text(line, self._names.of(line, self._is_whole)) for line in lines))
        sys.stdout.flush()


def _level(text: str) -> int:
    if text.isdigit():
        return int(text)
    if text.lower() not in _LEVELS:
        raise PerdureError(f"--level {text!r} is no level. Give one of {', '.join(_LEVELS)}, or a number.")
    return int(logging.getLevelNamesMapping()[text.upper()])


def _pattern(text: str | None) -> re.Pattern[str] | None:
    try:
        return None if text is None else re.compile(text)
    except re.error as error:
        raise PerdureError(f"--grep {text!r} is no regular expression: {error}.") from None
