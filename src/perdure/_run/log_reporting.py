"""Logging: the lines of runs go to the terminal, and to the orchestrator with their run."""

import builtins
import contextlib
import copy
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from perdure._model.errors import PerdureError
from perdure._model.records import LogRecord
from perdure._platform.printable import printable
from perdure._platform.redaction import redact, redact_known
from perdure._run.context import RunContext, TaskRunContext, current_run, require_run
from perdure._settings import settings


class _RunLogging(logging.Logger):
    """A logger whose lines reach their runs, however others configure logging: `disable_existing_loggers`, say.

    `logging.disable` silences the terminal, and so do handlers and levels that somebody gives the logger "perdure".
    """

    @property
    def disabled(self) -> bool:
        """Whether it logs nothing: never, since that is set for whole programs by who does not know of it."""
        return False

    @disabled.setter
    def disabled(self, _: bool) -> None:
        """Left as it is."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - the name of logging's
        return level >= self.getEffectiveLevel()

    def callHandlers(self, record: logging.LogRecord) -> None:  # noqa: N802
        if _muted:
            return
        _to_orchestrator.handle(record)
        redact_record(record)
        if record.levelno > self.manager.disable:
            with contextlib.suppress(Exception):  # of a handler that others have added
                super().callHandlers(record)


def redact_record(record: logging.LogRecord) -> None:
    """Take known secrets out of a record before handlers of others, which have formats of their own, get it."""
    try:
        said = record.getMessage()
    except Exception:  # arguments that do not fit: our own format says so
        return
    clean = redact_known(said)
    if clean is not said and clean != said:
        record.msg, record.args = clean, ()


_muted: list[None] = []  # one for each `with` block within which runs log nothing


@contextlib.contextmanager
def muted() -> Iterator[None]:
    """Within the block, lines of runs are neither shown nor kept, in the whole process."""
    _muted.append(None)
    try:
        yield
    finally:
        _muted.pop()


def _logger(name: str) -> logging.Logger:
    logger = logging.getLogger(name)
    logger.__class__ = _RunLogging
    return logger


_ROOT = _logger("perdure")
_FLOW_RUNS = _logger("perdure.flow_runs")
_TASK_RUNS = _logger("perdure.task_runs")

_PACKAGE = str(Path(__file__).parents[1])
Report = Callable[[tuple[LogRecord, ...]], None]


class RunLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger whose lines belong to a run."""

    def __init__(self, run: RunContext, extra: Mapping[str, object] | None = None) -> None:
        super().__init__(_FLOW_RUNS if run.is_flow else _TASK_RUNS, {**_names_of(run), **(extra or {})})
        self._run = run

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802
        return not self._run.is_drawn and super().isEnabledFor(level)

    def process(self, msg: object, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, object]]:
        kwargs["extra"] = {**(self.extra or {}), **(kwargs.get("extra") or {}), "perdure_run": self._run}
        return msg, kwargs


class _Silent(RunLogger):
    """A logger outside all runs, within a block where runs log nothing."""

    def __init__(self) -> None:
        logging.LoggerAdapter.__init__(self, _FLOW_RUNS, {})

    def isEnabledFor(self, level: int) -> bool:  # noqa: ARG002, N802
        return False


def _names_of(run: RunContext) -> dict[str, object]:
    """What the records of a run's lines have as attributes, for handlers and formats of the user's own."""
    flow = run.flow
    names: dict[str, object] = {}
    if flow is not None:
        names = {"flow_run_id": flow.id, "flow_run_name": flow.name, "flow_name": flow.options.name}
    if run.is_flow:
        return names
    return {**names, "task_run_id": run.id, "task_run_name": run.name, "task_name": run.options.name}


