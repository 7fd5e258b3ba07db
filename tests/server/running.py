"""Real servers, each a process of its own."""

import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.prepared import Prepared

_START_SECONDS = 120  # a machine may be busy: how long it takes is another test's affair


def free_port() -> int:
    """A port that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(database: str, *options: str, port: int | None = None) -> Iterator[str]:
    """The address of a server on a database: a path or a URL."""
    port = port or free_port()
    command = ["-m", "perdure", "server", "start", f"--port={port}", f"--database={database}", *options]
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile("w+") as output:  # not a pipe, in which a server that says much would stand still
        process = Prepared(*command, stdout=output, stderr=subprocess.STDOUT)
        try:
            wait_for(address, process)
            yield address
        finally:
            process.terminate()
            process.wait(timeout=30)
            output.seek(0)
            print(output.read())  # pytest shows it where a test failed


def wait_for(address: str, process: "subprocess.Popen[Any]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            httpx.get(f"{address}/api/ready", timeout=5, verify=False).raise_for_status()  # quicker: no certificates
        except httpx.HTTPError:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise RuntimeError(f"The server did not start: {process.communicate()[0]}") from None
            time.sleep(0.05)
        else:
            return
