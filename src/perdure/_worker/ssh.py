"""Runs on another machine by the system's ssh, with the user's configuration, agents and jump hosts.

What runs there is held by a small program, which reads from ssh: what to run, then a line every few seconds. When the
lines stop, since this worker, its machine or the link is gone, it ends all that it has started. So nothing is left that
nobody knows of, and there is nothing to be found again.
"""

import base64
import contextlib
import json
import shlex
import subprocess
import threading

from perdure._model.errors import WorkerError
from perdure._worker.infrastructure import Job, code_of
from perdure._worker.process import RunningProcess

_BEAT_SECONDS = 5.0
_LINK_SECONDS = 30  # without a line, and the link is gone
_UNUSABLE = 255  # ssh's own exit code

_HOLDER = r"""
import json, os, select, signal, subprocess, sys, time
request = json.loads(sys.stdin.buffer.readline())
environment = {**os.environ, **request["environment"]}
environment = {name: value for name, value in environment.items() if value is not None}
try:
    if request["directory"]:
        os.chdir(os.path.expanduser(request["directory"]))
    process = subprocess.Popen(request["command"], env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                               start_new_session=True)
except OSError as error:
    print("It could not be started:", error, flush=True)
    sys.exit(127)
heard, ending, source = time.monotonic(), None, sys.stdin.fileno()
def end(number):
    try:
        (os.killpg if number == signal.SIGKILL else os.kill)(process.pid, number)
    except OSError:
        pass
while process.poll() is None:
    now = time.monotonic()
    if ending is None:
        if select.select([source], [], [], 0.1)[0]:
            lines = os.read(source, 4096)
            heard = now
            if not lines:
                heard = now - request["link"] - 1
            if b"k" in lines:
                end(signal.SIGKILL)
            elif b"t" in lines:
                end(signal.SIGTERM)
        if now - heard > request["link"]:
            ending = now
            end(signal.SIGTERM)
    else:
        time.sleep(0.1)
        if now - ending > request["grace"]:
            end(signal.SIGKILL)
try:
    os.killpg(process.pid, signal.SIGKILL)
except OSError:
    pass
code = process.returncode
sys.exit(128 - code if code < 0 else code)
"""


class SshInfrastructure:
    """Starts each run on the machine that its job names. `link_seconds` without the worker, and the run is ended."""

    type = "ssh"
    python = "python3"
    is_elsewhere = True
    outlives = False

    def __init__(self, program: str = "ssh", link_seconds: float = _LINK_SECONDS, grace_seconds: float = 10.0) -> None:
        self._program = program
        self._link_seconds = link_seconds
        self._grace_seconds = grace_seconds

    def start(self, job: Job) -> "HeldProcess":
        """Start the run's command on the job's machine; what hinders it there shows when it has ended.

        Raises:
            WorkerError: there is no ssh.
        """
        try:
            process = subprocess.Popen(
                [
                    self._program,
                    *_options(job),
                    "--",
                    job.made_of["host"],
                    _held_by(job.made_of.get("python", "python3")),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the worker, which lets its runs end
            )
        except OSError as error:
            raise WorkerError(f"{self._program} cannot be run: {error}. Install OpenSSH's client.") from error
        # By ssh, and not by its command line, which everybody there sees.
        request = {
            "command": job.command,
            "environment": dict(job.environment),
            "directory": job.made_of.get("working_dir"),
            "link": self._link_seconds,
            "grace": self._grace_seconds,
        }
        return HeldProcess(process, json.dumps(request))

    def close(self) -> None:
        """Nothing is kept ready."""

    def find(self, flow_run_id: str) -> None:  # noqa: ARG002
        """Nothing: what a worker has left has ended."""
        return


def _options(job: Job) -> list[str]:
    chosen = [f"ServerAliveInterval={int(_BEAT_SECONDS)}", "ServerAliveCountMax=3", "BatchMode=yes"]
    options = ["-T", *(part for each in [*job.made_of.get("options", []), *chosen] for part in ("-o", each))]
    if "port" in job.made_of:
        options += ["-p", str(job.made_of["port"])]
    if "user" in job.made_of:
        options += ["-l", job.made_of["user"]]
    return options


def _held_by(python: str) -> str:
    """The command of the other machine's shell, whichever that is: without anything that shells differ in."""
    program = base64.b64encode(_HOLDER.encode()).decode()
    return f"exec {shlex.quote(python)} -c 'import base64; exec(base64.b64decode(\"{program}\"))'"


class HeldProcess(RunningProcess[subprocess.Popen[bytes]]):
    """A command on another machine, with the ssh that holds it."""

    def __init__(self, process: "subprocess.Popen[bytes]", request: str) -> None:
        super().__init__(process, shows=False)
        self._writing = threading.Lock()
        self._over = threading.Event()
        self._forced = False
        threading.Thread(target=self._beat, args=(request,), name="perdure-ssh-beat", daemon=True).start()

    def ended(self) -> int | None:
        """The exit code of the command, or of ssh if that could not do its part."""
        code = super().ended()
        if code is None:
            return None
        self._over.set()
        assert self._process.stdin is not None
        with self._writing, contextlib.suppress(OSError):
            self._process.stdin.close()
        return code if code < 0 else code_of(code)

    def status(self) -> str:
        """What ssh's own exit code says."""
        return "by which ssh says that it could not do it" if self._process.poll() == _UNUSABLE else ""

    def stop(self, force: bool) -> None:
        """Have the command end; the second time by force, ssh too, should the other machine not answer."""
        self._write("k\n" if force else "t\n")
        if force and self._forced:
            super().stop(force=True)
        self._forced = force

    def _beat(self, request: str) -> None:
        self._write(f"{request}\n")
        while not self._over.wait(_BEAT_SECONDS):
            self._write(".\n")

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        with self._writing, contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
