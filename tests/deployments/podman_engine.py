"""Podman's service with files of its own, and an image whose programs are those of this machine, by volumes."""

import io
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest

IMAGE = "localhost/perdure-tests:1"
PROGRAMS = ("podman", "runc")
MISSING = [each for each in PROGRAMS if not (shutil.which(each) or shutil.which(each, path="/usr/sbin:/sbin"))]
IS_ROOT = hasattr(os, "getuid") and os.getuid() == 0
NEEDED = pytest.mark.skipif(
    bool(MISSING) or not IS_ROOT,
    reason=f"not installed: {', '.join(MISSING)}; `make engines` does that" if MISSING else "runc needs root",
)
_LINKS = ("bin", "lib", "lib64", "sbin")


class Engine(NamedTuple):
    url: str
    made_of: dict[str, Any]  # what a job needs to have the programs of this machine


@contextmanager
def podman_engine() -> Iterator[Engine]:
    """An engine, with an image in it."""
    with TemporaryDirectory(prefix="p", ignore_cleanup_errors=True) as folder:  # its paths may have 50 characters
        yield from _engine(Path(folder))


def _engine(folder: Path) -> Iterator[Engine]:
    config = folder / "containers.conf"
    config.write_text(
        '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\nnetns = "host"\n'
        'cgroups = "enabled"\nlog_driver = "k8s-file"\n'
        '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
    )
    (folder / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    environment = os.environ | {"CONTAINERS_CONF": str(config), "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
    storage = [f"--root={folder}/storage", f"--runroot={folder}/run", "--storage-driver=vfs", f"--tmpdir={folder}/tmp"]
    podman = ["podman", *storage]
    subprocess.run([*podman, "import", "-", IMAGE], input=_image(), env=environment, check=True, capture_output=True)
    path = folder / "s"  # a socket's path may not be long
    with (folder / "said").open("wb") as said:
        command = [*podman, "system", "service", "--time=0", f"unix://{path}"]
        process = subprocess.Popen(command, env=environment, stdout=said, stderr=said)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(OSError), socket.socket(socket.AF_UNIX) as tried:
                tried.connect(str(path))
                break
            time.sleep(0.05)
        roots = {Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve(), Path(__file__).parents[2]}
        outside = [root for root in sorted(roots) if not root.is_relative_to("/usr")]
        volumes = [f"{each}:{each}:ro" for each in (Path("/usr"), Path("/etc"), *outside)]
        yield Engine(
            f"unix://{path}", {"image": IMAGE, "volumes": volumes, "network_mode": "host", "python": sys.executable}
        )
    finally:
        process.terminate()
        process.wait()
        subprocess.run([*podman, "rm", "--all", "--force"], env=environment, capture_output=True, check=False)
        subprocess.run([*podman, "rmi", "--all", "--force"], env=environment, capture_output=True, check=False)


def _image() -> bytes:
    """A file system that has nothing but places for what is mounted."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name in ("usr", "etc", "tmp", "proc", "sys", "dev"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(folder)
        for name in _LINKS:
            if Path("/", name).is_symlink():
                link = tarfile.TarInfo(name)
                link.type, link.linkname = tarfile.SYMTYPE, str(Path("/", name).readlink())
                tar.addfile(link)
    return content.getvalue()
