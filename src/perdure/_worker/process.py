"""Runs as processes on the worker's machine."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import Generic, TypeVar

from perdure._model.errors import WorkerError
from perdure._worker.fork_server import ForkedProcess, WarmStart
from perdure._worker.infrastructure import KEPT_LINES, Job, Started, last_lines
from perdure._worker.reused_processes import KeptProcesses

P = TypeVar("P", subprocess.Popen[bytes], ForkedProcess)


class ProcessInfrastructure:
    """Starts a process for each run. What it prints is printed here, too, if `shows` says so."""

    type = "process"
    python = sys.executable
    is_elsewhere = False
    outlives = False  # they do, but nobody finds them: the run has a heartbeat of its own

    def __init__(self, shows: bool = True, warm: WarmStart | None = None) -> None:
        self._shows = shows
        self._warm = warm or WarmStart()
        self._kept = KeptProcesses(self._warm, shows, self._start_alone)

    def start(self, job: Job) -> Started:
        """Start the run's command: by a fork of a process that has imported Perdure, where that is safe.

        Raises:
            WorkerError: it cannot be started.
        """
        started = self._kept.start(job, *_place_of(job)) if is_for_kept(job) else None
        return started or self._start_alone(job)

    def hand_over(self, job: Job) -> Started | None:
        """Have a process run it that has run others, and is kept for more of them; None if none is."""
        return self._kept.hand_over(job, *_place_of(job)) if is_for_kept(job) else None

    def _start_alone(self, job: Job) -> "RunningProcess[subprocess.Popen[bytes]] | RunningProcess[ForkedProcess]":
        """Start a process that is the run's alone."""
        environment, absolute = _place_of(job)
        directory: str | None = job.made_of.get("working_dir")
        if job.made_of.get("warm_start", True):
            forked = self._warm.start(job.command, environment, absolute)
            if forked is not None:
                return RunningProcess(forked, self._shows)
        try:
            process = subprocess.Popen(
                list(job.command),
                env=environment,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the worker, which lets its runs end
            )
        except OSError as error:
            raise WorkerError(f"The process of the run could not be started: {error}.") from error
        return RunningProcess(process, self._shows)

    def find(self, flow_run_id: str) -> None:  # noqa: ARG002
        """Nothing: a process that its worker has left is known by its heartbeat only."""
        return

    def close(self) -> None:
        """Keep nothing ready for runs any more."""
        self._kept.close()
        self._warm.close()


def is_for_kept(job: Job) -> bool:
    """Whether a run may be run by a process that runs others, too: one that is resumed has one for itself."""
    made_of = job.made_of
    return made_of.get("runs_per_process", 1) > 1 and made_of.get("warm_start", True) and job.start == 1


def _place_of(job: Job) -> tuple[dict[str, str], str]:
    """The environment and the directory of its process."""
    given = {**os.environ, **job.environment}
    environment = {name: value for name, value in given.items() if value is not None}
    return environment, str(Path(job.made_of.get("working_dir") or "").absolute())


class RunningProcess(Generic[P]):
    """A process that was started for a run."""

    has_reported = False

    def __init__(self, process: P, shows: bool) -> None:
        self._process: P = process
        self._said: deque[str] = deque(maxlen=KEPT_LINES)
        self._reader = threading.Thread(target=self._read, args=(shows,), name="perdure-said", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def ended(self) -> int | None:
        """The exit code, once all that it printed has been read; None while it is there."""
        code = self._process.poll()
        if code is not None:
            self._reader.join(1.0)  # what it started itself may hold its output open
        return code

    def said(self) -> str:
        """The end of what it printed."""
        return "\n".join(self._said)

    def status(self) -> str:
        """Nothing: what there is to say of a process, its exit code says."""
        return ""

    def forget(self) -> None:
        """Nothing is left of it."""

    def stop(self, force: bool) -> None:
        """Ask it to end, with all that it started, or end it by force."""
        number = signal.SIGKILL if force and hasattr(signal, "SIGKILL") else signal.SIGTERM
        if force and hasattr(os, "killpg"):
            with contextlib.suppress(OSError):  # one that was just forked is no group of its own yet
                os.killpg(self._process.pid, number)
        with contextlib.suppress(OSError):
            self._process.send_signal(number)

    def _read(self, shows: bool) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                text = line.decode("utf-8", "replace").rstrip("\n")
                self._said.append(last_lines(text))
                if shows:
                    with contextlib.suppress(OSError, ValueError):
                        sys.stderr.write(f"{text}\n")
