"""`perdure doctor`: each thing that keeps flows from running is found, with what to do."""

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from command_line import Perdure, Program

from perdure import flow, session, settings
from perdure._platform.clock import system_clock
from perdure._platform.ids import new_id
from perdure._rooms.deployments.due_runs import make_due_runs
from perdure._rooms.deployments.port import WorkerRecord
from perdure._run.process_identity import this_process
from perdure.blocks.system import Secret
from perdure.cli import doctor_checks
from perdure.cli.load_flow import load_flow
from perdure.filesystems import LocalFileSystem
from perdure.records import FlowRunRecord, StartRecord, StateRecord
from perdure.schedules import Interval
from perdure.serializers import new_key
from perdure.states import StateType

NEVER = 2**22 + 1  # a process number that Linux does not give


def findings(perdure: Perdure) -> dict[tuple[str, str], dict[str, Any]]:
    """What is not as it should be, by level and subject."""
    found = json.loads(perdure("doctor", "--json").stdout)
    return {(each["level"], each["subject"]): each for each in found if each["level"] != "ok"}


def test_a_fresh_home_is_well(perdure: Perdure):
    result = perdure("doctor")
    assert result.exit_code == 0
    assert "All is well." in result.stdout
    assert {line.split()[0] for line in result.stdout.splitlines()[:-2]} == {"✓"}


def test_what_is_made_to_check_is_removed(perdure: Perdure, home: Path):
    perdure("doctor")
    assert not [path for path in home.rglob("*") if "doctor" in path.name]


