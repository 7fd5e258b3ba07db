"""Names that public projects use of Prefect: storages' fields, policies, orders, loggers."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from perdure import cache_policies, flow, get_run_logger, task
from perdure._platform import ids
from perdure.artifacts import create_progress_artifact
from perdure.client import get_client
from perdure.client.schemas.sorting import FlowRunSort
from perdure.filesystems import GCS, S3, Azure
from perdure.logging.loggers import PrefectLogAdapter
from perdure.results import PersistedResultBlob


@pytest.mark.parametrize(
    ("kind", "theirs", "ours"),
    [
        (
            S3,
            {"bucket_path": "b", "aws_access_key_id": "id", "aws_secret_access_key": "key"},
            {"bucket_path": "b", "access_key_id": "id", "secret_access_key": "key"},
        ),
        (
            GCS,
            {"bucket_path": "b", "service_account_info": "{}"},
            {"bucket_path": "b", "service_account_key": "{}"},
        ),
        (
            Azure,
            {"bucket_path": "c", "azure_storage_connection_string": "AccountName=a", "azure_storage_tenant_id": "t"},
            {"container_path": "c", "connection_string": "AccountName=a", "tenant_id": "t"},
        ),
    ],
)
def test_a_storage_takes_the_names_of_fields_that_users_of_prefect_know(kind: Any, theirs: Any, ours: Any) -> None:
    assert kind(**theirs) == kind(**ours)


def test_a_field_under_two_names_is_refused() -> None:
    with pytest.raises(ValidationError, match="aws_access_key_id is another name of access_key_id; give one of them"):
        S3(bucket_path="b", access_key_id="1", aws_access_key_id="2", secret_access_key="3")  # type: ignore[call-arg]


def test_the_storage_of_a_repository_is_found_among_file_systems() -> None:
    from perdure import filesystems
    from perdure.integrations.github import GitHub

    assert filesystems.GitHub is GitHub
    assert GitHub.__module__ == "perdure.integrations.github"


def test_a_task_without_caching_runs_each_time() -> None:
    calls: list[int] = []

    @task(cache_policy=cache_policies.NONE, persist_result=True)
    def note(number: int) -> int:
        calls.append(number)
        return number

    assert [note(1), note(1)] == [1, 1]
    assert calls == [1, 1]


def test_a_policy_of_a_function_counts_what_that_returns() -> None:
    calls: list[int] = []
    policy = cache_policies.CacheKeyFnPolicy(cache_key_fn=lambda context, parameters: str(parameters["number"] % 2))

    @task(cache_policy=policy, persist_result=True)
    def note(number: int) -> int:
        calls.append(number)
        return number

    assert [note(1), note(3), note(2)] == [1, 1, 2]
    assert calls == [1, 2]


def test_the_logger_of_a_run_is_of_the_class_that_users_of_prefect_know() -> None:
    @flow
    def outer() -> bool:
        return isinstance(get_run_logger(), PrefectLogAdapter)

    assert outer()


def test_runs_are_listed_in_an_order_by_its_name() -> None:
    @flow
    def outer() -> None:
        """Nothing."""

    for _ in range(3):
        outer()
    with get_client(sync_client=True) as client:
        newest = [run.id for run in client.read_flow_runs(sort=FlowRunSort.EXPECTED_START_TIME_DESC)]
        oldest = [run.id for run in client.read_flow_runs(sort=FlowRunSort.START_TIME_ASC)]
    assert len(newest) == 3
    assert newest == oldest[::-1] == sorted(newest, reverse=True)


def test_a_document_is_made_of_what_json_gave() -> None:
    document = {"serializer": {"type": "json"}, "data": "[1, 2]", "prefect_version": "2.20.25"}
    blob = PersistedResultBlob.parse_obj(json.loads(json.dumps(document)))
    assert blob.serializer.loads(blob.data) == [1, 2]


def test_progress_is_called_progress() -> None:
    @flow
    def outer() -> str:
        return create_progress_artifact(progress=10.0, key="rows")

    assert ids.is_id(outer())


def test_a_cache_key_may_be_a_number() -> None:
    calls: list[int] = []

    @task(cache_key_fn=lambda context, parameters: parameters["number"] % 2, persist_result=True)
    def note(number: int) -> int:
        calls.append(number)
        return number

    assert [note(1), note(3), note(2)] == [1, 1, 2]
    assert calls == [1, 2]
