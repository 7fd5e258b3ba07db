"""Arguments that users of Prefect give to small functions: each means what it means there."""

import json
import logging
from typing import Any

import pytest

from perdure import flow, get_run_logger, pause_flow_run, quote, session, task, unmapped
from perdure.artifacts import create_link_artifact
from perdure.context import get_run_context
from perdure.errors import ArtifactError, SuspendedRun
from perdure.input import RunInput
from perdure.records import ArtifactFilter
from perdure.variables import Variable


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def kept() -> Any:
    handler = Kept()
    for name in ("perdure.flow_runs", "perdure.task_runs"):
        logging.getLogger(name).addHandler(handler)
    yield handler
    for name in ("perdure.flow_runs", "perdure.task_runs"):
        logging.getLogger(name).removeHandler(handler)


def test_lines_have_the_names_of_their_run_and_what_the_logger_was_given(kept: Kept) -> None:
    @task(name="extract")
    def talks() -> None:
        get_run_logger(customer="tea").warning("said", extra={"once": 1})

    @flow(name="daily", flow_run_name="monday")
    def daily() -> None:
        talks()

    daily()
    (record,) = [each for each in kept.records if each.msg == "said"]
    assert vars(record)["customer"] == "tea"
    assert vars(record)["once"] == 1
    assert (vars(record)["flow_name"], vars(record)["flow_run_name"]) == ("daily", "monday")
    assert (vars(record)["task_name"], vars(record)["task_run_name"]) == ("extract", "extract-0")


def test_the_logger_of_another_run_is_got_by_its_context(kept: Kept) -> None:
    @task
    def talks() -> None:
        flow_run = get_run_context().flow
        assert flow_run is not None
        logger = get_run_logger(flow_run)
        assert logger.extra is not None
        assert "task_run_id" not in logger.extra
        logger.warning("for the flow")

    @flow(flow_run_name="above")
    def above() -> None:
        talks()

    above()
    assert [vars(each)["flow_run_name"] for each in kept.records if each.msg == "for the flow"] == ["above"]


def test_a_variable_is_set_though_its_tags_are_not_kept() -> None:
    with pytest.warns(UserWarning, match="have no tags"):
        Variable.set("size", 3, tags=["prod"])
    assert Variable.get("size") == 3
    Variable.set("size", 4, overwrite=True, tags=[])
    assert Variable.get("size") == 4


def test_each_item_of_an_unmapped_value_is_the_value() -> None:
    assert unmapped([1, 2])[7] == [1, 2]
    assert unmapped(None)["any"] is None


def test_a_mark_is_put_round_another_value() -> None:
    again = quote(1).rewrap("two")
    assert isinstance(again, quote)
    assert again.unquote() == again.unwrap() == "two"


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        (("https://a.b/c", "see"), {}),
        (("https://a.b/c",), {"link_text": "see"}),
        ((), {"link": "https://a.b/c", "link_text": "see"}),
        ((), {"url": "https://a.b/c", "text": "see"}),
    ],
)
def test_a_link_is_kept_by_either_name(args: Any, kwargs: Any) -> None:
    id = create_link_artifact(*args, **kwargs, key="report")
    (record,) = session.current().orchestrator.artifacts(ArtifactFilter(ids=(id,)))
    assert json.loads(record.data) == {"url": "https://a.b/c", "text": "see"}


def test_a_link_is_given_once() -> None:
    with pytest.raises(TypeError, match="give one"):
        create_link_artifact("https://a", link="https://b")
    for names in ({}, {"link": ""}):
        with pytest.raises(ArtifactError):
            create_link_artifact(**names)


def test_a_pause_that_is_rescheduled_suspends_the_flow_run() -> None:
    @flow(persist_result=True)
    def asks() -> None:
        pause_flow_run(timeout=600, reschedule=True, poll_interval=10)

    with pytest.raises(SuspendedRun):
        asks()
    state = asks(return_state=True)
    assert (state.type, state.name) == ("PAUSED", "Suspended")


class Approval(RunInput):
    """Whether to go on."""

    approved: bool
    by: str = "nobody"


def test_a_form_is_filled_in_beforehand() -> None:
    filled = Approval.with_initial_data(description="Please look.", approved=True)
    assert filled().approved is True
    assert filled(by="me").by == "me"
    assert filled.__name__ == "Approval"
    assert filled.model_json_schema()["description"] == "Please look."
    with pytest.raises(TypeError, match="no field 'aproved'"):
        Approval.with_initial_data(aproved=True)
    with pytest.raises(ValueError, match="approved"):
        Approval()  # type: ignore[call-arg]