def test_a_misspelled_variable_is_a_warning_with_the_nearest_setting(perdure: Perdure, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PERDURE_RESULT_RETENTION", "1d")
    found = findings(perdure)["warning", "settings"]
    assert found["text"].startswith("PERDURE_RESULT_RETENTION is no setting")
    assert "PERDURE_RESULTS_RETENTION" in found["remedy"]


def test_settings_that_cannot_be_read_are_a_problem(perdure: Perdure, home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("perdure._settings.settings._current", None)
    home.write_text("a file")
    result = perdure("doctor")
    assert result.exit_code == 1
    assert "✗ settings" in result.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_a_home_that_others_may_read_is_a_warning(perdure: Perdure, home: Path):
    home.mkdir(mode=0o755)
    home.chmod(0o755)
    assert f"chmod -R go= {home}" in findings(perdure)["warning", "home"]["remedy"]


@pytest.mark.skipif(sys.platform != "linux", reason="Nobody can write to /proc there, root neither")
def test_a_home_that_is_not_writable_is_one_problem(perdure: Perdure, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PERDURE_HOME", "/proc/perdure")
    settings.reload()
    found = json.loads(perdure("doctor", "--json").stdout)
    assert [each["subject"] for each in found if each["level"] != "ok"] == ["home"]


def test_a_disk_that_is_nearly_full_is_a_warning(perdure: Perdure, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor_checks, "_LITTLE_SPACE", 1 << 62)
    assert "prune" in findings(perdure)["warning", "home"]["remedy"]


def test_a_damaged_database_is_a_problem(perdure: Perdure, home: Path):
    flow(name="some")(lambda: 1)()
    session.close()
    with (home / "perdure.db").open("r+b") as file:
        file.seek(8192)
        file.write(os.urandom(4096 * 12))
    assert ("problem", "database") in findings(perdure)


def test_a_server_that_is_away_is_a_problem_and_reports_that_wait_a_warning(
    perdure: Perdure, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PERDURE_API_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("PERDURE_SERVER_PATIENCE_SECONDS", "0")
    settings.reload()
    flow(name="some")(lambda: 1)()
    found = findings(perdure)
    assert "perdure server start" in found["problem", "server"]["remedy"]
    assert "wait to be delivered" in found["warning", "server"]["text"]


def test_a_storage_that_gives_other_bytes_is_a_problem(perdure: Perdure, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(LocalFileSystem, "read", lambda *_: b"other")
    assert "other bytes" in findings(perdure)["problem", "storage"]["text"]


def test_a_missing_block_of_the_default_storage_is_a_problem(perdure: Perdure, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PERDURE_DEFAULT_RESULT_STORAGE_BLOCK", "local-file-system/gone")
    settings.reload()
    assert "local-file-system/gone" in findings(perdure)["problem", "storage"]["text"]


def test_a_default_storage_that_is_no_storage_is_a_problem(perdure: Perdure, monkeypatch: pytest.MonkeyPatch):
    Secret(value="x").save("one")
    monkeypatch.setenv("PERDURE_DEFAULT_RESULT_STORAGE_BLOCK", "secret/one")
    settings.reload()
    assert "is a Secret, not a Storage" in findings(perdure)["problem", "storage"]["text"]


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_clock_that_differs_from_that_of_the_disk_is_a_warning(
    perdure: Perdure, monkeypatch: pytest.MonkeyPatch, hours: int
):
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Clock":
            return cls.fromtimestamp((datetime.now(UTC) + timedelta(hours=hours)).timestamp(), tz)

    monkeypatch.setattr(doctor_checks, "datetime", Clock)
    text = findings(perdure)["warning", "clock"]["text"]
    assert ("after" if hours > 0 else "before") in text


def test_a_lost_run_is_a_warning_that_names_it(perdure: Perdure):
    id, now = new_id(), system_clock()
    process = this_process()._replace(id=new_id(), pid=NEVER)
    session.current().orchestrator.commit(
        [
            process,
            FlowRunRecord(id, "monday", "nightly", None, None, None, "[]", "{}", now),
            StateRecord(id, False, StateType.RUNNING, "Running", None, now),
            StartRecord(
                id, process.id, json.dumps({"target": "nightly.py:nightly", "directory": "/"}), "json:{}", None
            ),
        ]
    )
    found = findings(perdure)["warning", "runs"]
    assert "monday" in found["text"]
    assert "perdure flow-run resume" in found["remedy"]


def test_a_served_deployment_whose_program_is_down_is_a_warning(perdure: Perdure, program: Program):
    flow = load_flow(str(program("@flow\ndef report():\n    return 1\n")))
    of = flow.deploy("nightly", work_pool="serve:report/nightly", cron="0 6 * * *")
    assert "nothing serves report/nightly" in findings(perdure)["warning", "workers"]["text"]
    session.current().orchestrator.deployments.pause(of.id, 1)
    assert not findings(perdure)


def test_ticks_that_come_faster_than_runs_end_are_a_warning(
    perdure: Perdure, program: Program, monkeypatch: pytest.MonkeyPatch
):
    flow = load_flow(str(program("@flow\ndef report():\n    return 1\n")))
    of = flow.deploy("often", work_pool="batch", schedules=[Interval(60, catchup="all")])
    known, now = session.current().orchestrator, system_clock()
    make_due_runs(now + 1_200_000_000, known)
    monkeypatch.setattr(doctor_checks, "system_clock", lambda: now + 1_200_000_000)
    beat = WorkerRecord(new_id(), "w", "batch", "process", "0", "host", 1, None, 0, now, now + 1_200_000_000)
    known.deployments.beat(beat)
    assert "20 runs of schedules of report/often wait, the first for" in findings(perdure)["warning", "workers"]["text"]
    assert "20 runs" in perdure("deployment", "inspect", "often").stdout
    known.deployments.delete(of.id, now)
    assert not findings(perdure)


def test_what_the_keys_of_now_did_not_sign_is_a_warning(perdure: Perdure, program: Program):
    load_flow(str(program("@flow\ndef report():\n    return 1\n"))).deploy("nightly", work_pool="batch")
    with settings.temporary_settings(results_signing_keys=new_key()):
        assert "report/nightly is not signed" in findings(perdure)["warning", "signatures"]["text"]


def test_runs_that_no_worker_takes_are_a_warning(perdure: Perdure, program: Program, monkeypatch: pytest.MonkeyPatch):
    load_flow(str(program("@flow\ndef report():\n    return 1\n"))).deploy("nightly", work_pool="batch")
    perdure("deployment", "run", "nightly")
    assert not findings(perdure)  # it may still begin in time
    monkeypatch.setenv("PERDURE_LATE_AFTER_SECONDS", "0")
    settings.reload()
    assert "perdure worker start --pool batch" in findings(perdure)["warning", "workers"]["remedy"]
