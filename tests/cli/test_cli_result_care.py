"""`perdure result show, diff, verify, copy` and `rm`"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import Perdure

from perdure import flow, session, settings, task
from perdure.records import ResultFilter
from perdure.serializers import new_key

LARGE = b"large" * 100_000


@pytest.fixture
def days() -> None:
    """Two runs of a flow, `monday` and `tuesday`, in each of which `load` makes what `total` takes."""

    @task(persist_result=True)
    def load(day: str) -> dict[str, Any]:
        return {"day": day, "orders": [1, 2]}

    @task(persist_result=True)
    def total(raw: dict[str, Any]) -> list[int]:
        return [sum(raw["orders"])]

    @flow(flow_run_name="{day}", persist_result=True)
    def sales(day: str) -> bytes:
        total(load(day))
        return LARGE

    sales("monday")
    sales("tuesday")


def test_show_shows_what_a_result_was_made_from_and_went_into(perdure: Perdure, days: None):
    shown = perdure("result", "show", "monday/load-0").stdout
    assert shown.startswith("returned by  monday/load-0  ")
    assert "Went into\n✓ Completed  total-0  as raw" in shown
    assert "Made from\n✓ Completed  load-0  as raw" in perdure("result", "show", "monday/total-0").stdout
    described = json.loads(perdure("result", "show", "monday/load-0", "--json").stdout)
    assert [each["name"] for each in described["went_into"]] == ["raw"]
    assert described["made_from"] == []


def test_show_reports_the_payload_and_how_to_load_the_value(perdure: Perdure, days: None):
    shown = perdure("result", "show", "monday").stdout
    assert re.search(r"payload +488\.\d KiB in 1 chunk", shown)
    id = json.loads(perdure("result", "show", "monday", "--json").stdout)["run_id"]
    assert f'value = get_result("{id}")' in shown


def test_show_has_the_preview(perdure: Perdure, days: None):
    known = session.current().orchestrator
    record = known.results(ResultFilter())[0]
    preview = {"kind": "json", "type": "builtins.int", "value": 4711}
    known.report((record._replace(preview=json.dumps(preview)),))
    assert "Preview\n4711" in perdure("result", "show", record.run_id).stdout
    assert json.loads(perdure("result", "show", record.run_id, "--json").stdout)["preview"] == preview


def test_show_of_a_result_whose_document_is_gone_says_so(perdure: Perdure, home: Path, days: None):
    for path in (home / "storage").iterdir():
        path.unlink()
    ended = perdure("result", "show", "monday")
    assert ended.exit_code == 0
    assert "document     Nothing is stored at" in ended.stdout


def test_diff_ends_with_0_for_the_same_and_1_for_a_difference(perdure: Perdure, days: None):
    same = perdure("result", "diff", "monday", "tuesday")
    assert (same.exit_code, same.stdout) == (0, "The results are the same. Their digests say so.\n")
    other = perdure("result", "diff", "monday/load-0", "tuesday/load-0")
    assert (other.exit_code, other.stdout) == (1, "~ ['day']  'monday' → 'tuesday'\n1 difference\n")


def test_diff_ends_with_2_if_there_is_nothing_to_compare(perdure: Perdure, days: None):
    ended = perdure("result", "diff", "monday", "sunday")
    assert ended.exit_code == 2
    assert ended.stderr.startswith("Error: There is no run 'sunday'.")


def test_diff_as_json_has_every_change(perdure: Perdure, days: None):
    shown = json.loads(perdure("result", "diff", "monday/load-0", "tuesday/load-0", "--json").stdout)
    assert (shown["is_same"], shown["by"], shown["changes"][0]["path"]) == (False, "value", "['day']")


def test_quick_diff_loads_nothing(perdure: Perdure, days: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("perdure._results.difference.get_result", None)
    ended = perdure("result", "diff", "monday/load-0", "tuesday/load-0", "--quick")
    said = ended.stdout.splitlines()[-1].partition(";")[0]
    assert (ended.exit_code, said) == (1, "The results have different digests")


@pytest.mark.parametrize("quick", [(), ("--quick",)])
def test_verify_ends_with_1_and_names_what_is_wrong(perdure: Perdure, home: Path, days: None, quick: tuple[str, ...]):
    assert "6 results checked" in (whole := perdure("result", "verify", "--all", *quick)).stdout
    assert whole.exit_code == 0
    (home / "storage" / json.loads(perdure("result", "show", "monday", "--json").stdout)["storage_key"]).unlink()
    ended = perdure("result", "verify", "--all", *quick)
    assert ended.exit_code == 1
    assert ended.stdout.startswith("missing      monday  ")
    assert "5 ok, 1 missing" in ended.stdout
    shown = json.loads(perdure("result", "verify", "--all", "--json", *quick).stdout)
    assert (shown["checked"], shown["counts"]) == (6, {"ok": 5, "missing": 1})
    assert [each["finding"] for each in shown["wrong"]] == ["missing"]


def test_verify_of_one_run_looks_at_no_other(perdure: Perdure, days: None):
    assert json.loads(perdure("result", "verify", "monday", "--json").stdout)["checked"] == 1


@pytest.mark.parametrize("arguments", [(), ("monday", "--all")])
def test_verify_takes_either_runs_or_all(perdure: Perdure, arguments: tuple[str, ...]):
    assert perdure("result", "verify", *arguments).exit_code == 2


def test_copy_takes_several_results_to_a_place(perdure: Perdure, tmp_path: Path, days: None):
    (tmp_path / "other").mkdir()
    ended = perdure("result", "copy", "monday", "monday/load-0", "--to", tmp_path / "other")
    assert [line.split(" (")[0] for line in ended.stdout.splitlines()[::2]] == ["Copied monday", "Copied load-0"]
    assert "The run's result is the copy from now on." in ended.stdout
    assert perdure("result", "get", "monday").stdout_bytes == LARGE


def test_copy_as_json_shows_both_places(perdure: Perdure, home: Path, tmp_path: Path, days: None):
    (tmp_path / "other").mkdir()
    arguments = ("monday", "--to", tmp_path / "other", "--key", "named", "--move", "--json")
    (shown,) = json.loads(perdure("result", "copy", *arguments).stdout)
    assert shown["location"] == str(tmp_path / "other" / "named")
    assert shown["is_moved"]
    assert not Path(shown["origin"]).exists()


def test_one_key_does_not_hold_two_results(perdure: Perdure, tmp_path: Path, days: None):
    assert perdure("result", "copy", "monday", "tuesday", "--to", tmp_path, "--key", "k").exit_code == 2


def test_rm_asks_and_removes_nothing_unless_the_answer_is_yes(perdure: Perdure, days: None):
    ended = perdure("result", "rm", "monday")  # nobody answers
    assert ended.exit_code == 1
    assert re.search(r"Remove 1 result \(48\d\.\d KiB\) permanently: monday\?", ended.stdout)
    assert perdure("result", "get", "monday").stdout_bytes == LARGE


def test_a_removed_result_is_listed_as_such_and_says_when_it_went(perdure: Perdure, home: Path, days: None):
    assert perdure("result", "rm", "monday", "--yes").stdout.startswith("Removed 1 result; 48")
    assert "monday  bytes" in perdure("result", "ls", "--removed").stdout
    assert "monday  bytes" not in perdure("result", "ls").stdout
    assert "was removed from its storage on" in perdure("result", "get", "monday").stderr
    assert "removed      " in perdure("result", "show", "monday").stdout
    assert "removed on" in perdure("flow-run", "inspect", "monday").stdout


def test_rm_removes_none_if_one_is_still_needed(perdure: Perdure):
    @task(cache_key_fn=lambda *_: "today", persist_result=True)
    def cached() -> list[int]:
        return [1]

    @flow(flow_run_name="caches", persist_result=True)
    def caches() -> list[int]:
        return cached()

    caches()
    ended = perdure("result", "rm", "caches", "cached-0", "--yes")
    assert ended.exit_code == 1
    assert "cached-0: the cache key 'today' refers to it. --force removes it anyway." in ended.stderr
    assert json.loads(perdure("result", "rm", "caches", "cached-0", "--yes", "--force", "--json").stdout)[0]["freed"]


def test_rm_of_a_name_that_several_runs_have_removes_nothing_and_lists_their_ids(perdure: Perdure, days: None):
    ended = perdure("result", "rm", "load-0", "--yes")
    assert ended.exit_code == 1
    for run in json.loads(perdure("task-run", "ls", "--task", "load", "--json").stdout):
        assert run["id"] in ended.stderr
    assert len(json.loads(perdure("result", "ls", "--json").stdout)) == 6


def listed(perdure: Perdure, *options: str) -> set[str]:
    return {each["run_id"] for each in json.loads(perdure("result", "ls", *options, "--json").stdout)}


def test_rm_by_options_says_how_many_and_how_much_before_it_removes(perdure: Perdure, days: None):
    ended = perdure("result", "rm", "--task", "load")  # nobody answers
    assert re.search(r"Remove 2 results \(\d+ B\) permanently: tuesday/load-0, monday/load-0\?", ended.stdout)
    assert len(listed(perdure)) == 6
    perdure("result", "rm", "--task", "load", "--yes")
    assert listed(perdure, "--removed") == listed(perdure, "--task", "load", "--removed")
    assert len(listed(perdure)) == 4


def test_a_dry_run_of_rm_removes_nothing(perdure: Perdure, home: Path, days: None):
    files = sorted((home / "storage").iterdir())
    shown = perdure("result", "rm", "--larger-than", "1KiB", "--dry-run").stdout
    assert re.fullmatch(r"Would remove 2 results \(977\.\d KiB\): tuesday, monday\.\n", shown)
    planned = json.loads(perdure("result", "rm", "--larger-than", "1KiB", "--dry-run", "--json").stdout)
    assert {each["run_id"] for each in planned} == listed(perdure, "--larger-than", "1KiB")
    assert sorted((home / "storage").iterdir()) == files


def test_rm_by_options_passes_over_what_is_still_needed(perdure: Perdure, days: None):
    @task(cache_key_fn=lambda: "load")
    def load(day: str) -> dict[str, str]:
        return {"day": day}

    load("friday")
    ended = perdure("result", "rm", "--task", "load", "--yes")
    assert ended.stderr.endswith("1 result skipped, since something still needs them.\n")
    assert ended.stdout.startswith("Removed 2 results;")
    assert perdure("result", "rm", "--task", "load", "--yes", "--force").stdout.startswith("Removed 1 result;")


def test_a_document_of_several_removed_results_is_freed_once(perdure: Perdure, home: Path):
    @task(persist_result=True, result_storage_key="shared")
    def share(n: int) -> bytes:
        return bytes(n)

    for n in (1, 200_000):
        share(n)
    size = sum(path.stat().st_size for path in (home / "storage").iterdir())
    removals = json.loads(perdure("result", "rm", "--task", "share", "--yes", "--json").stdout)
    assert sum(each["freed"] for each in removals) == size
    assert list((home / "storage").iterdir()) == []


@pytest.mark.parametrize("arguments", [(), ("monday", "--flow", "sales")])
def test_rm_takes_either_runs_or_options(perdure: Perdure, arguments: tuple[str, ...]):
    assert perdure("result", "rm", *arguments, "--yes").exit_code == 2


def test_verify_checks_only_what_its_options_choose(perdure: Perdure, days: None):
    shown = json.loads(perdure("result", "verify", "--task", "load", "--newer-than", "1h", "--json").stdout)
    assert (shown["checked"], shown["counts"]) == (2, {"ok": 2})


def test_verify_says_which_run_overwrote_a_result_and_finds_nothing_wrong_in_that(perdure: Perdure):
    @task(persist_result=True, result_storage_key="report", task_run_name="report-of-{n}")
    def report(n: int) -> list[int]:
        return [n]

    ids = [report(n, return_state=True).run_id for n in (1, 2)]
    ended = perdure("result", "verify", "--all")
    assert ended.exit_code == 0
    assert f"overwritten  report-of-1  {ids[0]}" in ended.stdout
    assert f"by run 'report-of-2' ({ids[1]})" in " ".join(ended.stdout.split())
    compared = perdure("result", "diff", "report-of-1", "report-of-2")
    assert (compared.exit_code, compared.stdout) == (2, "")
    assert f"was overwritten by run 'report-of-2' ({ids[1]})" in compared.stderr


@pytest.fixture
def spring(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Has the rings be of these keys; at first of "spring", which signs and encrypts two results."""
    made: dict[str, str] = {}

    def use(*ids: str) -> None:
        session.close()
        ring = ",".join(made.setdefault(id, new_key(id)) for id in ids)
        for name in ("SIGNING", "ENCRYPTION"):
            monkeypatch.setenv(f"PERDURE_RESULTS_{name}_KEYS", ring)
        settings.reload()

    @task(persist_result=True, result_serializer="encrypted/pickle")
    def hide(n: int) -> list[int]:
        return [n]

    use("spring")
    for n in range(2):
        hide(n)
    yield use
    session.close()
    monkeypatch.undo()
    settings.reload()


