"""Runs as jobs of Slurm, by its own commands: `sbatch`, `squeue`, `scontrol`, `sacct` and `scancel`.

A job is called by its run and start, so that any worker of the same user finds it. What it prints is in a file in the
folder that workers and compute nodes share; a job whose file is gone is forgotten.
"""

import re
import shlex
import subprocess
import sys
import threading
import time
from pathlib import Path

from perdure._model.errors import WorkerError
from perdure._platform.named import NamedTuple
from perdure._worker.infrastructure import Job, Unreachable, last_lines

_LOOK_SECONDS = 1.0  # between two looks at the queue, for all jobs together
_UNSEEN_SECONDS = 15.0  # after which a job that Slurm does not show has ended, somehow
_TIMEOUT = 30.0  # of one of Slurm's commands
_TAIL = 256 * 1024  # bytes of the output that are read
_ENDED = frozenset(
    [
        *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED"),
        *("TIMEOUT", "REVOKED"),
    ]
)
_OPTIONS = {  # of sbatch, by the names that jobs have
    "partition": "partition",
    "account": "account",
    "qos": "qos",
    "constraint": "constraint",
    "gres": "gres",
    "time_limit": "time",
    "cpus_per_task": "cpus-per-task",
    "memory": "mem",
    "working_dir": "chdir",
}


class _Seen(NamedTuple):
    """A job, as Slurm shows it."""

    id: str
    state: str
    reason: str


class SlurmInfrastructure:
    """Submits each run as a job. `folder` is where what jobs print is: compute nodes must see it."""

    type = "slurm"
    python = sys.executable  # compute nodes see the same files
    is_elsewhere = True
    outlives = True

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path.cwd() / "perdure-slurm"
        self._lock = threading.Lock()
        self._seen: dict[str, _Seen] = {}  # by the names of jobs
        self._looked = float("-inf")
        self.problem = ""  # why Slurm did not answer last

    def start(self, job: Job) -> "SlurmJob":
        """Submit a job, unless that start of the run has been.

        Raises:
            Unreachable: Slurm does not answer.
            WorkerError: Slurm does not take the job.
        """
        if self._look(at_most=0.0) and job.name in self._seen:
            return SlurmJob(self, job.name, self._output(job.name))
        options = [f"--{option}={job.made_of[name]}" for name, option in _OPTIONS.items() if name in job.made_of]
        output = self._output(job.name)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            output.touch()  # a job that waits has one, too
        except OSError as error:
            raise WorkerError(f"What jobs print cannot be kept in {self._folder}: {error}.") from error
        command = ["sbatch", "--parsable", "--no-requeue", f"--job-name={job.name}", "--open-mode=append"]
        command += [f"--output={str(output).replace('%', '%%')}", *options, *job.made_of.get("options", [])]
        try:
            said = _run(command, _script(job))
        except WorkerError:
            output.unlink(missing_ok=True)
            raise
        with self._lock:  # until it is shown
            id = said.strip().rpartition("\n")[2].partition(";")[0]
            self._seen = {**self._seen, job.name: _Seen(id, "PENDING", "")}
        return SlurmJob(self, job.name, output)

    def close(self) -> None:
        """Nothing is kept ready."""

    def find(self, flow_run_id: str) -> "SlurmJob | None":
        """The newest job of a run that is not forgotten.

        Raises:
            Unreachable: Slurm does not answer.
        """
        outputs = list(self._folder.glob(f"perdure-{flow_run_id}-*.out"))
        if not outputs:
            return None
        if not self._look(at_most=_LOOK_SECONDS):
            raise Unreachable(self.problem)
        newest = max(outputs, key=lambda path: int(path.stem.rpartition("-")[2]))
        return SlurmJob(self, newest.stem, newest)

    def seen(self, name: str) -> _Seen | None:
        """How a job stands; None if Slurm does not show it."""
        self._look(at_most=_LOOK_SECONDS)
        return self._seen.get(name)

    def _output(self, name: str) -> Path:
        return self._folder / f"{name}.out"

    def _look(self, at_most: float) -> bool:
        """Ask for all jobs of this user, unless that was done a moment ago; whether Slurm answered last."""
        with self._lock:
            if time.monotonic() - self._looked < at_most:
                return not self.problem
            try:
                said = _run(["squeue", "--me", "--noheader", "--states=all", "--format=%i|%j|%T|%r"])
                rows = [line.split("|", 3) for line in said.splitlines()]
                self._seen = {row[1]: _Seen(row[0], row[2], row[3]) for row in rows if len(row) == 4}
                self.problem = ""
            except WorkerError as error:
                self.problem = str(error)
            self._looked = time.monotonic()
            return not self.problem


