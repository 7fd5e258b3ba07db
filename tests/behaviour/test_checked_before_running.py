"""What a run needs to persist its result is looked up before its own code runs."""

import asyncio
from typing import Any

import pytest

from perdure import flow, settings, task
from perdure.errors import BlockMissing, PerdureError, SerializationError, UnknownSerializer

_ran: list[str] = []


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    _ran.clear()


@task
def work() -> list[int]:
    _ran.append("task")
    return [1]


@flow
def works() -> list[int]:
    _ran.append("flow")
    return [1]


@flow
def calls(called: Any) -> Any:
    return called()


@pytest.mark.parametrize("kept", [work, works])
def test_a_storage_that_is_not_saved_ends_a_run_before_its_code_runs(kept: Any):
    with pytest.raises(BlockMissing, match="No block is saved as 's3/nowhere'"):
        calls(kept.with_options(persist_result=True, result_storage="s3/nowhere"))
    assert _ran == []


@pytest.mark.parametrize("kept", [work, works])
def test_encrypting_without_a_key_ends_a_run_before_its_code_runs(kept: Any):
    with pytest.raises(SerializationError, match="PERDURE_RESULTS_ENCRYPTION_KEYS"):
        kept.with_options(persist_result=True, result_serializer="encrypted/compressed/json")()
    assert _ran == []


def test_a_default_serializer_that_there_is_not_ends_a_run_before_its_code_runs():
    with settings.temporary_settings(results_default_serializer="yaml"), pytest.raises(UnknownSerializer):
        work.with_options(persist_result=True)()
    assert _ran == []


def test_a_wrong_storage_of_the_flow_ends_its_first_persisted_task_before_it_runs():
    @flow(result_storage="s3/nowhere")
    def of_two() -> Any:
        work()
        return work.with_options(persist_result=True)(return_state=True)

    state = of_two(return_state=True)
    assert state.is_failed()
    assert _ran == ["task"]


def test_runs_that_persist_nothing_look_nothing_up():
    assert works.with_options(result_storage="s3/nowhere")() == [1]
    assert work.with_options(result_storage="s3/nowhere")() == [1]


def test_a_coroutine_is_not_begun_either():
    @task(persist_result=True, result_storage="s3/nowhere")
    async def work_async() -> None:
        _ran.append("task")

    with pytest.raises(PerdureError, match="s3/nowhere"):
        asyncio.run(work_async())
    assert _ran == []
