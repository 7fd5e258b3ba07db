"""A cluster of Slurm on this machine, as root: a controller, a node and munge, each with files of its own."""

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.deployments.free_ports import free_port

PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "squeue", "scancel")
MISSING = [each for each in PROGRAMS if not (shutil.which(each) or shutil.which(each, path="/usr/sbin:/sbin"))]
IS_ROOT = hasattr(os, "getuid") and os.getuid() == 0
NEEDED = pytest.mark.skipif(
    bool(MISSING) or not IS_ROOT,
    reason=f"not installed: {', '.join(MISSING)}; `make engines` does that"
    if MISSING
    else "its controller is started as root",
)


@contextmanager
def slurm_cluster(folder: Path) -> Iterator[dict[str, str]]:
    """The variables of the environment by which Slurm's commands find it."""
    folder.chmod(0o755)
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    key, munge = folder / "key", folder / "munge"
    munge.mkdir(mode=0o755)  # everybody must reach the socket
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o400)
    host = socket.gethostname().partition(".")[0]
    for name in ("state", "spool"):
        (folder / name).mkdir()
    config = folder / "slurm.conf"
    config.write_text(
        f"ClusterName=here\nSlurmctldHost={host}(127.0.0.1)\nSlurmctldPort={free_port()}\nSlurmUser=root\n"
        f"AuthType=auth/munge\nAuthInfo=socket={munge}/socket\nCredType=cred/munge\n"
        f"StateSaveLocation={folder}/state\nSlurmdSpoolDir={folder}/spool\n"
        f"SlurmctldPidFile={folder}/ctld.pid\nSlurmdPidFile={folder}/slurmd.pid\n"
        f"SlurmctldLogFile={folder}/ctld.log\nSlurmdLogFile={folder}/slurmd.log\n"
        "ProctrackType=proctrack/pgid\nTaskPlugin=task/none\nAccountingStorageType=accounting_storage/none\n"
        "SlurmdParameters=config_overrides\nSchedulerType=sched/backfill\nSelectType=select/cons_tres\n"
        "SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=0,defer_batch=no\nKillWait=5\n"
        "ReturnToService=2\nMpiDefault=none\nMinJobAge=300\n"
        f"NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={free_port()} CPUs=64 RealMemory=4000 State=UNKNOWN\n"
        "PartitionName=all Nodes=n1 Default=YES MaxTime=60 State=UP OverSubscribe=FORCE:8\n"
    )
    environment = {"SLURM_CONF": str(config), "PATH": path}
    whole = os.environ | environment
    options = [f"--key-file={key}", f"--socket={munge}/socket", f"--pid-file={folder}/munged.pid"]
    options += [f"--log-file={folder}/munged.log", f"--seed-file={folder}/munged.seed", "--force"]
    started = [_started(["munged", "--foreground", *options], whole, folder)]
    try:
        _until(lambda: (munge / "socket").exists(), folder)
        started.append(_started(["slurmctld", "-D", "-c"], whole, folder))
        started.append(_started(["slurmd", "-D", "-N", "n1"], whole, folder))
        _until(lambda: _shown(whole) == "idle", folder)
        yield environment
    finally:
        for each in reversed(started):
            each.terminate()
        for each in started:
            try:
                each.wait(10)
            except subprocess.TimeoutExpired:
                each.kill()


def _shown(environment: dict[str, str]) -> str:
    command = ["sinfo", "--noheader", "--format=%T"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout.strip()


def _started(command: list[str], environment: dict[str, str], folder: Path) -> "subprocess.Popen[bytes]":
    program = shutil.which(command[0], path=environment["PATH"])
    assert program is not None
    with (folder / f"{command[0]}.said").open("wb") as said:
        return subprocess.Popen([program, *command[1:]], env=environment, stdout=said, stderr=said)


def _until(condition: object, folder: Path) -> None:
    assert callable(condition)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.1)
    logs = "\n".join(f"{path.name}: {path.read_text('utf-8', 'replace')[-1000:]}" for path in folder.glob("*.log"))
    raise AssertionError(f"Slurm did not start.\n{logs}")
