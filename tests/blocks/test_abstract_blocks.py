"""Bases of users' own blocks: what has to be defined, and what they have in common."""

import asyncio
import inspect
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure import flow
from perdure.blocks import Block, abstract, notifications
from perdure.blocks.abstract import (
    CredentialsBlock,
    DatabaseBlock,
    JobBlock,
    JobRun,
    NotificationBlock,
    NotificationError,
)
from perdure.blocks.fields import SecretDict
from perdure.client import get_client
from perdure.errors import HookError

ABSTRACT = [getattr(abstract, name) for name in abstract.__all__ if inspect.isabstract(getattr(abstract, name))]


class GreenTeaCredentials(CredentialsBlock):
    host: str = "tea.example"

    def get_client(self, *_: Any, **__: Any) -> str:
        self.logger.info("A client of %s", self.host)
        return f"client of {self.host}"


class TeaRun(JobRun[int]):
    def wait_for_completion(self) -> None:
        self.logger.info("It has ended.")

    def fetch_result(self) -> int:
        return 3


class TeaJob(JobBlock):
    def trigger(self) -> TeaRun:
        return TeaRun()


@pytest.mark.parametrize("base", ABSTRACT, ids=lambda base: base.__name__)
def test_what_a_base_leaves_open_has_to_be_defined(base: Any) -> None:
    with pytest.raises(TypeError, match=f"abstract class {base.__name__}"):
        base()


def test_seven_bases_leave_something_open() -> None:
    assert len(ABSTRACT) == 7


def test_a_block_of_a_base_is_saved_and_had_back() -> None:
    GreenTeaCredentials(host="green.example").save("green")
    loaded = CredentialsBlock.load("green-tea-credentials/green")
    assert loaded.get_client() == "client of green.example"


def test_outside_runs_a_block_logs_by_its_class(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "perdure"):
        logging.getLogger("perdure").addHandler(caplog.handler)
        try:
            GreenTeaCredentials().get_client()
            TeaRun().wait_for_completion()
        finally:
            logging.getLogger("perdure").removeHandler(caplog.handler)
    assert {record.name for record in caplog.records} == {"perdure.GreenTeaCredentials", "perdure.TeaRun"}


def test_in_a_run_a_block_logs_to_the_run() -> None:
    @flow
    def brew() -> int:
        GreenTeaCredentials().get_client()
        run = TeaJob().trigger()
        run.wait_for_completion()
        return run.fetch_result()

    assert brew() == 3
    with get_client(sync_client=True) as client:
        (run,) = client.read_flow_runs()
        lines = client.read_logs({"flow_run_id": {"any_": [run.id]}})
    assert {"A client of tea.example", "It has ended."} <= {line.message for line in lines}


class Rows(DatabaseBlock):
    def fetch_one(self, operation: str, parameters: Any = None, **_: Any) -> tuple[Any, ...] | None:
        return (operation, parameters)

    def fetch_many(self, operation: str, parameters: Any = None, size: int | None = None, **_: Any) -> list[Any]:
        return [(operation, parameters)] * (size or 1)

    def fetch_all(self, operation: str, parameters: Any = None, **_: Any) -> list[Any]:
        return [(operation, parameters)]

    def execute(self, operation: str, parameters: Any = None, **_: Any) -> None:
        """Nothing."""

    def execute_many(self, operation: str, seq_of_parameters: Any, **_: Any) -> None:
        """Nothing."""


def test_a_database_without_connections_says_what_with_would_need() -> None:
    with (
        pytest.raises(NotImplementedError, match="Rows cannot be used by `with`: it does not define __enter__"),
        Rows(),
    ):
        pass

    async def enter() -> None:
        async with Rows():
            pass

    with pytest.raises(NotImplementedError, match="Rows cannot be used by `async with`"):
        asyncio.run(enter())


@pytest.mark.parametrize(
    "block", [notifications.SlackWebhook, notifications.MicrosoftTeamsWebhook, notifications.DiscordWebhook]
)
@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "not a valid URL"),
        ("ftp://example.com", "only HTTP and HTTPS"),
        ("https://127.0.0.1/hook", "private address"),
        ("https://[fd12:3456::1]/hook", "private address"),
        ("https://169.254.169.254/latest", "private address"),
    ],
)
def test_a_notification_that_may_not_leave_for_private_addresses_is_refused(block: Any, url: str, reason: str) -> None:
    sender = block(url=url, allow_private_urls=False)
    assert isinstance(sender, NotificationBlock)
    with pytest.raises(NotificationError, match=reason) as raised, sender.raise_on_failure():
        sender.notify("Tea is ready", subject="tea")
    assert isinstance(raised.value, HookError)
    assert raised.value.log == str(raised.value)


def test_apprise_cannot_be_kept_to_public_addresses_and_says_so() -> None:
    pytest.importorskip("apprise")
    with pytest.raises(NotificationError, match="allow_private_urls=False cannot hold"):
        notifications.AppriseNotificationBlock(url="json://127.0.0.1", allow_private_urls=False).notify("Tea")


class TeaHouse(Block):
    door: SecretDict
    rooms: list[SecretDict]


@pytest.mark.slow
@given(st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.booleans()) | st.none()))
def test_a_dict_of_secrets_comes_back_and_is_nowhere_in_clear(door: dict[str, Any]) -> None:
    door["code"] = "sesame-4711"
    house = TeaHouse(door=door, rooms=[{"key": "sesame-4712"}])
    house.save("mine", overwrite=True)
    loaded = TeaHouse.load("mine")
    assert loaded == house
    assert loaded.door.get_secret_value() == door
    assert loaded.rooms[0].get_secret_value() == {"key": "sesame-4712"}
    assert "sesame" not in house.record().data + str(house) + repr(loaded)


def test_a_dict_of_secrets_has_to_be_a_dict() -> None:
    with pytest.raises(ValueError, match="valid dictionary"):
        TeaHouse(door="sesame", rooms=[])


def test_the_type_of_a_block_is_known_by_its_slug() -> None:
    assert TeaHouse.get_block_type_slug() == TeaHouse.block_type == "tea-house"
