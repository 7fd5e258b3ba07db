"""`perdure service`: units of systemd for programs that serve flows, and for workers."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import Perdure

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


def has_systemd(folder: Path, **programs: str) -> dict[str, str]:
    """The environment of a machine with systemd whose programs do what these lines of a shell say."""
    for name, lines in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{lines}\n")
        (folder / name).chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}", "XDG_CONFIG_HOME": str(folder)}


@pytest.mark.parametrize(
    ("loginctl", "lasts", "said"),
    [("exit 0", True, "runs, also after a reboot"), ("echo Access denied >&2; exit 1", False, "until you log out")],
)
def test_what_is_not_to_survive_a_reboot_runs_and_says_what_root_has_to_do(
    loginctl: str, lasts: bool, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, perdure: Perdure
) -> None:
    for name, value in has_systemd(tmp_path, loginctl=loginctl, systemctl=f'echo "$@" >> {tmp_path}/asked').items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("perdure.cli.service.is_running", lambda: True)
    ended = perdure("service", "install", "--pool", "batch")
    assert said in " ".join(ended.stdout.split())
    assert ("sudo loginctl enable-linger" in " ".join(ended.stderr.split())) is not lasts
    assert (tmp_path / "asked").read_text().splitlines()[-1] == "--user restart perdure-worker-batch.service"
    assert json.loads(perdure("service", "install", "--pool", "batch", "--json").stdout)["survives_reboot"] is lasts


def test_without_a_session_of_systemd_it_says_how_to_begin_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, perdure: Perdure
) -> None:
    refuses = "echo Failed to connect to bus: No medium found >&2; exit 1"
    for name, value in has_systemd(tmp_path, loginctl=refuses, systemctl=refuses).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("perdure.cli.service.is_running", lambda: True)
    ended = perdure("service", "install", "--pool", "batch")
    assert ended.exit_code != 0
    assert "log in as this user, by ssh" in " ".join(ended.stderr.split())
