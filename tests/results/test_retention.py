"""How long results are kept: what may be written, and what a run's result gets of it."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure import flow, session, settings, task
from perdure.errors import DefinitionError, SettingError
from perdure.records import ResultFilter, ResultRecord
from perdure.results import Retention


def retentions() -> list[dict[str, Any] | None]:
    """The retention of each persisted result that was reported, the newest first."""
    records: Any = session.current().orchestrator.results(ResultFilter(kinds=("persisted",)))
    return [record.retention and json.loads(record.retention) for record in records]


@pytest.mark.parametrize(
    ("text", "retention"),
    [
        ("30d", Retention(age=timedelta(days=30))),
        ("1.5 hours", Retention(age=timedelta(minutes=90))),
        ("2w,1 run", Retention(age=timedelta(weeks=2), runs=1)),
        ("30d, 10 runs, 5 GiB", Retention(timedelta(days=30), 10, 5 * 1024**3)),
        ("500 MB", Retention(size=500_000_000)),
        ("forever", Retention()),
    ],
)
def test_a_retention_is_read_from_text(text: str, retention: Retention):
    assert Retention.of(text) == retention


@given(
    st.builds(
        Retention,
        st.none() | st.timedeltas(min_value=timedelta(microseconds=1), max_value=timedelta(days=9999)),
        st.none() | st.integers(1, 10**6),
        st.none() | st.integers(1, 2**50),
    )
)
def test_a_retentions_text_reads_back(retention: Retention):
    assert Retention.of(str(retention)) == retention


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", r"'' in the retention '' is no limit"),
        ("30", r"'30' .* is no limit. Give an age, a number of runs"),
        ("1.5 runs", r"'1.5 runs' .* is no limit"),
        ("30d, 2w", r"has two limits of the age"),
        ("0 runs", r"runs=0.* whole number above 0"),
        ("0s", r"must be a timedelta above 0"),
        (30, r"30 is no retention. Give"),
    ],
)
def test_a_wrong_retention_is_refused_where_it_is_given(value: object, message: str):
    with pytest.raises(DefinitionError, match=rf"(?s)result_retention=.*{message}"):
        task(result_retention=value)(lambda: None)


def test_a_wrong_setting_is_refused():
    wrong = r"PERDURE_RESULTS_RETENTION is 'a while' .* it must be an age"
    with pytest.raises(SettingError, match=wrong), settings.temporary_settings(results_retention="a while"):
        pass


def test_tasks_and_subflows_inherit_the_retention_of_their_flow():
    @task(persist_result=True)
    def number() -> int:
        return 1

    @flow(persist_result=True)
    def inner() -> int:
        return number() + number.submit().result()

    @flow(persist_result=True, result_retention="3 runs")
    def outer() -> int:
        return inner()

    run = outer(return_state=True).run_id
    assert retentions() == [{"runs": 3, "of": "flow outer", "run": run}] * 4


def test_a_tasks_own_retention_goes_before_its_flows():
    @task(persist_result=True, result_retention=timedelta(hours=1))
    def number() -> int:
        return 1

    @flow(result_retention="forever")
    def outer() -> int:
        return number()

    run = outer(return_state=True).run_id
    assert retentions() == [{"age": 3600, "of": "task number", "run": run}]


def test_a_result_without_a_retention_leaves_it_to_the_settings():
    task(persist_result=True)(lambda: 1)()
    assert retentions() == [None]


def test_a_task_of_another_process_inherits_the_retention():
    from perdure._model.options import FlowOptions

    options: FlowOptions = flow(result_retention="1d")(lambda: None).options
    assert options.without_code().result_retention == Retention(age=timedelta(days=1))


def test_a_cached_result_is_kept_as_its_own_run_says():
    @task(persist_result=True, cache_key_fn=lambda: "key")
    def number() -> list[int]:
        return [1]

    number()
    number.with_options(result_retention="1d")()
    records: list[ResultRecord] = list(session.current().orchestrator.results(ResultFilter()))
    assert records[0].storage_key == records[1].storage_key
    assert [each and each["age"] for each in retentions()] == [86400, None]
