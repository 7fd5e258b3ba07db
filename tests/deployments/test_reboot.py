"""A newcomer's steps by the documentation, on a machine with a real systemd that is turned off, cut off, and on again.

`make reboot` makes the machine, and boots it by systemd-nspawn.
"""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
MACHINE = ROOT / ".cache" / "reboot"  # its files, and the packages that it installs
DATABASE = "home/ada/.perdure/perdure.db"
ADA = "systemd-run --quiet --wait --pipe --uid=ada -p PAMName=login -p WorkingDirectory=/home/ada -E HOME=/home/ada"
TIMES = (
    'schedules=[Cron("*/10 * * * * *", slug="all", catchup="all", catchup_window=timedelta(days=1)),'
    ' Cron("*/10 * * * * *", slug="latest")]'
)
IMPORTS = "from datetime import timedelta\nfrom perdure.schedules import Cron\n"
TICKS = (
    "SELECT q.schedule, q.tick / 1000000, f.state_type FROM queued_run AS q JOIN flow_run AS f ON f.id = q.flow_run_id"
    " ORDER BY q.tick"
)
pytestmark = [
    pytest.mark.machine,
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not (MACHINE / "tree").is_dir(), reason="`make reboot` makes the machine"),
    pytest.mark.skipif(shutil.which("systemd-nspawn") is None, reason="systemd-nspawn is not installed"),
]


class Machine:
    """A computer that can be turned on and off."""

    def __init__(self, files: Path) -> None:
        self.files = files

    def boot(self) -> None:
        options = [
            "--quiet",
            "--register=no",
            "--keep-unit",
            "--private-network",
            f"--machine={self.files.parent.name}",
        ]
        command = [
            "systemd-nspawn",
            *options,
            f"--bind-ro={MACHINE}/wheels:/wheels",
            f"--directory={self.files}",
            "--boot",
        ]
        self._booted = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        children = Path(f"/proc/{self._booted.pid}/task/{self._booted.pid}/children")
        self._first = until(lambda: children.read_text().strip())
        until(lambda: self.do("systemctl is-system-running --wait", check=False) in ("running", "degraded"))

    def do(self, command: str, check: bool = True) -> str:
        """Run a command as root; what it prints."""
        inside = ["nsenter", "--target", self._first, "--all", "--", "bash", "-c", command]
        ended = subprocess.run(inside, stdout=subprocess.PIPE, text=True, check=check)
        return ended.stdout.strip()

    def log_in(self, command: str) -> str:
        """Run a command as ada, as if she had logged in."""
        return self.do(f"{ADA} bash -c '{command}'")

    def turn_off(self) -> None:
        self.do("systemctl poweroff", check=False)
        self._booted.wait()

    def cut_off(self) -> None:
        os.kill(int(self._first), signal.SIGKILL)
        self._booted.wait()

    def ticks(self) -> list[tuple[str, int, str]]:
        with closing(sqlite3.connect(self.files / DATABASE)) as database:
            return database.execute(TICKS).fetchall()

    def ran_since(self, moment: float) -> bool:
        return any(tick > moment and state == "COMPLETED" for _, tick, state in self.ticks())


def until(asked: Callable[[], T]) -> T:
    """The first answer that says something."""
    while not (answer := asked()):
        time.sleep(1)
    return answer


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    files = tmp_path / f"perdure-{os.getpid()}" / "files"
    files.parent.mkdir()
    subprocess.run(["cp", "--archive", "--reflink=auto", MACHINE / "tree", files], check=True)
    made = Machine(files)
    yield made
    made.cut_off()


def test_by_the_documentation_a_schedule_survives_a_reboot_and_a_power_cut(machine: Machine) -> None:
    guide = (ROOT / "docs/guides/schedules.md").read_text("utf-8")
    service = re.search(
        r"\$ (perdure service install report\.py)$", (ROOT / "docs/guides/systemd.md").read_text(), re.MULTILINE
    )
    program = re.search(r"```python title=\"report\.py\"\n(.*?)```", guide, re.DOTALL)
    assert service is not None
    assert program is not None
    written = IMPORTS + program[1].replace('cron="0 6 * * 1-5", timezone="Europe/Oslo"', TIMES)
    assert TIMES in written
    machine.boot()
    machine.do("useradd --create-home --shell /bin/bash ada")
    steps = {
        "install": "python3 -m venv venv && venv/bin/pip install --quiet --no-index --find-links /wheels perdure",
        "by hand": "timeout --signal=INT 15 venv/bin/python report.py || true",
        "as a service": f"venv/bin/{service[1]} 2>&1",
    }
    (machine.files / "home/ada/report.py").write_text(written)
    for name, command in steps.items():
        began = time.monotonic()
        said = machine.log_in(command)
        print(f"{name}: {time.monotonic() - began:.0f} s\n{said}")
    assert "sudo loginctl enable-linger ada" in " ".join(said.split())  # it has no polkit, as small servers have none
    machine.do("loginctl enable-linger ada")
    until(lambda: machine.ran_since(time.time() - 20))
    machine.turn_off()
    time.sleep(75)  # what is missed for a minute is missed
    machine.boot()
    booted = time.time()
    until(lambda: machine.ran_since(booted))
    machine.cut_off()
    machine.boot()
    booted = time.time()
    until(lambda: machine.ran_since(booted))
    machine.turn_off()
    check(machine.ticks(), machine)
    machine.boot()


def check(ticks: list[tuple[str, int, str]], machine: Machine) -> None:
    """Each tick was made once, however often the machine was off, or was missed as its schedule says."""
    every = {slug: [tick for name, tick, _ in ticks if name == slug] for slug in ("all", "latest")}
    first, last = every["all"][0], every["all"][-1]
    assert every["all"] == list(range(first, last + 1, 10))
    with closing(sqlite3.connect(machine.files / DATABASE)) as database:
        (missed,) = database.execute(
            "SELECT coalesce(sum(json_extract(payload, '$.ticks')), 0) FROM event WHERE kind = 'schedule.missed'"
        ).fetchone()
    assert missed > 0
    assert len(every["latest"]) == len(set(every["latest"])) == len(every["all"]) - missed
