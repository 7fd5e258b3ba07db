"""What `perdure migrate` makes of a `prefect.yaml`: a `perdure.toml` that `perdure deploy` takes."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure._migration.prefect_yaml import _value, toml_of
from perdure._rooms.deployments.declared import declared
from perdure.errors import MigrationError

WHOLE = """\
name: shop
prefect-version: 2.20.25
build:
- prefect_docker.deployments.steps.build_docker_image: {image_name: me/shop}
pull:
- prefect.deployments.steps.git_clone: {repository: "https://git.example.com/shop.git", branch: main}
definitions:
  pools:
    batch: &batch {name: batch, work_queue_name: gpu, job_variables: {env: {A: "1"}}}
deployments:
- name: nightly
  version: 1.5
  tags: [prod, "a b"]
  description: "Prices\\nof tea"
  entrypoint: flows.py:report
  parameters: {day: 3, of: {"no way": [1, 2.5, true]}}
  schedules:
  - {cron: 0 6 * * *, timezone: Europe/Oslo, day_or: true, active: false}
  - {interval: 3600, anchor_date: 2024-01-01T00:10:00+00:00, slug: hourly}
  - {rrule: FREQ=DAILY}
  work_pool: *batch
  concurrency_limit: {limit: 2, collision_strategy: CANCEL_NEW}
- name: plain
  entrypoint: flows.py:plain
  pull: []
  schedule: {cron: "@daily"}
  paused: true
- name: without
"""


def test_a_prefect_yaml_becomes_deployments_that_are_declared(tmp_path: Path) -> None:
    found = toml_of(WHOLE)
    (tmp_path / "perdure.toml").write_text(found.text)
    nightly, plain = declared(tmp_path / "perdure.toml")
    assert (nightly.name, nightly.entrypoint) == ("nightly", "flows.py:report")
    assert nightly.source == {"url": "https://git.example.com/shop.git", "branch": "main"}
    options = dict(nightly.options)
    assert [(each.slug, each.paused) for each in options.pop("schedules")] == [
        ("cron", True),
        ("hourly", False),
        ("rrule", False),
    ]
    assert options == {
        "version": "1.5",
        "tags": ["prod", "a b"],
        "description": "Prices\nof tea",
        "parameters": {"day": 3, "of": {"no way": [1, 2.5, True]}},
        "work_pool": "batch",
        "work_queue": "gpu",
        "job_variables": {"env": {"A": "1"}},
        "concurrency_limit": 2,
        "overlap": "skip",
    }
    assert (plain.source, plain.options["paused"]) == (None, True)
    assert [each.what for each in found.findings] == ["build", "without"]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("triggers: [{enabled: true}]", "triggers"),
        ("parameters: {day: '{{ $DAY }}'}", "day"),
        ("pull: [{prefect_aws.deployments.steps.pull_from_s3: {bucket: b}}]", "pull_from_s3"),
        ("schedule: {never: 1}", "schedules"),
        ("work_queue_name: x", "work_queue_name"),
    ],
)
def test_what_a_person_must_decide_is_listed(line: str, what: str) -> None:
    text = f"deployments:\n- name: a\n  entrypoint: a.py:f\n  {line}\n"
    assert what in [each.what for each in toml_of(text).findings]


@pytest.mark.slow
@given(
    st.recursive(
        st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(min_size=1), inner),
        max_leaves=8,
    )
)
def test_values_are_written_as_toml_reads_them(value: object) -> None:
    assert tomllib.loads(f"x = {_value(value)}")["x"] == value


@pytest.mark.parametrize("text", ["a: [", "- 1"])
def test_what_is_no_prefect_yaml_is_refused(text: str) -> None:
    with pytest.raises(MigrationError):
        toml_of(text)


@pytest.mark.slow
def test_the_file_is_written_beside_it_and_never_over_another_one(tmp_path: Path, home: Path) -> None:
    (tmp_path / "prefect.yaml").write_text("deployments:\n- {name: a, entrypoint: 'a.py:f'}\n")
    command = [sys.executable, "-m", "perdure", "migrate", str(tmp_path)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert '+entrypoint = "a.py:f"' in shown.stdout
    assert not (tmp_path / "perdure.toml").exists()
    for _ in range(2):
        subprocess.run([*command, "--write"], capture_output=True, check=True)
    assert declared(tmp_path / "perdure.toml")[0].name == "a"
    (tmp_path / "perdure.toml").write_text("# mine\n")
    refused = subprocess.run([*command, "--write"], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "is there already" in refused.stderr
    assert (tmp_path / "perdure.toml").read_text() == "# mine\n"