def get_run_logger(context: RunContext | None = None, **extra: object) -> RunLogger:
    """The logger of the current run: its lines are shown, and kept with the run.

    `context` is another run, as `get_run_context` gives it. Each line's record has the names and ids of the run as
    attributes, and what is given by further keywords.

    Raises:
        MissingContext: there is no run here.
        TypeError: the context is none of a run.
    """
    if context is not None and not isinstance(context, RunContext):
        raise TypeError(f"{context!r} is no run's context. Give what `get_run_context()` gives, or nothing.")
    set_up()
    if context is None and _muted and current_run.get() is None:
        return _Silent()  # as for a run: tests call the functions of flows and tasks themselves
    return RunLogger(require_run() if context is None else context, extra)


def run_log(name: str) -> "logging.Logger | logging.LoggerAdapter[Any]":
    """The logger of the current run; outside all runs, Perdure's own under a name."""
    return logging.getLogger(f"perdure.{name}") if current_run.get() is None else get_run_logger()


_COLOURS = {
    logging.DEBUG: "2",
    logging.INFO: "36",
    logging.WARNING: "33",
    logging.ERROR: "31",
    logging.CRITICAL: "31;1",
}


_LONGEST = 1_000_000  # characters of a line


class _Formatter(logging.Formatter):
    """Makes text of any record, without known secrets: it is shown and stored, and no line is to fail its run."""

    def format(self, record: logging.LogRecord) -> str:
        try:
            text = super().format(record)
        except Exception as error:  # arguments that do not fit, or objects that have no text
            text = f"{_repr(record.msg)} % {_repr(record.args)} (this cannot be formatted: {_repr(error)})"
        text = redact_known(text)  # whole: of a secret that is cut, what is left would not be known
        if len(text) > _LONGEST:
            text = f"{text[:_LONGEST]}… {len(text) - _LONGEST:,} characters more"
        if not text.isascii():  # half characters can be neither shown nor stored
            text = text.encode(errors="backslashreplace").decode()
        return text


def _repr(value: object) -> str:
    try:
        return repr(value)
    except Exception:
        if isinstance(value, tuple):
            return f"({', '.join(map(_repr, value))})"
        return f"<{type(value).__name__} whose text cannot be had>"


_COLOUR_CODES = r"(\x1b\[[0-9;]*m)"


def _shown(text: str) -> str:
    """A text as a terminal may show it: it may be coloured, and controls nothing else."""
    if text.isascii() and text.isprintable():
        return text
    import re  # most lines are plain

    text, *coloured = re.split(_COLOUR_CODES, text.replace("\r\n", "\n"))
    parts = [part if place % 2 == 0 else printable(part) for place, part in enumerate(coloured)]
    return "".join([printable(text), *parts, "\033[0m" if parts else ""])


class _Terminal(logging.StreamHandler[Any]):
    """Lines on standard error, whichever stream that is at the moment."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        try:
            super().emit(record)
        except Exception:  # too deep a recursion, which the base class lets through
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        with contextlib.suppress(Exception):  # standard error is closed, say
            super().handleError(record)

    def format(self, record: logging.LogRecord) -> str:
        run: RunContext | None = getattr(record, "perdure_run", None)
        where = "" if run is None else f"{'flow' if run.is_flow else 'task'} run {run.name!r} | "
        time = self._time.formatTime(record, "%H:%M:%S") + f".{int(record.msecs):03d}"
        level = f"{record.levelname:<7}"
        if self._is_coloured():
            level = f"\033[{_COLOURS.get(record.levelno, '0')}m{level}\033[0m"
            time = f"\033[2m{time}\033[0m"
        return f"{time} | {level} | {where}{_shown(self._time.format(record))}"

    _time = _Formatter()

    def _is_coloured(self) -> bool:
        return bool(getattr(self.stream, "isatty", bool)()) and not _no_colour()


def _no_colour() -> bool:
    import os

    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


class _ToOrchestrator(logging.Handler):
    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report
        self.setFormatter(_Formatter())

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(
            Exception
        ):  # what hinders the orchestrator shows when the run's own records are reported
            self._report(record)

    def _report(self, record: logging.LogRecord) -> None:
        run: RunContext | None = getattr(record, "perdure_run", None)
        is_wanted = getattr(record, "send_to_api", True) is not False
        if run is None or not is_wanted or not settings.current().logging_to_orchestrator:
            return
        flow_run_id = run.flow.id if run.flow else None
        task_run_id = run.id if isinstance(run, TaskRunContext) else None
        message = self.format(record)
        time = int(record.created * 1_000_000)
        self.report((LogRecord(flow_run_id, task_run_id, time, record.levelno, record.name, message),))


_to_orchestrator = _ToOrchestrator(lambda _: None)


class RunHandler(logging.Handler):
    """Keeps the lines of other loggers with the run in whose code they are logged; outside runs it does nothing.

    It shows nothing: that is the business of other handlers. `PERDURE_LOGGING_LEVEL` holds for it, too.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        run = current_run.get()
        if run is None or _muted or hasattr(record, "perdure_run") or not _FLOW_RUNS.isEnabledFor(record.levelno):
            return
        _to_orchestrator.handle(_with_run(record, run))


