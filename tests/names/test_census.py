"""The census sees what a program uses of Prefect, and what of that is missing."""

from pathlib import Path

import census
import pytest

PROGRAM = '''
import prefect
from prefect import flow, get_run_logger, task
from prefect.tasks import exponential_backoff
from prefect.{module} import {name}

try:
    from prefect.nowhere import guarded
except ImportError:
    guarded = None


@task(retry_delay_seconds=exponential_backoff(2{keyword}))
def double(number: int) -> int:
    """Twice."""  # and no more
    return number * 2


@flow
def outer() -> int:
    get_run_logger().info(prefect.runtime.flow_run.id)
    future = double.submit(1)
    return future.{attribute}()
'''
RIGHT = {"module": "states", "name": "Completed", "keyword": "", "attribute": "result"}


@pytest.mark.parametrize(
    ("other", "missing"),
    [
        ({}, []),
        ({"name": "Evaporated"}, ["prefect.states.Evaporated"]),
        ({"module": "somewhere"}, ["prefect.somewhere.Completed"]),
        ({"keyword": ", colour=1"}, ["prefect.tasks.exponential_backoff(colour=)"]),
        ({"attribute": "evaporate"}, ["prefect:Future.evaporate"]),
    ],
)
def test_what_is_missing_is_counted(other: dict[str, str], missing: list[str]) -> None:
    found = census.names(PROGRAM.format(**RIGHT | other))
    assert [each.name for each in found.missing] == missing
    assert found.used["prefect.runtime.flow_run"] == 1
    assert not found.collections


def test_collections_are_named() -> None:
    assert census.names("from prefect_aws import S3Bucket").collections == ["prefect_aws"]


def test_what_migrating_leaves_is_counted() -> None:
    found = census.migrated(PROGRAM.format(**RIGHT).replace("flow, get", "Evaporated, flow, get"))
    assert found.decide == ["3: Evaporated", "8: guarded"]
    assert found[2:] == ([], True, True, True)


def test_programs_of_a_folder_are_those_that_name_prefect(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.py").write_text("import prefect\n")
    (tmp_path / "b.py").write_text("import json\n")
    assert dict(census.programs(tmp_path)) == {"in/a.py": "import prefect\n"}
