"""Processes that are kept for several runs, one after another, where a deployment asks for that.

A run has a process to itself while it runs. What it is begun by, a process that was forked from one that has imported
Perdure, has loaded its flow and holds its connection; so the next run of the same version of the deployment, with the
same environment, is handed to it, instead of a new one's being begun for that.

Worker and process talk by one socket. The worker sends a run. The process answers that it has it, before it does
anything of it; and when the run has ended and all is as it was before, with the exit code and the memory that it takes.
So of a process that ends, the worker knows which it is:

    nothing answered     the run did not begin: it is handed to another process
    it has the run       the run's end is the process's, as it is of a process of its own
    the run has ended    nothing is lost

At most one run is handed to a process, the others stay in the queue: nothing waits behind a run that takes long. Who
stops a run holds the lock under which the next one is handed over, so that no other one is stopped.
"""

import json
import os
import select
import signal
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from perdure._model.errors import WorkerError
from perdure._worker.fork_server import ForkedProcess, WarmStart
from perdure._worker.infrastructure import KEPT_LINES, Job, Started, last_lines

BEGUN: Final = b"+"
STALE: Final = b"stale"  # the code that the process has loaded is no longer what the disk has
MOST_BYTES: Final = 1 << 17  # of a message; what is longer, the process looks up itself
_IDLE_SECONDS = 10.0  # for which a process is kept without a run
_MOST_IDLE = 64  # processes that are kept without a run
_TRIES = 3  # processes that may end before they have the run
_ENDED_WELL = frozenset({0, 1})  # exit codes of runs that have come to a final state which nobody resumes
_READ_BYTES = 1 << 16


class KeptProcesses:
    """Hands runs to processes; any thread may use it.

    `alone` begins a run in a process of its own, where no process can be had that is kept.
    """

    def __init__(self, warm: WarmStart, shows: bool, alone: Callable[[Job], Started]) -> None:
        self._warm, self._shows, self.alone = warm, shows, alone
        self._lock = threading.Lock()
        self._idle: dict[str, list[_Kept]] = {}
        self._ended: list[ForkedProcess] = []  # whose exit codes nobody needs

    def hand_over(self, job: Job, environment: Mapping[str, str], directory: str) -> "KeptRun | None":
        """Hand a run to a process that waits for one; None if none does."""
        run = KeptRun(job, environment, directory)
        return run if self._handed(run) else None

    def start(self, job: Job, environment: Mapping[str, str], directory: str) -> "KeptRun | None":
        """Begin a run in a process that waits for one, or in a new one; None if none is to be had."""
        run = KeptRun(job, environment, directory)
        return run if self._handed(run) or self._begun(run) else None

    def start_again(self, run: "KeptRun") -> None:
        """Begin a run in another process: the one that it was handed to is not there, or not to have it."""
        run.tries += 1
        if run.tries < _TRIES and (self._handed(run) or self._begun(run)):
            return
        try:
            run.be_alone(self.alone(run.job))
        except WorkerError as error:
            run.take(str(error))
            run.end(1, has_reported=False)

    def add(self, process: "_Kept") -> None:
        """Keep a process that has ended its run for another one."""
        with self._lock:
            idle = self._idle.setdefault(process.key, [])
            idle.append(process)
            oldest = None
            if sum(map(len, self._idle.values())) > _MOST_IDLE:
                oldest = next(each for each in self._idle.values() if each).pop(0)
        if oldest is not None:
            oldest.close()

    def remove(self, process: "_Kept") -> bool:
        """Keep a process no longer; False if a run is about to be handed to it."""
        with self._lock:
            idle = self._idle.get(process.key, [])
            if process not in idle:
                return False
            idle.remove(process)
            if not idle:
                del self._idle[process.key]
            return True

    def bury(self, process: ForkedProcess) -> None:
        """A process has ended, and its exit code says nothing."""
        with self._lock:
            self._ended = [each for each in (*self._ended, process) if each.poll() is None]

    def close(self) -> None:
        """End the processes that wait for runs."""
        with self._lock:
            waiting = [each for idle in self._idle.values() for each in idle]
            self._idle.clear()
        for each in waiting:
            each.close()

    def _handed(self, run: "KeptRun") -> bool:
        while True:
            with self._lock:
                idle = self._idle.get(run.key)
                process = idle.pop() if idle else None
                if idle == []:
                    del self._idle[run.key]
            if process is None:
                return False
            if process.hand(run):
                return True

    def _begun(self, run: "KeptRun") -> bool:
        line, its_line = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its_line:
            forked = self._warm.start(run.job.command, run.environment, run.directory, its_line)
        if forked is None:
            line.close()
            return False
        process = _Kept(self, run, forked, line, self._shows)
        if not process.hand(run):
            process.close()
            self.start_again(run)
        return True


