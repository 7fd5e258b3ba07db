"""Which results have a preview in the database."""

import io
import json
from typing import Any

import numpy as np
import pytest

from perdure import session, settings, task
from perdure.records import ResultFilter, ResultRecord


def record_of(state: Any) -> ResultRecord:
    (record,) = session.current().orchestrator.results(ResultFilter(run_ids=(state.run_id,)))
    return record


def kept(value: Any, **options: Any) -> Any:
    return task(persist_result=True, **options)(lambda: value)(return_state=True)


def test_a_persisted_result_has_one():
    preview = record_of(kept({"rows": 3})).preview
    assert json.loads(preview or "")["value"] == {"rows": 3}


def test_so_has_a_persisted_exception():
    @task(persist_result=True)
    def fail() -> None:
        raise ValueError("no rows")

    preview = record_of(fail(return_state=True)).preview
    assert json.loads(preview or "")["message"] == "no rows"


def test_a_cached_run_has_that_of_the_result_that_it_found():
    cached = task(cache_key_fn=lambda: "key")(lambda: {"rows": 3})
    first, second = cached(return_state=True), cached(return_state=True)
    assert second.name == "Cached"
    assert record_of(second).preview == record_of(first).preview is not None


def test_an_encrypted_result_has_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PERDURE_RESULTS_ENCRYPTION_KEYS", f"key:{'A' * 43}=")
    settings.reload()
    assert record_of(kept({"rows": 3}, result_serializer="encrypted/json")).preview is None
    assert record_of(kept({"rows": 3}, result_serializer="compressed/encrypted/json")).preview is None


def test_there_are_none_where_the_setting_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PERDURE_RESULTS_PREVIEWS", "false")
    settings.reload()
    assert record_of(kept({"rows": 3})).preview is None


def test_results_that_are_not_persisted_have_none():
    assert record_of(task(lambda: {"rows": 3})(return_state=True)).preview is None


@pytest.mark.parametrize("length", [10, 100_000])
def test_open_gives_a_file_of_the_format_however_small_the_value(length: int):
    with kept(np.arange(length), result_serializer="numpy").data.open() as file:
        np.testing.assert_array_equal(np.load(io.BytesIO(file.read())), np.arange(length))


def test_an_exception_is_kept_where_the_serializer_takes_none():
    @task(persist_result=True, result_serializer="numpy")
    def fail() -> None:
        raise ValueError("no array")

    state = fail(return_state=True)
    assert record_of(state).kind == "persisted"
    assert str(state.data.get()) == "no array"
