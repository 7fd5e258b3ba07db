"""Names that programs for Prefect 3 use: what each does."""

import asyncio
import logging
import sys
import time
from typing import Any

import pytest

from perdure import flow, task
from perdure.artifacts import create_progress_artifact, update_progress_artifact
from perdure.blocks.core import Block
from perdure.cache_policies import DEFAULT, CachePolicy, Inputs
from perdure.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from perdure.errors import FlowRunWaitTimeout, TransactionError
from perdure.events import emit_event
from perdure.filesystems import LocalFileSystem, WritableDeploymentStorage, WritableFileSystem
from perdure.flow_runs import wait_for_flow_run
from perdure.serializers import CompressedJSONSerializer, CompressedPickleSerializer, Serializer
from perdure.settings import get_current_settings, temporary_settings
from perdure.transactions import CommitMode, IsolationLevel, transaction
from perdure.utilities.annotations import opaque
from perdure.utilities.asyncutils import is_async_fn


class _ByName(CachePolicy):
    def compute_key(self, task_ctx: Any, inputs: dict[str, Any], flow_parameters: dict[str, Any]) -> str | None:
        return None if inputs["name"] is None else f"{task_ctx.task.name} {inputs['name']} {flow_parameters['day']}"


def test_a_policy_of_ones_own_says_its_key_as_in_prefect() -> None:
    calls: list[str | None] = []

    @task(cache_policy=_ByName(), persist_result=True)
    def load(name: str | None, attempt: int) -> int:
        calls.append(name)
        return attempt

    @flow
    def nightly(day: int) -> list[int]:
        return [load("tea", 1), load("tea", 2), load("oil", 3), load(None, 4), load(None, 5)]

    assert nightly(1) == [1, 1, 3, 4, 5]
    assert nightly(2) == [1, 1, 3, 4, 5]
    assert calls == ["tea", "oil", None, None] * 2


def test_a_policy_is_configured_to_be_what_it_is() -> None:
    assert DEFAULT.configure(key_storage="keys", isolation_level=IsolationLevel.SERIALIZABLE) is DEFAULT


def test_inputs_leave_out_what_they_exclude() -> None:
    assert Inputs(exclude=["debug"]) == Inputs("debug")


def test_a_transaction_takes_the_modes_that_it_has_and_refuses_others() -> None:
    @flow
    def once() -> None:
        with transaction(commit_mode=CommitMode.LAZY, isolation_level=IsolationLevel.SERIALIZABLE):
            pass
        with pytest.raises(TransactionError, match="commit_mode"):
            transaction(commit_mode=CommitMode.EAGER)

    once()


@pytest.mark.parametrize(
    ("said", "slug"),
    [
        ({"_block_type_slug": "my-db"}, "my-db"),
        ({"_block_type_name": "My DB (new)"}, "my-db-new"),
        ({"_block_type_name": "My DB", "block_type": "our-db"}, "our-db"),
        ({}, "ledger"),
    ],
)
def test_a_block_says_its_type_as_in_prefect(said: dict[str, str], slug: str) -> None:
    assert type("Ledger", (Block,), {"__module__": __name__, **said}).get_block_type_slug() == slug


def test_a_block_below_one_that_says_its_type_is_of_a_type_of_its_own() -> None:
    class Base(Block):
        _block_type_slug = "base-of-mine"

    class Derived(Base):
        pass

    assert (Base.get_block_type_slug(), Derived.get_block_type_slug()) == ("base-of-mine", "derived")


def test_a_flow_run_is_waited_for_until_it_has_ended() -> None:
    state = flow(lambda: 3, name="quick")(return_state=True)
    run = asyncio.run(wait_for_flow_run(state.state_details.flow_run_id, timeout=None, log_states=True))
    assert (run.flow_name, run.state_name) == ("quick", "Completed")


def test_a_flow_run_that_does_not_end_in_time_is_an_error() -> None:
    @flow
    def waits_for_itself() -> None:
        from perdure.runtime import flow_run

        asyncio.run(wait_for_flow_run(flow_run.id, timeout=0))

    with pytest.raises(FlowRunWaitTimeout, match="Running"):
        waits_for_itself()


def test_modules_of_the_runtime_are_imported_as_such() -> None:
    import perdure.runtime.flow_run

    @flow
    def named() -> tuple[object, object]:
        from perdure.runtime.flow_run import flow_name

        return perdure.runtime.flow_run.flow_name, flow_name

    assert named() == ("named", "named")
    module = sys.modules["perdure.runtime.flow_run"]
    assert {"id", "name", "flow_name"} <= {*dir(module)}
    assert {"id", "name", "flow_name"} <= {*module.__all__} == {*perdure.runtime.flow_run.__all__}
    with pytest.raises(ImportError):
        from perdure.runtime.flow_run import no_such_attribute  # noqa: F401


def test_what_is_opaque_is_waited_for_and_not_searched() -> None:
    @task
    def one() -> int:
        return 1

    @task
    def kinds(value: object, inside: list[object]) -> tuple[str, str]:
        return type(value).__name__, type(inside[0]).__name__

    @flow
    def passes() -> tuple[str, str]:
        future = one.submit()
        return kinds(opaque(future), opaque([future]))

    assert passes() == ("int", "Future")


def test_settings_are_found_by_their_groups() -> None:
    with temporary_settings({"PERDURE_LOGGING_LEVEL": "WARNING", "PERDURE_API_TOKEN": "hidden"}):
        settings = get_current_settings()
        assert settings.logging.level == "WARNING"
        assert settings.results.persist_by_default is False
        assert isinstance(settings.api.token, type(settings.api_token))
    with pytest.raises(AttributeError, match="no setting 'loging'"):
        _ = settings.loging
    with pytest.raises(AttributeError):
        _ = settings.logging.levels


def test_an_event_says_what_it_happened_to() -> None:
    assert emit_event("order.paid", {"prefect.resource.id": "order.7"}).resource.id == "order.7"


def test_a_description_of_a_progress_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    id = create_progress_artifact(0.0)
    with caplog.at_level(logging.INFO, "perdure.artifacts"):
        logging.getLogger("perdure").propagate = True
        update_progress_artifact(id, 50.0, description="half of it")
    assert "half of it" in caplog.text


def test_strategies_of_limits_have_names() -> None:
    assert ConcurrencyLimitConfig(1, ConcurrencyLimitStrategy.CANCEL_NEW).overlap == "skip"
    assert ConcurrencyLimitConfig(1).overlap == "queue"


def test_storages_are_what_prefect_calls_them() -> None:
    assert issubclass(LocalFileSystem, WritableFileSystem)
    assert issubclass(LocalFileSystem, WritableDeploymentStorage)


@pytest.mark.parametrize(
    ("made", "name"),
    [(CompressedJSONSerializer(), "compressed/json"), (CompressedPickleSerializer(), "compressed/pickle")],
)
def test_compressed_serializers_are_those_of_their_names(made: Serializer, name: str) -> None:
    assert made == Serializer.from_name(name)
    assert made.loads(made.dumps([1, 2])) == [1, 2]


def test_coroutine_functions_are_known() -> None:
    assert is_async_fn(asyncio.sleep)
    assert not is_async_fn(time.sleep)
