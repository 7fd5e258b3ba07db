"""`perdure service`: units of systemd for programs that serve flows, and for workers."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from perdure._worker.systemd import Service
from perdure.errors import WorkerError

ANALYZE = shutil.which("systemd-analyze")


def perdure(*arguments: str, **options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "perdure", "service", *arguments]
    return subprocess.run(command, env=os.environ | options, capture_output=True, text=True, check=False)


def verified(unit: Path, folder: Path, *scope: str) -> str:
    """What systemd finds wrong with a unit."""
    assert ANALYZE is not None
    environment = os.environ | {"XDG_RUNTIME_DIR": str(folder)}
    command = [ANALYZE, "verify", *scope, str(unit)]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stderr
    return "\n".join(line for line in said.splitlines() if unit.name in line)


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("user", [None, "root"])
def test_systemd_finds_nothing_wrong_with_a_unit_whatever_its_paths_and_settings(
    user: str | None, tmp_path: Path
) -> None:
    folder = tmp_path / 'a "100%" $HOME \\ folder'
    folder.mkdir()
    command = (sys.executable, "-u", str(folder / "a b.py"))
    service = Service("odd", command, folder, {"ODD": '"$x`\\'}, folder, user)
    (tmp_path / service.unit).write_text(service.text())
    assert verified(tmp_path / service.unit, tmp_path, *([] if user else ["--user"])) == ""


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
def test_what_is_wrong_with_a_unit_is_found(tmp_path: Path) -> None:
    unit = tmp_path / "perdure-wrong.service"
    unit.write_text("[Service]\nExecStart=no/absolute/path\n")
    assert "perdure-wrong" in verified(unit, tmp_path)


@pytest.mark.slow
def test_a_unit_starts_what_serves_with_the_settings_of_now(tmp_path: Path) -> None:
    file = tmp_path / "jobs.py"
    file.write_text(
        "from perdure import flow\n\n@flow\ndef f(): pass\n\n"
        "if __name__ == '__main__':\n    f.serve('one', cron='0 6 * * *')\n"
    )
    config = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "PERDURE_LEASE_SECONDS": "7"}
    ended = perdure("install", str(file), "--no-start", **config)
    assert ended.returncode == 0, ended.stderr
    unit = tmp_path / "config/systemd/user/perdure-jobs.service"
    assert str(unit) in ended.stdout.replace("\n", "")
    lines = dict(line.split("=", 1) for line in unit.read_text().splitlines() if "=" in line)
    variables = Path(lines["EnvironmentFile"])
    assert variables.stat().st_mode & 0o777 == 0o600
    environment = dict(shlex.split(line)[0].split("=", 1) for line in variables.read_text().splitlines())
    assert environment["PERDURE_LEASE_SECONDS"] == "7.0"
    process = subprocess.Popen(
        shlex.split(lines["ExecStart"]),
        env=environment,
        cwd=lines["WorkingDirectory"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "Serving:\n"
    process.send_signal(signal.SIGTERM)  # as systemd does
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert perdure("uninstall", "jobs", **config).returncode == 0
    assert not unit.exists()
    assert not variables.exists()


def test_a_worker_is_a_service_too(tmp_path: Path) -> None:
    ended = perdure("install", "--pool", "batch", "--limit", "4", "--dry-run", "--system", "--user", "flows")
    assert ended.returncode == 0, ended.stderr
    command = re.search("^ExecStart=(.*)$", ended.stdout, re.MULTILINE)
    assert command is not None
    start = ["-u", "-m", "perdure", "worker", "start", "--pool", "batch", "--limit", "4"]
    assert shlex.split(command[1]) == [sys.executable, *start]
    assert "User=flows\n" in ended.stdout
    assert "WantedBy=multi-user.target\n" in ended.stdout


def test_a_program_that_does_not_serve_is_not_started_and_says_why(tmp_path: Path) -> None:
    file = tmp_path / "once.py"
    file.write_text("from perdure import flow\n\n@flow\ndef f(): pass\n\nf()\n")
    ended = perdure("install", str(file), XDG_CONFIG_HOME=str(tmp_path))
    assert ended.returncode == 0
    assert "calls no serve()" in ended.stderr
    assert "systemctl --user restart perdure-once.service" in ended.stdout
    file.write_text("def f(:\n")
    assert "no program of Python" in perdure("install", str(file), XDG_CONFIG_HOME=str(tmp_path)).stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("install",), "--pool NAME"),
        (("install", "no_such.py"), "no file no_such.py"),
        (("uninstall", "never"), "no service 'never'"),
    ],
)
def test_what_cannot_be_a_service_says_why(arguments: tuple[str, ...], says: str, tmp_path: Path) -> None:
    ended = perdure(*arguments, XDG_CONFIG_HOME=str(tmp_path))
    assert ended.returncode != 0
    assert says in " ".join(ended.stderr.split())


def test_a_name_that_systemd_does_not_take_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="letters, digits"):
        Service("a b", ("x",), tmp_path, {}, tmp_path).write()
