"""Names that users of Prefect know, of states, results, variables, logs and digests."""

import asyncio
import hashlib
import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure import flow, get_run_logger, quote, runtime, task
from perdure.client import get_client
from perdure.client.schemas.filters import LogFilter, LogFilterFlowRunId, LogFilterLevel
from perdure.client.schemas.objects import Log
from perdure.errors import DefinitionError, StorageKeyError
from perdure.filesystems import LocalFileSystem
from perdure.logging import disable_logger, get_logger
from perdure.results import LiteralResult, PersistedResult, UnpersistedResult
from perdure.settings import temporary_settings
from perdure.states import (
    Cancelled,
    Completed,
    Crashed,
    Failed,
    Paused,
    Running,
    State,
    StateGroup,
    raise_state_exception,
)
from perdure.utilities.hashing import file_hash, hash_objects, stable_hash
from perdure.utilities.names import generate_slug
from perdure.variables import Variable


@task(persist_result=True)
def kept() -> list[int]:
    return [1, 2]


def results() -> list[Any]:
    return [kept(return_state=True).data, LiteralResult(True), UnpersistedResult("tea")]


def test_results_are_awaited_where_the_setting_says_so() -> None:
    made = results()

    async def values() -> list[Any]:
        return [await result.get() for result in made]

    with temporary_settings({"PERDURE_ASYNC_FETCH_STATE_RESULT": True}):
        assert asyncio.run(values()) == [[1, 2], True, "tea"]
        assert [result.get() for result in made] == [[1, 2], True, "tea"]


def test_results_are_had_at_once_in_coroutines_without_the_setting() -> None:
    made = results()

    async def values() -> list[Any]:
        return [result.get() for result in made]

    assert asyncio.run(values()) == [[1, 2], True, "tea"]


def test_the_setting_does_not_change_what_runs_give() -> None:
    @flow(persist_result=True)
    async def outer() -> list[int]:
        return (await kept(return_state=True).result()) + kept()

    with temporary_settings({"PERDURE_ASYNC_FETCH_STATE_RESULT": True}):
        assert asyncio.run(outer()) == [1, 2, 1, 2]


def test_results_describe_themselves_as_artifacts() -> None:
    persisted, literal, unpersisted = results()
    assert isinstance(persisted, PersistedResult)
    assert {each.artifact_type for each in (persisted, literal, unpersisted)} == {"result"}
    assert persisted.storage_key in persisted.artifact_description
    assert "True" in literal.artifact_description
    assert unpersisted.artifact_description == "Unpersisted result of type `str`"


@pytest.mark.parametrize("made", [flow, task])
def test_a_returned_quote_comes_back_with_its_mark(made: Any) -> None:
    failed = Failed(message="no")
    returned = made(lambda: quote([failed]))()
    assert isinstance(returned, quote)
    assert returned.unquote() == [failed]


def test_a_state_as_a_dict_has_its_fields_by_name() -> None:
    state = Completed(message="done", data=1, state_details={"cache_key": "k"})
    fields = state.dict()
    assert fields["type"] == "COMPLETED"
    assert fields["state_details"]["cache_key"] == "k"
    assert fields["timestamp"] == state.timestamp
    assert state.dict(include={"name", "data"}) == {"name": "Completed", "data": 1}
    assert state.dict(exclude={"id", "timestamp", "state_details", "data", "type"}) == {
        "name": "Completed",
        "message": "done",
    }


def test_a_state_as_json_has_what_json_lacks_as_text() -> None:
    state = kept(return_state=True)
    read = json.loads(state.json())
    assert read["data"]["storage_key"] == state.data.storage_key
    assert datetime.fromisoformat(read["timestamp"]) == state.timestamp
    assert json.loads(Completed(data=object).json(include={"data"})) == {"data": "<class 'object'>"}


def test_a_copy_of_a_state_has_other_fields_and_leaves_the_first() -> None:
    state: State[Any] = Completed(message="done", data=1)
    other = state.copy(update={"message": "again", "name": "Cached"})
    assert (other.message, other.name, other.data) == ("again", "Cached", 1)
    assert (state.message, state.name) == ("done", "Completed")
    with pytest.raises(AttributeError):
        state.copy(update={"colour": "green"})


def test_a_failed_state_that_carries_a_completed_one_says_that() -> None:
    with pytest.raises(ValueError, match=r"Completed\(\), which did not fail"):
        raise_state_exception(Failed(data=Completed()))


def test_a_flow_of_cancelled_runs_counts_them() -> None:
    states = [Completed(), Cancelled(), Failed(), Cancelled()]
    state = flow(lambda: states)(return_state=True)
    assert (state.type, state.message) == ("CANCELLED", "2/4 states cancelled.")


def test_what_a_variable_was_set_to_has_its_name_and_value() -> None:
    variable = Variable.set("tea", {"kind": "green"})
    assert (variable.name, variable.value) == ("tea", {"kind": "green"})
    assert repr(variable) == "Variable(name='tea', value={'kind': 'green'})"

    async def setting() -> Any:
        return await Variable.set("tea", 3, overwrite=True), await Variable.aset("oil", 4)

    assert [each.value for each in asyncio.run(setting())] == [3, 4]
    assert Variable.get("tea") == 3


@pytest.mark.parametrize("name", ["tea/green", "a%b", "a&b", "a<b", "a>b"])
def test_a_flows_name_has_no_characters_of_addresses(name: str) -> None:
    with pytest.raises(DefinitionError, match="FLOW/NAME"):
        flow(name=name)(lambda: 1)
    with pytest.raises(DefinitionError, match="FLOW/NAME"):
        flow(lambda: 1).with_options(name=name)
    assert task(name=name)(lambda: 1)() == 1


