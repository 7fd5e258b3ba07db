"""What a worker starts for a run, whatever it is made of: a process, a container, a job."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from perdure._rooms.deployments.port import QueuedRun


class Job(NamedTuple):
    """What is to be started for a run."""

    run: QueuedRun
    command: tuple[str, ...]  # begins the run, where the flow's code is
    environment: Mapping[str, str]  # what the run's process needs to know of this one's settings
    variables: Mapping[str, Any]  # of the pool's template, and of the deployment over it


class Started(Protocol):
    """Something that was started for a run."""

    def ended(self) -> int | None:
        """The exit code; None while it is there. Negative numbers are signals."""

    def said(self) -> str:
        """The end of what it printed: for runs that never began, nobody else has it."""

    def stop(self, force: bool) -> None:
        """Have it end: by being asked, or by force."""


class Infrastructure(Protocol):
    """Starts runs of one kind of work pool."""

    def start(self, job: Job) -> Started:
        """Start what a run needs.

        Raises:
            WorkerError: it cannot be started; says why.
        """
