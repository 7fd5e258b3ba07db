"""Processes of Python that need not import Perdure anew: each is forked from one that has imported all.

Such a process is a child of the one that asks for it, as any other is, with the arguments, environment, directory and
streams that it is given: it can be waited for, be signalled and be killed. What has been imported is all that it
shares with others. How a process starts by itself is shown by tests that start one.
"""

import atexit
import ctypes
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from perdure import settings

_SET_CHILD_SUBREAPER = 36  # as linux/prctl.h names it
_LIMIT = 1 << 20  # bytes of what is asked: an environment, mostly
_lock = threading.Lock()  # one question at a time


class Prepared(subprocess.Popen[str]):
    """What subprocess.Popen is for Python with `-m MODULE`, `-c CODE` or a file, and with text for streams.

    The interpreter's own options and variables, such as `-X` and `PYTHONHASHSEED`, are those of this process.
    """

    def __init__(self, *arguments: str | Path, **options: Any) -> None:
        super().__init__([sys.executable, *map(str, arguments)], text=True, **options)

    def _execute_child(self, args: list[str], *given: Any) -> None:
        if sys.platform != "linux":  # only there can the process become a child of this one
            super()._execute_child(args, *given)  # type: ignore[misc]
            return
        directory, environment = given[4:6]
        ends = given[9:15]  # of pipes and files: what the process reads and writes, each after or before this one's
        streams = [number if end == -1 else end for number, end in enumerate((ends[0], ends[3], ends[5]))]
        asked = {
            "arguments": args[1:],
            "directory": os.fspath(directory or Path.cwd()),
            "environment": dict(os.environ if environment is None else environment),
        }
        self.pid = _forked(json.dumps(asked).encode(), streams)
        self._child_created = True
        self._close_pipe_fds(*ends)  # type: ignore[attr-defined]


def run(
    *arguments: str | Path, timeout: float = 120, check: bool = False, **options: Any
) -> "subprocess.CompletedProcess[str]":
    """What subprocess.run does with `capture_output`, for a prepared process."""
    with Prepared(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options) as process:
        try:
            output, errors = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
    ended = subprocess.CompletedProcess(process.args, process.returncode, output, errors)
    if check:
        ended.check_returncode()
    return ended


def _forked(asked: bytes, streams: list[int]) -> int:
    """The process's id. It becomes a child of this process when the one between them ends."""
    with _lock:
        parent = _parent()
        _adopt(True)
        try:
            socket.send_fds(parent, [asked], streams)
            return int(parent.recv(32))
        finally:
            _adopt(False)


def _adopt(yes: bool) -> None:
    """Whether a process below this one, whose parent ends, becomes a child of this one."""
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, int(yes), 0, 0, 0)


@cache
def _parent() -> socket.socket:
    """Where to ask the process that has imported all; it ends with this one."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PERDURE_")}
    command = [sys.executable, "-m", "tests.prepared", str(its.fileno())]
    root = Path(__file__).parents[1]
    with its:
        process = subprocess.Popen(
            command, pass_fds=[its.fileno()], env=environment, cwd=root, stdin=subprocess.DEVNULL
        )
    atexit.register(process.wait)
    atexit.register(ours.close)
    return ours


def _prepare() -> None:
    """Import what the command, and a server, need."""
    from perdure._http.config import ServerConfig
    from perdure._server import running  # noqa: F401 - what `perdure server start` imports
    from perdure._server.app import create_app
    from perdure._store.embedded import EmbeddedOrchestrator
    from perdure.cli import main, server  # noqa: F401

    with tempfile.TemporaryDirectory() as folder:
        orchestrator = EmbeddedOrchestrator(Path(folder) / "perdure.db")
        create_app(orchestrator, ServerConfig())  # which imports and makes the routes
        orchestrator.close()
    gc.collect()
    gc.freeze()  # else a collection would copy the pages of all objects


def _serve(asks: socket.socket) -> None:
    """In the process that has imported all: fork for each that is asked for."""
    while True:
        message, streams, _, _ = socket.recv_fds(asks, _LIMIT, 3)
        if not message:
            return
        reading, writing = os.pipe()
        if (between := os.fork()) == 0:
            if child := os.fork():
                os.write(writing, str(child).encode())
                os._exit(0)
            for number in (reading, writing, asks.detach()):
                os.close(number)
            _become(json.loads(message), streams)
            return
        os.waitpid(between, 0)  # from now on, whoever has asked is the parent
        asks.send(os.read(reading, 32))
        for number in (reading, writing, *streams):
            os.close(number)


def _become(asked: dict[str, Any], streams: list[int]) -> None:
    """Be the process that is asked for."""
    kinds = [("stdin", "r", "strict"), ("stdout", "w", "strict"), ("stderr", "w", "backslashreplace")]
    for number, (stream, (name, mode, errors)) in enumerate(zip(streams, kinds, strict=True)):
        os.dup2(stream, number)
        os.close(stream)
        # What is there was made for other streams, which may be of another kind.
        buffering = 1 if name == "stderr" or asked["environment"].get("PYTHONUNBUFFERED") else -1
        file = open(number, mode, buffering, errors=errors, closefd=False)  # noqa: SIM115
        setattr(sys, name, file)
        setattr(sys, f"__{name}__", file)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may have it ignored
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["directory"])
    settings.reload()
    sys.modules.pop("tests", None)
    main = sys.modules["__main__"] = ModuleType("__main__")
    first, *rest = asked["arguments"]
    if first == "-m":
        sys.path[0] = asked["directory"]
        sys.argv = rest
        runpy._run_module_as_main(rest[0])  # type: ignore[attr-defined]
    elif first == "-c":
        sys.path[0] = ""
        sys.argv = [first, *rest[1:]]
        exec(compile(rest[0], "<string>", "exec"), main.__dict__)
    else:
        sys.path[0] = str(Path(first).resolve().parent)
        sys.argv = [first, *rest]
        main.__file__ = first
        exec(compile(Path(first).read_bytes(), first, "exec"), main.__dict__)


if __name__ == "__main__":
    _prepare()
    _serve(socket.socket(fileno=int(sys.argv[1])))