def test_lines_of_runs_are_read_by_filter_and_in_order() -> None:
    @flow
    def brew(kind: str) -> None:
        get_run_logger().info("brewing %s", kind)
        get_run_logger().warning("hot %s", kind)

    brew("green")
    brew("black")
    with get_client(sync_client=True) as client:
        newest, oldest = client.read_flow_runs()
        lines = client.read_logs(limit=1_000)
        ours = [line for line in lines if line.message.startswith(("brewing", "hot"))]
        assert [line.message for line in ours] == ["brewing green", "hot green", "brewing black", "hot black"]
        assert all(isinstance(line, Log) and line.timestamp.tzinfo is UTC for line in ours)
        hot = client.read_logs(
            LogFilter(flow_run_id=LogFilterFlowRunId(any_=[newest.id]), level=LogFilterLevel(ge_=30))
        )
        assert [(line.message, line.level, line.flow_run_id) for line in hot] == [("hot black", 30, newest.id)]
        assert client.read_logs(sort="TIMESTAMP_DESC", limit=1)[0].flow_run_id == newest.id
        after = client.read_logs({"flow_run_id": {"any_": [oldest.id]}, "timestamp": {"after_": ours[1].timestamp}})
        assert after[0].message == "hot green"
        with pytest.raises(ValueError, match=r"name\.any_=\['x'\] is not known"):
            client.read_logs({"name": {"any_": ["x"]}})

    async def read() -> list[Log]:
        async with get_client() as runs:
            return await runs.read_logs(limit=2, offset=1)

    assert [line.id for line in asyncio.run(read())] == [line.id for line in lines[1:3]]


@given(st.lists(st.text() | st.binary(), min_size=1))
def test_a_stable_hash_is_that_of_the_bytes_one_after_another(parts: list[str | bytes]) -> None:
    joined = b"".join(each.encode() if isinstance(each, str) else each for each in parts)
    assert stable_hash(*parts) == hashlib.md5(joined).hexdigest()
    assert stable_hash(*parts, hash_algo=hashlib.sha256) == hashlib.sha256(joined).hexdigest()


def test_a_file_is_digested_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"tea" * 100_000)
    (tmp_path / "b").write_bytes(b"tea" * 100_000)
    assert file_hash(tmp_path / "a") == file_hash(str(tmp_path / "b")) == hashlib.md5(b"tea" * 100_000).hexdigest()
    with pytest.raises(FileNotFoundError):
        file_hash(tmp_path / "none")


def test_objects_are_digested_by_value_and_type() -> None:
    assert hash_objects([1], a={"x": 1, "y": 2}) == hash_objects([1], a={"y": 2, "x": 1})
    assert len({hash_objects(1), hash_objects(1.0), hash_objects("1"), hash_objects(True), hash_objects(x=1)}) == 5
    assert len(hash_objects(1, hash_algo=hashlib.sha256)) == 64


def test_a_slug_has_as_many_words_as_asked_for() -> None:
    assert [generate_slug(words).count("-") for words in (2, 3, 5)] == [1, 2, 4]
    with pytest.raises(ValueError, match="n_words=1 must be at least 2"):
        generate_slug(1)


def test_several_states_are_counted_by_type() -> None:
    group = StateGroup([Completed(), Failed(), Crashed(), Cancelled(), Running(), Paused()])
    assert (group.total_count, group.fail_count, group.cancelled_count, group.paused_count) == (6, 2, 1, 1)
    assert (group.any_failed(), group.any_cancelled(), group.any_paused()) == (True, True, True)
    assert (group.all_final(), group.all_completed(), group.not_final_count) == (False, False, 2)
    assert group.counts_message().startswith("total=6 not_final=2 'COMPLETED'=1 'FAILED'=1")
    done = StateGroup([Completed(), Completed()])
    assert done.all_completed()
    assert done.all_final()
    assert not done.any_failed()
    assert done.counts_message() == "total=2 'COMPLETED'=2"


def test_files_are_had_by_key_and_by_whole_path(tmp_path: Path) -> None:
    storage = LocalFileSystem(basepath=tmp_path / "kept")
    assert storage.write_path(Path("a/one.txt"), b"1") == str(tmp_path / "kept" / "a" / "one.txt")
    storage.write_path(tmp_path / "kept" / "a" / "two.txt", b"2")
    assert storage.read_path("a/two.txt") == storage.read_path(str(tmp_path / "kept/a/two.txt")) == b"2"
    storage.get_directory(from_path=tmp_path / "kept" / "a", local_path=tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["one.txt", "two.txt"]
    assert storage.put_directory(tmp_path / "out", to_path=tmp_path / "kept" / "b") == 2
    assert sorted(storage.list()) == ["a/one.txt", "a/two.txt", "b/one.txt", "b/two.txt"]
    with pytest.raises(StorageKeyError):
        storage.read_path(tmp_path / "elsewhere.txt")
    with pytest.raises(StorageKeyError):
        storage.read_path(tmp_path / "kept" / ".." / "elsewhere.txt")


def test_a_logger_is_silent_for_a_while(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("tea.house")
    with disable_logger("tea.house"):
        logger.error("unheard")
    logger.error("heard")
    assert [record.message for record in caplog.records] == ["heard"]
    assert get_logger("").name == get_logger().name == "perdure"


def test_a_run_logger_is_not_made_of_anything_else() -> None:
    context: Any = "my run"
    with pytest.raises(TypeError, match="'my run' is no run's context"):
        get_run_logger(context)


def test_the_environment_may_name_what_runs_do_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE__RUNTIME__FLOW_RUN__CUSTOMER", "tea")
    run: Any = runtime.flow_run
    assert run.customer == "tea"
    with pytest.raises(AttributeError):
        _ = run.supplier