class KeptRun:
    """A run that was handed to a process."""

    def __init__(self, job: Job, environment: Mapping[str, str], directory: str) -> None:
        self.job, self.environment, self.directory = job, environment, directory
        self.key = json.dumps([job.code, directory, job.command[:3], sorted(environment.items()), dict(job.made_of)])
        self.tries = 0
        self.has_reported = False
        self._process: _Kept | None = None
        self._alone: Started | None = None
        self._lost: ForkedProcess | None = None
        self._code: int | None = None
        self._said: deque[str] = deque(maxlen=KEPT_LINES)

    @property
    def message(self) -> bytes:
        """What its process is sent."""
        known = self.job.known
        text = json.dumps({"run": self.job.flow_run_id, "known": known}).encode()
        return text if len(text) <= MOST_BYTES else json.dumps({"run": self.job.flow_run_id, "known": None}).encode()

    def ended(self) -> int | None:
        """The exit code: what its process said that it is, or that of its process if that has ended; else None."""
        if self._alone is not None:
            return self._alone.ended()
        if self._code is None and self._lost is not None:
            self._code = self._lost.poll()
        return self._code

    def said(self) -> str:
        """The end of what it printed."""
        return self._alone.said() if self._alone is not None else "\n".join(self._said)

    def status(self) -> str:
        """Nothing: what there is to say of a process, its exit code says."""
        return ""

    def forget(self) -> None:
        """Nothing is left of it."""

    def stop(self, force: bool) -> None:
        """Ask its process to end, or end it by force, if it is at this run still."""
        if self._alone is not None:
            self._alone.stop(force)
        elif self._process is not None:
            self._process.stop(self, force)

    def be_in(self, process: "_Kept") -> None:
        """It is the process's from now on."""
        self._process = process

    def be_alone(self, started: Started) -> None:
        """It has a process of its own, after all."""
        self._alone = started

    def take(self, text: str) -> None:
        """Keep what it printed."""
        self._said.append(last_lines(text))

    def end(self, code: int, has_reported: bool) -> None:
        """It has ended."""
        self.has_reported = has_reported and code in _ENDED_WELL
        self._code = code
        self.job.when_ended()

    def end_with(self, process: ForkedProcess) -> None:
        """It has ended with its process, whose exit code is known soon."""
        self._lost = process
        self.job.when_ended()


