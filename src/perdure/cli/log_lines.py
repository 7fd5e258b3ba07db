"""The lines that runs logged: how they are shown, and how new ones are followed."""

import logging
import re
import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from perdure._model.records import LogRecord
from perdure._platform.clock import system_clock, to_datetime
from perdure._rooms.logs.records import LogFilter, LogLine
from perdure._rooms.runs.records import FlowRun, RunFilter, TaskRun
from perdure._store.protocol import Orchestrator
from perdure.cli.find import runs_by_id
from perdure.cli.output import NOTHING, clock_time, one_line, short_time

if TYPE_CHECKING:
    from rich.text import Text

_LEVELS = {logging.DEBUG: "dim", logging.INFO: "cyan", logging.WARNING: "yellow", logging.ERROR: "red"}
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_OVERLAP = 2.0  # seconds in which a line may still come that has a lower number than one which is there


class Names:
    """The names of runs, asked for once each."""

    def __init__(self, orchestrator: Orchestrator) -> None:
        self._orchestrator = orchestrator
        self._names: dict[str, str] = {}

    def learn(self, lines: Sequence[LogLine | LogRecord]) -> None:
        """Ask for the names of all runs of these lines."""
        flow_runs = {line.flow_run_id for line in lines if line.flow_run_id is not None} - self._names.keys()
        task_runs = {line.task_run_id for line in lines if line.task_run_id is not None} - self._names.keys()
        found: list[FlowRun | TaskRun] = [
            *runs_by_id(flow_runs, self._orchestrator.flow_runs).values(),
            *runs_by_id(task_runs, self._orchestrator.task_runs).values(),
        ]
        self._names |= {run.id: one_line(run.name) for run in found if run.name}

    def of(self, line: LogLine | LogRecord, whole: bool) -> str:
        """What a line belongs to, such as `load-0`, or `brisk-owl > load-0` where that is to be `whole`."""
        ids = [id for id in (line.flow_run_id, line.task_run_id) if id is not None]
        names = [self._names.get(id, NOTHING) for id in (ids if whole else ids[-1:])]
        return " > ".join(names) or NOTHING


def line_text(line: LogLine | LogRecord, where: str) -> "Text":
    """A line for people: its time, level, run and message."""
    from rich.text import Text

    text = Text(_time_text(line.time), style="dim")
    text.append(f"  {logging.getLevelName(line.level):<8}", style=f"not dim {_LEVELS.get(line.level, 'default')}")
    text.append(f"  {where}  ", style="not dim bold")
    text.append(_CONTROLS.sub("·", line.message), style="not dim")
    return text


def _time_text(micros: int) -> str:
    is_today = to_datetime(micros).astimezone().date() == to_datetime(system_clock()).astimezone().date()
    return clock_time(micros) if is_today else short_time(micros)


class Follower:
    """Asks for the lines that are new since it asked last.

    The numbers of lines do not quite come in order while several processes write. So what came in the last seconds is
    asked for again, and what is known is left out.
    """

    def __init__(self, orchestrator: Orchestrator) -> None:
        self._orchestrator = orchestrator
        self._highest = self._settled = self.newest()
        self._marks: deque[tuple[float, int]] = deque()
        self._seen: set[int] = set()

    def newest(self) -> int:
        """The highest number of a line."""
        return next((line.id for line in self._orchestrator.log_lines(LogFilter(limit=1))), 0)

    def note(self, lines: Sequence[LogLine]) -> None:
        """Take lines for known."""
        self._seen |= {line.id for line in lines}

    def take(self, wanted: LogFilter) -> list[LogLine]:
        """The new lines, oldest first."""
        now, newest = time.monotonic(), self.newest()
        if newest != self._highest:
            self._marks.append((now, newest))
            self._highest = newest
        lines = self._orchestrator.log_lines(wanted._replace(after=self._settled)) if newest != self._settled else ()
        fresh = [line for line in lines if line.id not in self._seen]
        self.note(fresh)
        while self._marks and now - self._marks[0][0] > _OVERLAP:
            self._settled = self._marks.popleft()[1]
            self._seen = {id for id in self._seen if id > self._settled}
        return sorted(fresh, key=lambda line: (line.time, line.id))


def family(flow_run_ids: Sequence[str], orchestrator: Orchestrator) -> tuple[str, ...]:
    """Flow runs, and the subflow runs below them."""
    found: dict[str, None] = dict.fromkeys(flow_run_ids)
    level = tuple(found)
    while level:
        level = tuple(run.id for run in orchestrator.flow_runs(RunFilter(flow_run_ids=level)) if run.id not in found)
        found |= dict.fromkeys(level)
    return tuple(found)
