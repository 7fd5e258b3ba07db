"""What a worker starts for a run, whatever it is made of: a process, a container, a job of a cluster.

What is started is named by its run and by which start of the run it is, so that it is found again: by a worker that
takes over from one that is gone, and before a run is started a second time.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

from perdure._model.errors import WorkerError
from perdure._model.records import StartRecord
from perdure._platform.named import NamedTuple
from perdure._platform.redaction import shortened
from perdure._rooms.runs.records import FlowRun

KEPT_LINES = 64  # of what was printed
UNKNOWN_CODE = 256  # of what has ended, nobody knows how; exit codes are smaller
_LONGEST = 2_000  # characters of a line


def _nothing() -> None: ...


class Job(NamedTuple):
    """What is to be started for a run."""

    flow_run_id: str
    start: int  # which start of the run it is, counted from 1
    command: tuple[str, ...]  # begins the run, where the flow's code is
    environment: Mapping[str, str | None]  # what its process gets beside what it has there; None leaves one out
    made_of: Mapping[str, Any]  # the pool's template, filled: see `perdure._rooms.deployments.job_templates`
    code: str = ""  # the same of runs that have the same code: a deployment and its version
    known: tuple[FlowRun, StartRecord] | None = None  # the run, if nobody has begun it yet
    when_ended: Callable[[], None] = _nothing  # called, by whichever thread, once it has, if that is known at once

    @property
    def name(self) -> str:
        """What it is called where it runs."""
        return name_of(self.flow_run_id, self.start)


def name_of(flow_run_id: str, start: int) -> str:
    """What a start of a run is called."""
    return f"perdure-{flow_run_id}-{start}"


class Unreachable(WorkerError):
    """What starts runs cannot be reached now: it is tried again later."""


class Started(Protocol):
    """Something that was started for a run. What it is asked may be a moment old; nothing here waits for long."""

    @property
    def has_reported(self) -> bool:
        """Whether it is known to have ended after its run had come to a final state in which it stays."""

    def ended(self) -> int | None:
        """The exit code; None while it is there, or while that is not known. Negative numbers are signals."""

    def status(self) -> str:
        """What the infrastructure says of it: what it waits for, or why it ended; empty if nothing."""

    def said(self) -> str:
        """The end of what it printed: for runs that never began, nobody else has it."""

    def stop(self, force: bool) -> None:
        """Have it end: by being asked, or by force. Nothing happens if it has ended."""

    def forget(self) -> None:
        """Remove what is left of it, once it has ended."""


class Infrastructure(Protocol):
    """Starts runs of one kind of work pool. Any thread may use it."""

    type: str  # of its work pools
    python: str  # the Python that begins runs, where the job names none
    is_elsewhere: bool  # whether runs are where they see no file of this machine
    outlives: bool  # whether what was started continues without its worker, and is found by the next one

    def start(self, job: Job) -> Started:
        """Start what a run needs, or give what has been started for the same start of it.

        Raises:
            Unreachable: nothing can be started now.
            WorkerError: it cannot be started; says why.
        """

    def find(self, flow_run_id: str) -> Started | None:
        """What was started last for a run, by whichever worker, if it is still there.

        Raises:
            Unreachable: that cannot be found out now.
        """

    def close(self) -> None:
        """End what is kept ready for starts; what was started is left alone."""


@runtime_checkable
class HandsOver(Protocol):
    """An infrastructure that has processes which wait for runs."""

    def hand_over(self, job: Job) -> Started | None:
        """Have one of them run it, without waiting for anything; None if none is there for it."""


def last_lines(text: str) -> str:
    """The end of what was printed: as much of it as is kept."""
    lines = text.splitlines()[-KEPT_LINES:]
    return "\n".join(shortened(line, _LONGEST) if len(line) > _LONGEST else line for line in lines)


def code_of(status: int) -> int:
    """The exit code by one of a shell's, which are above 128 for signals."""
    return 128 - status if 128 < status < 128 + 65 else status
