"""`perdure deploy`: what perdure.toml declares is made."""

import json
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from command_line import Perdure
from jsonschema import Draft202012Validator

from perdure import session
from perdure._rooms.deployments.definition import definition_of_text

FLOWS = """
from perdure import flow

@flow
def report(x: int = 1, day: str = ""):
    return x

@flow
def other():
    pass

report.deploy if False else None
"""
DECLARED = """
[[deployments]]
name = "nightly"
entrypoint = "flows.py:report"
parameters = { x = 3, day = "today" }
schedules = [
    { cron = "0 6 * * 1-5", timezone = "Europe/Oslo", slug = "weekdays", catchup = "all", catchup_window = 7200 },
    { interval = 600, active = false, anchor = 2024-01-01T00:05:00Z, exclude = [2026-12-25] },
]
work_pool = "batch"
tags = ["prod"]
concurrency_limit = 1
overlap = "skip"

[[deployments]]
name = "by hand"
entrypoint = "flows.py:other"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "flows.py").write_text(FLOWS)
    (tmp_path / "perdure.toml").write_text(DECLARED)
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    return tmp_path


def known() -> Any:
    return session.current().orchestrator.deployments


def test_what_the_file_declares_is_made(perdure: Perdure, folder: Path):
    said = perdure("deploy", "--all").output
    assert "report/nightly: deployed." in said
    assert "perdure worker start --pool batch --pool default" in said
    of = known().named("report", "nightly")
    definition = definition_of_text(of.definition)
    assert definition.entry_point["target"].endswith(":report")
    assert definition.entry_point["directory"] == str(folder)
    assert (definition.parameters, definition.tags) == ({"x": 3, "day": "today"}, ("prod",))
    assert (of.work_pool, of.concurrency_limit, of.overlap) == ("batch", 1, "skip")
    schedules = {each.slug: each for each in known().schedules(of.id)}
    assert json.loads(schedules["weekdays"].definition)["catchup_window"] == 7200
    assert schedules["interval"].paused is not None
    assert known().named("other", "by hand") is not None


def test_one_is_made_by_its_name(perdure: Perdure, folder: Path):
    perdure("deploy", "report/nightly")
    assert [each.name for each in known().all()] == ["nightly"]


def test_several_are_made_only_when_that_is_said(perdure: Perdure, folder: Path):
    assert "nightly, by hand, or give --all" in perdure("deploy").output
    assert "Did you mean 'nightly'?" in perdure("deploy", "nightli").output
    assert not known().all()


def test_a_dry_run_shows_what_would_change_and_changes_nothing(perdure: Perdure, folder: Path):
    said = perdure("deploy", "nightly", "--dry-run").output
    assert "report/nightly: would change." in said
    assert not known().all()
    perdure("deploy", "nightly")
    assert "report/nightly: no change." in perdure("deploy", "nightly", "--dry-run").output
    (folder / "perdure.toml").write_text(DECLARED.replace("x = 3", "x = 4"))
    said = perdure("deploy", "nightly", "--dry-run").output
    assert '-    "x": 3' in said
    assert '+    "x": 4' in said
    assert definition_of_text(known().named("report", "nightly").definition).parameters["x"] == 3


def test_schedules_that_the_file_does_not_mention_stay(perdure: Perdure, folder: Path):
    perdure("deploy", "nightly")
    (folder / "perdure.toml").write_text('[[deployments]]\nname = "nightly"\nentrypoint = "flows.py:report"\n')
    perdure("deploy")
    of = known().named("report", "nightly")
    assert len(known().schedules(of.id)) == 2
    (folder / "perdure.toml").write_text(
        '[[deployments]]\nname = "nightly"\nentrypoint = "flows.py:report"\nschedules = []\n'
    )
    perdure("deploy")
    assert not known().schedules(of.id)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (
            'work_pool = "batch"',
            'work_pol = "batch"',
            "has no key 'work_pol'. Did you mean 'work_pool'?",
        ),
        ('entrypoint = "flows.py:other"', "", "deployments[1] lacks 'entrypoint'"),
        ('cron = "0 6 * * 1-5"', 'cron = "daily"', "schedules[0]: The cron expression 'daily' cannot be read"),
        ('cron = "0 6 * * 1-5",', "", "schedules[0] needs one of cron, interval and rrule"),
        (
            "concurrency_limit = 1",
            'concurrency_limit = "one"',
            "[0].concurrency_limit: 'one' is not of type",
        ),
        ('overlap = "skip"', 'overlap = "never"', "deployments[0].overlap: 'never' is not one of"),
        ("x = 3", 'x = "many"', "(nightly): The flow 'report' cannot be run"),
        ("flows.py:report", "flows.py:reprot", "deployments[0] (nightly)"),
        ("[[deployments]]", "[[deployments]", "cannot be read"),
        ('name = "by hand"', 'name = "a/b"', "deployments[1].name"),
        ('tags = ["prod"]', "source = { branch = 'main' }", "deployments[0].source lacks 'url' or 'bundle'"),
        (
            'tags = ["prod"]',
            "source = { url = 'a', brunch = 'b' }",
            "source has no key 'brunch'. Did you mean 'branch'?",
        ),
        ('tags = ["prod"]', "source = { bundle = '.', without = [] }", "source has no key 'without'."),
        ('tags = ["prod"]', "source = { bundle = 'below' }", "(nightly): The flow is in"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_key(perdure: Perdure, folder: Path, before: str, after: str, says: str):
    (folder / "perdure.toml").write_text(DECLARED.replace(before, after))
    result = perdure("deploy", "--all")
    assert result.exit_code != 0
    said = " ".join(result.output.split())
    assert says in said
    assert "perdure.toml" in said
    assert not known().all()


@pytest.mark.parametrize("source", ['"bundle"', '{ bundle = ".", exclude = ["*.txt"], storage = "below" }'])
def test_code_is_declared_to_be_a_bundle_of_the_files_folder(perdure: Perdure, folder: Path, source: str):
    (folder / "notes.txt").touch()
    text = f'[[deployments]]\nname = "nightly"\nentrypoint = "flows.py:report"\nsource = {source}\n'
    (folder / "perdure.toml").write_text(text)
    assert "report/nightly: would change." in perdure("deploy", "--dry-run").output
    assert not list(folder.rglob("*.zip"))
    assert perdure("deploy").exit_code == 0
    (file,) = folder.rglob("bundles/*.zip")
    names = zipfile.ZipFile(file).namelist()
    assert "flows.py" in names
    assert ("notes.txt" in names, file.is_relative_to(folder / "below")) == (
        (True, False) if source == '"bundle"' else (False, True)
    )


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ('{ static = ["no", "se"] }', {"keys": ["no", "se"]}),
        (
            '{ daily = 2024-01-01, timezone = "Europe/Oslo" }',
            {"every": "day", "start": "2024-01-01T00:00:00", "timezone": "Europe/Oslo"},
        ),
        (
            '{ monthly = "2024-01-01", static = ["no"] }',
            {
                "first": {"every": "month", "start": "2024-01-01T00:00:00", "timezone": "UTC"},
                "second": {"keys": ["no"]},
            },
        ),
    ],
)
def test_partitions_are_declared(perdure: Perdure, folder: Path, said: str, kept: dict[str, Any]):
    text = f'[[deployments]]\nname = "nightly"\nentrypoint = "flows.py:report"\npartitions = {said}\n'
    (folder / "perdure.toml").write_text(text)
    perdure("deploy")
    assert definition_of_text(known().named("report", "nightly").definition).partitions == kept


@pytest.mark.parametrize("said", ['{ daily = "2024-01-01", weekly = "2024-01-01" }', '{ timezone = "UTC" }', "{}"])
def test_partitions_that_are_no_partitions_are_refused(perdure: Perdure, folder: Path, said: str):
    text = f'[[deployments]]\nname = "nightly"\nentrypoint = "flows.py:report"\npartitions = {said}\n'
    (folder / "perdure.toml").write_text(text)
    assert "deployments[0].partitions" in " ".join(perdure("deploy").output.split())
    assert not known().all()


def test_the_same_deployment_twice_is_refused(perdure: Perdure, folder: Path):
    (folder / "perdure.toml").write_text(DECLARED.replace("by hand", "nightly").replace(":other", ":report"))
    assert "Give one another name" in perdure("deploy", "--all").output
    assert not known().all()


def test_without_a_file_it_says_which_one_it_looked_for(perdure: Perdure, tmp_path: Path, monkeypatch: Any):
    monkeypatch.chdir(tmp_path)
    assert "There is no perdure.toml" in perdure("deploy").output


def test_the_schema_is_one_that_accepts_what_is_deployed(perdure: Perdure):
    schema = json.loads(perdure("deploy", "--schema").output)
    Draft202012Validator.check_schema(schema)
    plain = json.loads(json.dumps(tomllib.loads(DECLARED), default=str))
    assert not list(Draft202012Validator(schema).iter_errors(plain))


def test_what_was_done_is_printed_as_json(perdure: Perdure, folder: Path):
    assert json.loads(perdure("deploy", "nightly", "--json").output) == [
        {"name": "report/nightly", "changed": True, "version": 1}
    ]
    assert json.loads(perdure("deploy", "nightly", "--json").output)[0]["changed"] is False
