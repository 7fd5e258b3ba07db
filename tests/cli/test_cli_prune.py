"""`perdure result prune`"""

import json
import os
from pathlib import Path

from command_line import Perdure

from perdure import flow, task


def kept_once(runs: int) -> None:
    """Run a flow that keeps the results of its newest run only."""

    @flow(persist_result=True, result_retention="1 run")
    def daily() -> str:
        return "text"

    for _ in range(runs):
        daily()


def test_prune_dooms_first_and_removes_later(perdure: Perdure, home: Path):
    kept_once(3)
    doomed = perdure("result", "prune").output
    assert "Pending deletion: 2 results" in doomed
    assert "The first prune after their grace period of 1h 00m removes them." in doomed
    removed = perdure("result", "prune", "--grace", 0).output
    assert "Removed 2 results" in removed
    assert "of older runs than are kept" in removed
    assert len(list((home / "storage").iterdir())) == 1


def test_a_dry_run_of_prune_says_what_would_go(perdure: Perdure, home: Path):
    kept_once(2)
    assert "Would remove 1 result, " in perdure("result", "prune", "--dry-run", "--grace", 0).output
    assert len(list((home / "storage").iterdir())) == 2


def test_prune_as_json(perdure: Perdure):
    kept_once(2)
    pruned = json.loads(perdure("result", "prune", "--grace", 0, "--json").stdout)
    assert (pruned["count"], pruned["freed"][0]["reason"], pruned["failures"]) == (1, "runs", {})


def test_prune_says_how_to_say_how_long_to_keep(perdure: Perdure):
    assert "PERDURE_RESULTS_RETENTION" in perdure("result", "prune").output


def test_prune_lists_orphans_and_removes_them_when_asked(perdure: Perdure, home: Path):
    kept_once(1)
    orphan = home / "storage" / "lost"
    orphan.write_bytes(b'{"serializer": {}, "data": "", "perdure_version": "0"}')
    os.utime(orphan, (1_000_000_000, 1_000_000_000))
    listed = perdure("result", "prune").output
    assert "document" in listed
    assert "lost" in listed
    assert orphan.exists()
    assert "Orphans, removed" in perdure("result", "prune", "--orphans").output
    assert not orphan.exists()


def test_prune_refuses_a_negative_grace(perdure: Perdure):
    assert perdure("result", "prune", "--grace", -1).exit_code == 2


def test_prune_says_what_it_leaves_alone(perdure: Perdure, home: Path):
    @task(persist_result=True, result_retention="1 run", result_storage_key="report-{parameters[day]}")
    def report(day: int) -> str:
        return "text"

    @flow
    def daily(day: int) -> str:
        return report(day)

    for day in range(2):
        daily(day)
    perdure("result", "prune")
    (home / "storage" / "report-0").write_text("notes that somebody put there")
    os.utime(home / "storage" / "report-0", (900_000_000, 900_000_000))
    said = " ".join(perdure("result", "prune", "--grace", 0).output.split())
    assert "Left alone 1 record" in said
    assert "(report-0): it is no result document" in said
    (skipped,) = json.loads(perdure("result", "prune", "--grace", 0, "--json").output)["skipped"]
    assert skipped["keys"] == ["report-0"]
