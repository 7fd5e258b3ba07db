"""An OpenSSH server on the loopback device, with keys and configuration of its own."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getuser
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.deployments.free_ports import free_port

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/sbin")
NEEDED = pytest.mark.skipif(SSHD is None, reason="OpenSSH's server is not installed: `make engines` does that")


class SshServer(NamedTuple):
    made_of: dict[str, Any]  # what a job needs to get there
    process: "subprocess.Popen[bytes]"


@contextmanager
def ssh_server(folder: Path) -> Iterator[SshServer]:
    """A server that lets in this user by a key."""
    assert SSHD is not None
    if not Path("/run/sshd").exists():  # it separates its privileges there, and refuses to start without
        Path("/run/sshd").mkdir(mode=0o755)
    for name in ("host", "user"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True)
    shutil.copy(folder / "user.pub", folder / "authorized")
    port = free_port()
    config = folder / "sshd_config"
    config.write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\n"
        f"PidFile {folder}/pid\nStrictModes no\nPasswordAuthentication no\nUsePAM no\nPermitRootLogin yes\n"
        "MaxStartups 100\n"
    )
    process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(config)], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        (folder / "known").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
        options = [f"UserKnownHostsFile={folder}/known", f"IdentityFile={folder}/user", "IdentitiesOnly=yes"]
        there = {"host": "127.0.0.1", "port": port, "user": getuser(), "options": options}
        yield SshServer({**there, "python": sys.executable}, process)
    finally:
        process.terminate()
        process.wait()