def _script(job: Job) -> str:
    variables = [
        f"unset {name}" if value is None else f"export {name}={shlex.quote(value)}"
        for name, value in job.environment.items()
    ]
    # Slurm's signals reach the command itself, whose exit code is the job's.
    return "\n".join(["#!/bin/sh", *variables, *job.made_of.get("setup", []), f"exec {shlex.join(job.command)}", ""])


def _run(command: list[str], input: str | None = None) -> str:
    try:
        ended = subprocess.run(command, input=input, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    except OSError as error:
        raise WorkerError(f"Slurm's {command[0]} cannot be run: {error}.") from error
    except subprocess.TimeoutExpired:
        raise Unreachable(f"Slurm's {command[0]} did not answer within {_TIMEOUT:g} seconds.") from None
    if ended.returncode:
        said = last_lines(ended.stderr).strip()
        kind = Unreachable if re.search(r"contact|connect|communicat|timed out", said, re.IGNORECASE) else WorkerError
        raise kind(f"Slurm's {command[0]} failed: {said}")
    return ended.stdout


class SlurmJob:
    """A job of Slurm."""

    has_reported = False  # what it reported, the database has

    def __init__(self, infrastructure: SlurmInfrastructure, name: str, output: Path) -> None:
        self._infrastructure = infrastructure
        self._name = name
        self._output = output
        self._shown = time.monotonic()
        self._end: tuple[int, str] | None = None

    def ended(self) -> int | None:
        """The exit code, by Slurm or its accounting."""
        if self._end is not None:
            return self._end[0]
        seen, now = self._infrastructure.seen(self._name), time.monotonic()
        if seen is not None or self._infrastructure.problem:
            self._shown = now
        try:
            if seen is not None and seen.state in _ENDED:
                self._end = _end_by(_run(["scontrol", "--oneliner", "show", "job", seen.id]))
            elif now - self._shown > _UNSEEN_SECONDS:
                self._end = self._accounted()
        except Unreachable:
            return None
        except WorkerError as error:
            self._end = (-9, f"Slurm does not say how it ended: {error}")
        return None if self._end is None else self._end[0]

    def _accounted(self) -> tuple[int, str]:
        fields = ["--format=State%30,ExitCode", "--starttime=now-30days"]
        said = _run(["sacct", "--noheader", "--parsable2", "--allocations", f"--name={self._name}", *fields])
        rows = [line.split("|") for line in said.splitlines() if line.count("|") == 1]
        return _end(*rows[-1]) if rows else (-9, "Slurm does not show it any more")

    def status(self) -> str:
        """What Slurm says of it: its state, and the reason for that."""
        if self._end is not None:
            return self._end[1]
        if self._infrastructure.problem:
            return self._infrastructure.problem
        seen = self._infrastructure.seen(self._name)
        if seen is None or seen.state == "RUNNING":
            return ""
        reason = "" if seen.reason in ("None", "") else f", {seen.reason}"
        return f"Slurm's job {seen.id} is {seen.state}{reason}"

    def said(self) -> str:
        """The end of what it printed."""
        try:
            with self._output.open("rb") as file:
                file.seek(max(0, self._output.stat().st_size - _TAIL))
                return last_lines(file.read().decode("utf-8", "replace"))
        except OSError:
            return ""

    def stop(self, force: bool) -> None:
        """Signal its command; a job that waits is cancelled, and so is one that is to end by force."""
        seen = self._infrastructure.seen(self._name)
        named = ["scancel", "--me", f"--name={self._name}"]
        waits = seen is not None and seen.state == "PENDING"
        for command in [[*named, *(["--full", "--signal=KILL"] if force else ["--batch", "--signal=TERM"])], named]:
            try:
                if command is not named or force or waits:
                    _run(command)
            except WorkerError:  # it has ended, or Slurm is away, which `ended` sees
                continue

    def forget(self) -> None:
        """Remove what it printed."""
        self._output.unlink(missing_ok=True)


def _end_by(shown: str) -> tuple[int, str]:
    state, code = re.search(r"\bJobState=(\S+)", shown), re.search(r"\bExitCode=(\S+)", shown)
    return _end(state[1] if state else "", code[1] if code else "")


def _end(state: str, codes: str) -> tuple[int, str]:
    """An exit code and what Slurm says, by a job's state and its two codes: that of the command, and a signal."""
    code, _, number = codes.partition(":")
    state = state.partition(" ")[0]
    says = "" if state in ("COMPLETED", "FAILED") else f"Slurm says {state}"
    if number.isdigit() and int(number):
        return -int(number), says
    if code.isdigit() and int(code):
        return int(code), says
    return (0 if state == "COMPLETED" else -9), says