def test_show_says_which_keys_a_document_needs_and_whether_they_are_here(
    perdure: Perdure, spring: Callable[..., None], monkeypatch: pytest.MonkeyPatch
):
    id = json.loads(perdure("result", "ls", "--json").stdout)[0]["run_id"]
    assert "encrypted    with the key 'spring', which is here" in perdure("result", "show", id).stdout
    document = json.loads(perdure("result", "show", id, "--json").stdout)["document"]
    assert (document["signing_key"], document["has_signing_key"]) == ("spring", True)
    assert (document["encryption_key"], document["has_encryption_key"]) == ("spring", True)
    spring("summer")
    shown = perdure("result", "show", id)
    assert "'spring', which PERDURE_RESULTS_SIGNING_KEYS does not have" in " ".join(shown.stdout.split())
    monkeypatch.delenv("PERDURE_RESULTS_SIGNING_KEYS")
    settings.reload()
    document = json.loads(perdure("result", "show", id, "--json").stdout)["document"]
    assert (document["encryption_key"], document["has_encryption_key"]) == ("spring", False)


def test_rewrite_moves_results_to_the_first_keys(perdure: Perdure, spring: Callable[..., None]):
    spring("summer", "spring")
    planned = perdure("result", "rewrite", "--all", "--dry-run").stdout
    assert planned == "Would rewrite 2 results (2 encrypted, 2 signed).\n"
    assert perdure("result", "rewrite", "--task", "hide").stdout == planned.replace("Would rewrite", "Rewrote")
    assert perdure("result", "rewrite", "--all").stdout == "Rewrote 0 results; 2 as they should be.\n"
    spring("summer")
    assert perdure("result", "get", "hide-0").stdout == "[\n  1\n]\n"


def test_rewrite_ends_with_1_and_names_what_it_could_not_rewrite(perdure: Perdure, spring: Callable[..., None]):
    spring("summer")
    ended = perdure("result", "rewrite", "--all")
    assert ended.exit_code == 1
    assert ended.stdout.startswith("not rewritten  hide-0  ")
    assert ended.stdout.endswith("Rewrote 0 results; 2 could not be.\n")
    shown = json.loads(perdure("result", "rewrite", "--all", "--json").stdout)
    assert ["signed with the key 'spring'" in each["reason"] for each in shown["results"]] == [True, True]
