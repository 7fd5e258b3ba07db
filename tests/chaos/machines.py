"""Two machines on this one: networks, host names, namespaces of processes and clocks of their own.

Only root may make them. A link is cut by taking an end of it down, as by pulling a cable, which the machine at that end
sees; or by dropping all packets, as a broken router does, which nobody sees: connections stay half open.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple

from tests.at_the_end import AT_THE_END

Cut = Literal["down", "dropped"]
CUTS: tuple[Cut, ...] = ("down", "dropped") if shutil.which("iptables") else ("down",)
NEEDS_IPTABLES = "packets are dropped by iptables, which is a package of that name"
NEEDS_ROOT = "only root may make namespaces of networks and of processes"
LEASE = 1.5  # seconds
_ADDRESSES = ("10.213.0.1", "10.213.0.2")
_PORT = 4200
_NEWNS, _NEWUTS, _NEWPID, _NEWNET = 0x20000, 0x4000000, 0x20000000, 0x40000000
_PRIVATE_BELOW = 0x40000 | 0x4000  # MS_PRIVATE | MS_REC
_libc = ctypes.CDLL(None, use_errno=True)


class Place(NamedTuple):
    """Where a process runs: as on another machine, as far as it can tell."""

    network: str | None = None  # the name of a namespace
    host: str | None = None  # its host name
    own_processes: bool = False  # whether processes have other numbers there
    own_proc: bool = True  # whether /proc there tells of them by these
    ahead: float = 0.0  # seconds by which its clock is ahead


class Link:
    """A server on one machine, and a link to another one that can be cut."""

    def __init__(self) -> None:
        self.there, self.here = (f"perdure{os.getpid()}{end}" for end in "sc")  # the server's machine, and the other
        self._folder = TemporaryDirectory(prefix="perdure-link-")
        self.database = Path(self._folder.name) / "server.db"
        self.url = f"http://{_ADDRESSES[0]}:{_PORT}"
        for name in (self.there, self.here):
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        AT_THE_END.callback(self.close)
        _ip("-n", self.there, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", self.here)
        for name, address in zip((self.there, self.here), _ADDRESSES, strict=True):
            _ip("-n", name, "address", "add", f"{address}/24", "dev", "cable")
            _ip("-n", name, "link", "set", "cable", "up")
        self._server = self._started()

    def cut(self, how: Cut) -> None:
        """Nothing arrives any more, either way."""
        if how == "down":
            _ip("-n", self.there, "link", "set", "cable", "down")
            return
        for chain, end in (("INPUT", "-i"), ("OUTPUT", "-o")):
            _ip("netns", "exec", self.there, "iptables", "-w", "-A", chain, end, "cable", "-j", "DROP")

    def heal(self) -> None:
        """All arrives again."""
        _ip("-n", self.there, "link", "set", "cable", "up")
        if "dropped" in CUTS:
            _ip("netns", "exec", self.there, "iptables", "-w", "-F")

    def close(self) -> None:
        """End the server and remove the networks."""
        self._server.kill()
        self._server.wait()
        for name in (self.there, self.here):
            subprocess.run(["ip", "netns", "del", name], check=False)
        self._folder.cleanup()

    def _started(self) -> subprocess.Popen[bytes]:
        command = [
            *("ip", "netns", "exec", self.there, sys.executable, "-m", "perdure", "server", "start", "--insecure"),
            *(f"--host={_ADDRESSES[0]}", f"--port={_PORT}", f"--database={self.database}"),
        ]
        environment = os.environ | {
            "PERDURE_HOME": self._folder.name,
            "PERDURE_LEASE_SECONDS": str(LEASE),
            "PERDURE_SERVICE_LOST_SECONDS": "0.3",
        }
        said = Path(self._folder.name) / "said"
        with said.open("wb") as out:
            process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
        probe = [sys.executable, "-c", _PROBE, _ADDRESSES[0], str(_PORT)]
        for _ in range(300):
            if subprocess.run(["ip", "netns", "exec", self.there, *probe], check=False).returncode == 0:
                return process
            time.sleep(0.1)
        raise RuntimeError(f"The server does not answer: {said.read_text()}")


_PROBE = "import socket, sys; sys.exit(socket.socket().connect_ex((sys.argv[1], int(sys.argv[2]))) != 0)"


@cache
def link() -> Link:
    """The machines of this process's stories."""
    return Link()


def enter(place: Place) -> None:
    """Have this process, from now on, be in a place; one with processes of its own continues as a child of this one."""
    if place.network is not None:
        with Path(f"/run/netns/{place.network}").open() as network:
            _done(_libc.setns(network.fileno(), _NEWNET))
    if place.host is not None:
        _done(_libc.unshare(_NEWUTS))
        _done(_libc.sethostname(place.host.encode(), len(place.host)))
    if place.own_processes:
        _done(_libc.unshare(_NEWPID | _NEWNS))
        child = os.fork()
        if child:
            signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGKILL))
            os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) % 256)
        if place.own_proc:
            _done(_libc.mount(None, b"/", None, _PRIVATE_BELOW, None))
            _done(_libc.mount(b"proc", b"/proc", b"proc", 0, None))
    if place.ahead:
        _set_clock(place.ahead)


def _set_clock(ahead: float) -> None:
    nanoseconds: Callable[[], int] = time.time_ns
    seconds: Callable[[], float] = time.time
    time.time_ns = lambda: nanoseconds() + int(ahead * 1e9)
    time.time = lambda: seconds() + ahead


def _done(answer: int) -> None:
    if answer:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
