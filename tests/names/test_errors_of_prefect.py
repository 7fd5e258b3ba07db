"""Errors that programs catch by Prefect's names are those that are raised here for the same reason."""

from collections.abc import Callable
from threading import Lock

import pytest

from perdure import exceptions, flow, get_client, task
from perdure.blocks.system import Secret
from perdure.deployments import run_deployment
from perdure.errors import BlockMissing, CancelRequested, SuspendRequested
from perdure.settings import temporary_settings
from perdure.utilities.hashing import hash_objects
from perdure.variables import Variable

client = get_client(sync_client=True)
NO_RUN = "01a2b3c4-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    "ask",
    [
        lambda: client.read_flow_run(NO_RUN),
        lambda: client.read_task_run(NO_RUN),
        lambda: client.read_deployment_by_name("none/none"),
        lambda: client.read_work_pool("none"),
        lambda: run_deployment("none/none"),
    ],
)
def test_what_is_not_there_is_an_object_not_found(ask: Callable[[], object]) -> None:
    with pytest.raises(exceptions.ObjectNotFound):
        ask()


def test_a_block_that_is_not_saved_is_a_value_error_as_in_prefect() -> None:
    with pytest.raises(ValueError, match="no-such-secret") as error:
        Secret.load("no-such-secret")
    assert error.type is BlockMissing


def test_a_name_that_is_taken_is_an_object_that_already_exists() -> None:
    Variable.set("day", 1)
    with pytest.raises(exceptions.ObjectAlreadyExists):
        Variable.set("day", 2)


def test_other_errors_are_caught_by_their_names() -> None:
    with pytest.raises(exceptions.HashError):
        hash_objects(Lock())
    with pytest.raises(exceptions.ConfigurationError), temporary_settings({"nonsense": 1}):
        pass


def test_signals_are_no_exceptions_and_have_prefects_names() -> None:
    assert (exceptions.Abort, exceptions.Pause) == (CancelRequested, SuspendRequested)


def test_a_task_that_aborts_ends_its_flow() -> None:
    reached: list[int] = []

    @task
    def guard() -> None:
        raise exceptions.Abort("nothing to do")

    @flow
    def nightly() -> None:
        try:
            guard()
        except Exception:
            reached.append(1)

    with pytest.raises(exceptions.Abort, match="nothing to do"):
        nightly()
    assert reached == []
    assert [run.state_name for run in client.read_flow_runs()] == ["Crashed"]