class _Kept:
    """A process that runs several runs."""

    def __init__(
        self, of: KeptProcesses, first: KeptRun, process: ForkedProcess, line: socket.socket, shows: bool
    ) -> None:
        made_of = first.job.made_of
        self.key = first.key
        self._of, self._process, self._line, self._shows = of, process, line, shows
        self._runs_left: int = made_of.get("runs_per_process", 1)
        self._most_memory: float = made_of.get("memory_per_process", float("inf"))
        self._lock = threading.Lock()  # held to hand a run over, and to stop one
        self._run: KeptRun | None = None
        self._has_run = False  # whether the process has said that it has the run
        self._is_closed = False
        self._rest = b""  # of a line that was printed
        os.set_blocking(process.stdout.fileno(), False)
        threading.Thread(target=self._serve, name="perdure-kept", daemon=True).start()

    def hand(self, run: KeptRun) -> bool:
        """Have it run a run; False if it is not there any more."""
        with self._lock:
            if self._is_closed:
                return False
            self._run, self._has_run = run, False
            run.be_in(self)
            try:
                self._line.send(run.message)
            except OSError:
                self._run = None
                return False
        return True

    def stop(self, run: KeptRun, force: bool) -> None:
        """Ask it to end, with all that it started, or end it by force, if it is at this run."""
        number = signal.SIGKILL if force else signal.SIGTERM
        with self._lock:
            if self._run is not run:
                return
            if force:
                with suppress(OSError):
                    os.killpg(self._process.pid, number)
            with suppress(OSError):
                self._process.send_signal(number)

    def close(self) -> None:
        """Hand it nothing any more: it ends."""
        with self._lock:
            self._is_closed = True
            with suppress(OSError):
                self._line.shutdown(socket.SHUT_WR)

    def _serve(self) -> None:
        """Hear what it says and prints, until it has ended."""
        stdout, line, end = self._process.stdout.fileno(), self._line.fileno(), self._process.number
        poll = select.poll()
        for number in (stdout, line, end):
            poll.register(number, select.POLLIN)
        while True:
            ready = {number for number, _ in poll.poll(_IDLE_SECONDS * 1_000)}
            if not ready and self._of.remove(self):
                self.close()
            if stdout in ready and not self._take_printed():
                poll.unregister(stdout)
            if line in ready:
                if not self._hear():
                    poll.unregister(line)
            elif end in ready:
                break
        self._has_ended()

    def _hear(self) -> bool:
        """Take one message; False if there are no more."""
        try:
            message = self._line.recv(64)
        except OSError:
            return False
        if message == BEGUN:
            self._has_run = True
        elif message == STALE:
            self.close()
            self._give_back()
        elif message:
            code, memory = message.split()
            self._ended_one(int(code), float(memory))
        return bool(message)

    def _ended_one(self, code: int, memory: float) -> None:
        self._take_printed()
        self._take_rest()
        with self._lock:
            run, self._run = self._run, None
            self._runs_left -= 1
        if self._runs_left > 0 and memory <= self._most_memory and not self._is_closed:
            self._of.add(self)  # first: who hears of the end may have the next run
        else:
            self.close()
        if run is not None:
            run.end(code, has_reported=True)

    def _has_ended(self) -> None:
        self._take_printed()
        self._take_rest()
        self._of.remove(self)
        self.close()
        with self._lock:
            run, self._run = self._run, None
        with self._lock:
            self._line.close()
        self._process.stdout.close()
        if run is not None and self._has_run:
            run.end_with(self._process)
            return
        self._of.bury(self._process)
        if run is not None:
            self._of.start_again(run)

    def _give_back(self) -> None:
        with self._lock:
            run, self._run = self._run, None
        if run is not None:
            self._of.start_again(run)

    def _take_printed(self) -> bool:
        """Read all that it has printed until now; False if nothing will come any more."""
        while True:
            try:
                read = os.read(self._process.stdout.fileno(), _READ_BYTES)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if not read:
                return False
            *lines, self._rest = (self._rest + read).split(b"\n")
            for each in lines:
                self._take_line(each)

    def _take_rest(self) -> None:
        if self._rest:
            self._take_line(self._rest)
            self._rest = b""

    def _take_line(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace")
        if self._run is not None:
            self._run.take(text)
        if self._shows:
            with suppress(OSError, ValueError):
                sys.stderr.write(f"{text}\n")


__all__ = ["BEGUN", "MOST_BYTES", "STALE", "KeptProcesses", "KeptRun"]