def _with_run(record: logging.LogRecord, run: RunContext) -> logging.LogRecord:
    """A copy that belongs to the run: the record itself is for other handlers."""
    mine = copy.copy(record)
    mine.__dict__["perdure_run"] = run
    return mine


def set_up(report: Report | None = None) -> None:
    """Install the handlers, once; with `report`, send the lines of runs there from now on."""
    if report is not None:
        _to_orchestrator.report = report
    if not any(isinstance(handler, _Terminal) for handler in _ROOT.handlers):
        _ROOT.addHandler(_Terminal())
        _ROOT.propagate = False
    _ROOT.setLevel(settings.current().logging_level)
    if settings.current().logging_log_prints:
        watch_prints()


def log(run: RunContext | None, level: int, message: str, *args: object, error: BaseException | None = None) -> None:
    """Log a line of the engine's own, without secrets; an error's traceback is shown once, however far it travels."""
    logger = _FLOW_RUNS if run is None or run.is_flow else _TASK_RUNS
    if not logger.isEnabledFor(level):
        return
    if error is not None and getattr(error, "__perdure_logged__", False):
        error = None
    shown = "" if error is None else redact(traceback_of(error))
    shown_args = [redact(str(each)) if isinstance(each, str | BaseException) else each for each in args]
    logger.log(level, message + "%s", *shown_args, shown and f"\n{shown}", extra={"perdure_run": run})
    if error is not None:
        with contextlib.suppress(AttributeError, TypeError):  # an exception class may refuse attributes
            error.__perdure_logged__ = True  # type: ignore[attr-defined]


def traceback_of(error: BaseException) -> str:
    """The traceback in the user's own code, with its causes: how our code called theirs is of no use to them."""
    import traceback  # needed only when something has failed

    shown = traceback.TracebackException.from_exception(error)
    links, has_frames = [shown], False
    for link in links:
        users = [frame for frame in link.stack if not frame.filename.startswith(_PACKAGE)]
        has_frames = has_frames or bool(users)
        link.stack = traceback.StackSummary.from_list(users)
        links += [each for each in (link.__cause__, link.__context__) if each is not None and each not in links]
    if has_frames:
        return "".join(shown.format()).rstrip()
    # An error that we raise ourselves says all in its message; another one in our own code is a bug to be found.
    return "" if isinstance(error, PerdureError) else "".join(traceback.format_exception(error)).rstrip()


_plain_print = builtins.print


def _print(*values: object, **options: Any) -> None:
    run = current_run.get()
    if run is None or options.get("file") is not None or not _is_logged(run):
        return _plain_print(*values, **options)
    separator = options.get("sep")
    text = (" " if separator is None else separator).join(map(str, values))
    RunLogger(run).info("%s", text)
    return None


def _is_logged(run: RunContext) -> bool:
    above: RunContext | None = run
    while above is not None:
        if above.options.log_prints is not None:
            return above.options.log_prints
        above = above.parent
    return settings.current().logging_log_prints


def watch_prints() -> None:
    """Have `print` look for a run that logs what is printed. Other prints stay as they are."""
    if builtins.print is _plain_print:
        builtins.print = _print
