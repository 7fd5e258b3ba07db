"""How two runs' results differ."""

from typing import Any

import numpy
import pytest
from persisting import kept

from perdure.errors import MissingResult, ResultOverwritten
from perdure.results import PersistedResultBlob, diff


@pytest.mark.parametrize("value", [{"a": 1}, b"large" * 100_000], ids=["small", "large"])
def test_equal_digests_say_that_results_are_the_same_and_nothing_is_loaded(value: Any, monkeypatch: pytest.MonkeyPatch):
    ids = kept(value), kept(value)

    def load(*_: object) -> None:
        raise AssertionError("a value was loaded")

    monkeypatch.setattr(PersistedResultBlob, "load", load)
    difference = diff(*ids)
    assert (difference.is_same, difference.by) == (True, "digest")
    assert not difference


def test_the_chunks_that_differ_are_known_before_any_is_fetched(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("perdure._results.payload_writer.CHUNK", 1 << 18)
    before = numpy.zeros(1 << 18, "f4")  # 1 MiB
    after = before.copy()
    after[-1] = 1
    difference = diff(kept(before), kept(after), by_digest=True)
    assert difference.by == "digest"
    assert difference.chunks is not None
    # The stream comes first, so that the last bytes of the array lie in a chunk of their own.
    assert difference.chunks.differing[-1] == difference.chunks.total - 1
    assert len(difference.chunks.differing) < difference.chunks.total


def test_values_are_compared_where_digests_differ():
    (change,) = diff(kept({"a": 1}), kept({"a": 2})).changes
    assert (change.path, change.before, change.after) == ("['a']", "1", "2")


def test_results_that_were_written_otherwise_can_be_the_same():
    difference = diff(kept([1]), kept([1], result_serializer="json"))
    assert (difference.is_same, difference.by) == (True, "value")


def test_exceptions_and_literals_are_compared():
    assert diff(kept(ValueError("a")), kept(ValueError("b"))).changes[0].path == ".args[0]"
    assert diff(kept(True), kept(False))
    assert diff(kept(None), kept(ValueError("b"))).changes[0].kind == "retyped"


def test_what_lies_in_no_storage_has_no_digest():
    with pytest.raises(MissingResult, match="Compare the values"):
        diff(kept(True), kept([1]), by_digest=True)


def test_a_result_whose_key_was_used_again_is_not_compared_as_if_it_were_there():
    first, second = (kept(value, result_storage_key="shared") for value in (b"short", b"longer"))
    with pytest.raises(ResultOverwritten, match=second):
        diff(first, second)
