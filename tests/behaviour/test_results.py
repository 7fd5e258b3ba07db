"""Which results are persisted, where, how, and what of them is kept in memory."""

import asyncio
import base64
import gc
import json
import logging
import pickle
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure import flow, settings, task, transaction
from perdure.errors import (
    DefinitionError,
    MissingResult,
    ResultCorrupt,
    ResultMissing,
    ResultOverwritten,
    SerializationError,
    StorageKeyError,
)
from perdure.filesystems import LocalFileSystem
from perdure.results import (
    LiteralResult,
    PersistedResult,
    UnpersistedResult,
    aget_result,
    find_result,
    get_result,
    result_from_json,
    rewrite,
)
from perdure.serializers import Serializer
from perdure.testing.home import fresh_home


class Big:
    """Something that can be referred to weakly and pickled."""

    def __init__(self, name: str = "big") -> None:
        self.name = name


@task
def value() -> dict[str, int]:
    return {"a": 1}


def kind_of(made: Any) -> str:
    return type(made(return_state=True).data).__name__


def child_kind(**options: Any) -> str:
    """How a plain task's result is kept inside a flow with these options."""
    return str(flow(**options)(lambda: [type(value(return_state=True).data).__name__])()[0])


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.exists() else []


def stored(home: Path) -> list[Path]:
    return files(home / "storage")


# Whether to persist


def test_by_default_nothing_is_persisted(home: Path) -> None:
    assert kind_of(value) == "UnpersistedResult"
    assert kind_of(flow(lambda: 5)) == "UnpersistedResult"
    assert stored(home) == []


@pytest.mark.parametrize("make", [flow, task])
def test_persistence_can_be_asked_for(make: Any, home: Path) -> None:
    assert kind_of(make(persist_result=True)(lambda: 5)) == "PersistedResult"
    assert len(stored(home)) == 1


def test_a_cache_key_persists() -> None:
    assert kind_of(value.with_options(cache_key_fn=lambda: "k")) == "PersistedResult"


def test_no_memory_cache_persists() -> None:
    assert kind_of(value.with_options(cache_result_in_memory=False)) == "PersistedResult"
    assert kind_of(flow(cache_result_in_memory=False)(lambda: 5)) == "PersistedResult"


def test_a_flows_retries_persist_its_direct_children_only() -> None:
    kinds: dict[str, str] = {}

    @flow
    def child() -> int:
        kinds["grandchild"] = type(value(return_state=True).data).__name__
        return 3

    @flow(retries=1)
    def parent() -> int:
        kinds["task"] = type(value(return_state=True).data).__name__
        kinds["subflow"] = type(child(return_state=True).data).__name__
        return 4

    kinds["flow"] = kind_of(parent)

    assert kinds == {
        "task": "PersistedResult",
        "subflow": "PersistedResult",
        "grandchild": "UnpersistedResult",
        "flow": "UnpersistedResult",
    }


def test_persistence_is_never_inherited() -> None:
    assert child_kind(persist_result=True) == "UnpersistedResult"


def test_the_setting_persists_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_RESULTS_PERSIST_BY_DEFAULT", "true")
    settings.reload()

    assert kind_of(value) == "PersistedResult"
    assert kind_of(value.with_options(persist_result=False)) == "UnpersistedResult"


def test_an_explicit_false_wins_over_the_parents_retries() -> None:
    @flow(retries=1)
    def parent() -> Any:
        return [type(value.with_options(persist_result=False)(return_state=True).data).__name__]

    assert parent() == ["UnpersistedResult"]


def test_a_cache_key_without_persistence_is_refused_at_definition() -> None:
    with pytest.raises(DefinitionError, match=r"'value' has persist_result=False and a cache_key_fn"):
        value.with_options(persist_result=False, cache_key_fn=lambda: "k")


# Literals


@pytest.mark.parametrize("literal", [True, False, None, UUID(int=7)])
def test_a_literal_is_kept_in_the_database(literal: Any, known: Any, home: Path) -> None:
    literal_task = task(name="t", persist_result=True, cache_key_fn=lambda: "k")(lambda: literal)

    result: Any = literal_task(return_state=True).data

    assert isinstance(result, LiteralResult)
    assert stored(home) == []
    assert known.result(known.task_run("t").id).kind == "literal"
    assert literal_task(return_state=True).name == "Cached"
    assert literal_task() == literal


def test_a_literal_is_never_kept_when_persistence_is_off() -> None:
    off = task(persist_result=False)

    assert kind_of(off(lambda: True)) == "UnpersistedResult"


def test_without_memory_and_persistence_none_stays_and_booleans_go() -> None:
    off = task(persist_result=False, cache_result_in_memory=False)

    assert off(lambda: None)() is None
    for boolean in (True, False):
        with pytest.raises(MissingResult, match=r"builtins\.bool"):
            off(lambda boolean=boolean: boolean)()


def test_a_literal_as_json_is_plain() -> None:
    result: Any = task(lambda: True)(return_state=True).data

    assert json.loads(result.json()) == {"type": "literal", "value": True}
    assert result_from_json(result.json()).get() is True


# Memory


def test_a_result_without_memory_cache_is_fetched_from_storage() -> None:
    @task(cache_result_in_memory=False)
    def big() -> Big:
        return Big()

    @flow
    def uses() -> Any:
        state = big(return_state=True)
        return state.result().name, big().name, big.submit().result().name, state.result() is state.result()

    assert uses() == ("big", "big", "big", False)


def test_a_result_without_memory_cache_is_freed() -> None:
    alive: list[weakref.ref[Big]] = []

    @task(cache_result_in_memory=False)
    def big() -> Big:
        made = Big()
        alive.append(weakref.ref(made))
        return made

    @flow
    def uses() -> Any:
        states = [big(return_state=True), big.submit().wait()]
        gc.collect()
        return [ref() for ref in alive], [state.result().name for state in states if state]

    assert uses() == ([None, None], ["big", "big"])


def test_a_result_in_memory_is_the_same_object() -> None:
    made = Big()

    assert task(persist_result=True)(lambda: made)() is made


def test_without_memory_and_persistence_only_asking_for_the_value_is_an_error() -> None:
    off = value.with_options(persist_result=False, cache_result_in_memory=False)

    @flow
    def uses() -> Any:
        state, future = off(return_state=True), off.submit()
        for ask in (state.result, future.result, off):
            with pytest.raises(MissingResult, match=r"persist_result=True or cache_result_in_memory=True"):
                ask()
        return state.name

    assert uses() == "Completed"


def test_the_arguments_of_a_finished_task_are_freed() -> None:
    @task
    def takes(_: Any) -> int:
        return 1

    @flow
    def uses() -> Any:
        given = Big()
        ref = weakref.ref(given)
        takes.submit(given).result()
        takes(given)
        del given
        gc.collect()
        return [ref()]

    assert uses() == [None]


# Where and how


def test_storage_and_serializer_are_inherited_by_tasks_and_subflows(tmp_path: Path) -> None:
    @task(persist_result=True)
    def kept() -> int:
        return 5

    @flow(persist_result=True)
    def child() -> int:
        return kept()

    @flow(result_storage=LocalFileSystem(basepath=tmp_path / "own"), result_serializer="json")
    def parent() -> int:
        return kept() + child() + kept.submit().result()

    parent()

    documents = [json.loads(path.read_bytes()) for path in files(tmp_path / "own")]
    assert [document["serializer"]["type"] for document in documents] == ["json"] * 4


def test_a_tasks_own_storage_and_serializer_win(tmp_path: Path) -> None:
    @task(persist_result=True, result_storage=LocalFileSystem(basepath=tmp_path / "own"), result_serializer="pickle")
    def kept() -> int:
        return 5

    flow(result_storage=LocalFileSystem(basepath=tmp_path / "flows"), result_serializer="json")(lambda: kept())()

    (document,) = files(tmp_path / "own")
    assert json.loads(document.read_bytes())["serializer"]["type"] == "pickle"
    assert files(tmp_path / "flows") == []


def test_a_saved_storage_is_named_by_its_slug(tmp_path: Path) -> None:
    LocalFileSystem(basepath=tmp_path / "saved").save("dev")

    value.with_options(persist_result=True, result_storage="local-file-system/dev")()

    assert len(files(tmp_path / "saved")) == 1


def test_an_unknown_slug_is_named(known: Any) -> None:
    wrong = value.with_options(persist_result=True, result_storage="local-file-system/nope")

    with pytest.raises(Exception, match="local-file-system/nope"):
        wrong()
    assert known.task_run("value").state_name == "Crashed"


def test_a_key_of_its_own_is_32_hexadecimal_characters(home: Path) -> None:
    value.with_options(persist_result=True)()

    (document,) = stored(home)
    assert len(document.name) == 32
    assert int(document.name, 16) >= 0


def test_a_template_makes_one_file_a_run(home: Path) -> None:
    @task(
        persist_result=True,
        result_storage_key="{flow_run.flow_name}/{task_run.task_name}_{parameters[name]}_{parameters[n]:03d}.json",
    )
    def greets(name: str, n: int) -> str:
        return name * n

    @flow(name="greetings")
    def calls() -> int:
        greets("ann", 1)
        greets("bob", 2)
        return 0

    calls()

    names = [str(path.relative_to(home / "storage")) for path in stored(home)]
    assert names == ["greetings/greets_ann_001.json", "greetings/greets_bob_002.json"]


@task(persist_result=True, result_storage_key="one")
def under_one_key(x: int) -> int:
    return x


def test_an_overwritten_key_leaves_values_in_memory_and_gives_readers_the_last() -> None:
    first, second = under_one_key(1, return_state=True), under_one_key(2, return_state=True)
    handle: Any = result_from_json(first.data.json())  # type: ignore[union-attr]

    assert (first.result(), second.result(), handle.get()) == (1, 2, 2)


def test_a_reader_of_what_another_run_has_overwritten_is_warned_of_the_key_both_runs_and_the_remedy(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = under_one_key(1, return_state=True), under_one_key(2, return_state=True)

    assert get_result(str(first.run_id)) == 2

    for said in (str(home / "storage" / "one"), str(first.run_id), str(second.run_id), "result_storage_key"):
        assert said in caplog.text


def test_a_shared_key_that_looks_like_one_of_perdures_own_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    shared: Any = task(persist_result=True, result_storage_key="0" * 32)(lambda x: x)
    first = shared(1, return_state=True)
    shared(2)

    assert get_result(str(first.run_id)) == 2

    assert caplog.text.count("used the same key") == 1


def test_the_engine_takes_no_value_that_another_run_has_overwritten() -> None:
    first: Any = under_one_key(1, return_state=True)
    under_one_key(2)
    handle = find_result(first.run_id)

    with pytest.raises(ResultOverwritten):
        handle.get_own()  # as it is asked for by a resumed run, and of what is cached


def test_a_result_that_was_rewritten_is_not_taken_for_another_runs() -> None:
    state: Any = under_one_key(1, return_state=True)
    handles = find_result(state.run_id), result_from_json(state.data.json())

    list(rewrite([state.run_id], serializer="json"))

    assert [handle.get() for handle in handles] == [1, 1]


class Warned(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.of: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.of.append(record.getMessage())

    @contextmanager
    def listening(self) -> Iterator[None]:
        logger = logging.getLogger("perdure")
        logger.addHandler(self)
        try:
            yield
        finally:
            logger.removeHandler(self)


_WAYS: tuple[Callable[[Any], Any], ...] = (
    lambda future: future.result(),
    lambda future: future.state.result(),
    lambda future: get_result(future.task_run_id),
    lambda future: asyncio.run(aget_result(future.task_run_id)),
    lambda future: find_result(future.task_run_id).get(),
    lambda future: result_from_json(future.state.data.json()).get(),
    lambda future: pickle.loads(pickle.dumps(future.state)).result(),
    lambda future: future.state.data.open().read() and future.result(),
)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.booleans()), min_size=2, max_size=6))
@hypothesis.settings(max_examples=8, deadline=None)
def test_whatever_shares_keys_no_value_of_another_run_is_given_without_a_warning(
    calls: list[tuple[str, int, bool]],
) -> None:
    """Calls of two tasks, of equal and of other arguments, some of them in a transaction, under two keys."""

    def made(x: int, key: str) -> tuple[str, int]:
        return ("made", x)

    kept = {"persist_result": True, "result_storage_key": "{parameters[key]}", "cache_result_in_memory": False}
    tasks: list[Any] = [task(name=name, **kept)(made) for name in ("one", "other")]  # type: ignore[call-overload]

    futures: list[tuple[Any, int]] = []

    @flow
    def calling() -> None:
        for number, (key, x, staged) in enumerate(calls):
            with transaction() if staged else nullcontext():
                futures.append((tasks[number % 2].submit(x, key), x))
                futures[-1][0].wait()

    warned = Warned()

    def check() -> None:
        for future, x in futures:
            for way in _WAYS:
                warned.of.clear()
                if way(future) != ("made", x):
                    assert "used the same key" in "".join(warned.of)
            with suppress(ResultOverwritten):
                assert find_result(future.task_run_id).get_own() == ("made", x)
        assert futures[-1][0].result() == ("made", futures[-1][1])

    with fresh_home():
        calling()
        with warned.listening():
            check()


@pytest.mark.parametrize("key", ["../out", "/etc/out", "a/../../out"])
def test_a_key_that_leaves_the_storage_crashes_the_run(key: str, known: Any, tmp_path: Path) -> None:
    with pytest.raises(StorageKeyError):
        value.with_options(persist_result=True, result_storage_key=key, retries=3)()

    run = known.task_run("value")
    assert (run.state_name, run.run_count) == ("Crashed", 1)
    assert not (tmp_path / "out").exists()


def test_a_parameter_that_leaves_the_storage_crashes_the_run() -> None:
    @task(persist_result=True, result_storage_key="{parameters[name]}")
    def named(name: str) -> str:
        return name

    with pytest.raises(StorageKeyError):
        named("../../outside")


def test_a_template_with_a_missing_parameter_is_refused_at_definition() -> None:
    with pytest.raises(DefinitionError, match=r"'nmae'.*name"):

        @task(result_storage_key="{parameters[nmae]}")
        def named(name: str) -> str:
            return name


def test_a_value_that_cannot_be_pickled_crashes_the_task_without_a_retry(known: Any, home: Path) -> None:
    @task(persist_result=True, retries=3)
    def generator() -> Any:
        return {"inner": [1, 2], "bad": (i for i in range(3))}

    with pytest.raises(SerializationError, match="bad"):
        generator()

    run = known.task_run("generator")
    assert (run.state_name, run.run_count) == ("Crashed", 1)
    assert stored(home) == []


def test_a_flow_raises_an_error_of_storing_in_spite_of_return_state(known: Any) -> None:
    with pytest.raises(SerializationError):
        flow(name="f", persist_result=True)(lambda: (i for i in range(3)))(return_state=True)

    assert known.flow_run("f").state_name == "Crashed"


def test_a_failed_attempt_leaves_no_file_behind(home: Path) -> None:
    attempts = []

    @task(persist_result=True, retries=2)
    def flaky() -> int:
        attempts.append(1)
        if len(attempts) < 3:
            raise ValueError
        return 5

    flaky()

    assert len(stored(home)) == 1


# Documents and handles


def test_the_document_describes_its_serializer_and_data(home: Path) -> None:
    value.with_options(persist_result=True, result_serializer="json")()

    document = json.loads(stored(home)[0].read_bytes())
    assert document["serializer"]["type"] == "json"
    assert json.loads(document["data"]) == {"a": 1}
    assert document["type"] == "builtins.dict"
    assert document["digest"].startswith("sha256:")
    assert "prefect_version" in document or "perdure_version" in document


def test_pickled_and_compressed_data_is_base64(home: Path) -> None:
    import pickle
    import zlib

    value.with_options(persist_result=True, result_storage_key="p")()
    value.with_options(persist_result=True, result_storage_key="c", result_serializer="compressed/json")()

    def data(key: str) -> bytes:
        return base64.b64decode(json.loads((home / "storage" / key).read_bytes())["data"])

    assert pickle.loads(data("p")) == {"a": 1}
    assert json.loads(zlib.decompress(data("c"))) == {"a": 1}


@pytest.mark.slow
def test_a_handle_as_json_is_read_by_a_later_process() -> None:
    result: Any = value.with_options(persist_result=True)(return_state=True).data
    assert json.loads(result.json())["type"] == "reference"

    code = "import sys; from perdure.results import result_from_json; import perdure.session\n"
    code += "print(result_from_json(sys.argv[1]).get())"
    ended = subprocess.run([sys.executable, "-c", code, result.json()], capture_output=True, text=True, check=True)

    assert ended.stdout == "{'a': 1}\n"


def test_a_result_that_is_gone_says_where_it_was(home: Path) -> None:
    result: Any = value.with_options(persist_result=True)(return_state=True).data
    (document,) = stored(home)
    document.unlink()

    with pytest.raises(ResultMissing, match=document.name):
        result_from_json(result.json()).get()


def test_a_corrupt_result_is_found_by_its_checksum(home: Path) -> None:
    result: Any = value.with_options(persist_result=True, result_serializer="json")(return_state=True).data
    (document,) = stored(home)
    document.write_bytes(document.read_bytes().replace(b"1}", b"2}"))

    with pytest.raises(ResultCorrupt, match="checksum"):
        result_from_json(result.json()).get()


def test_a_handle_reads_once_and_then_from_memory(home: Path) -> None:
    written: Any = value.with_options(persist_result=True)(return_state=True).data
    handle: Any = result_from_json(written.json())

    first = handle.get()
    stored(home)[0].unlink()

    assert handle.get() is first
    assert asyncio.run(handle.aget()) is first


def test_the_database_has_the_metadata_of_every_result(known: Any) -> None:
    value.with_options(persist_result=True, result_serializer="json", name="kept")()
    value()

    kept, plain = known.result(known.task_run("kept").id), known.result(known.task_run("value").id)
    assert (kept.kind, kept.type, json.loads(kept.serializer)["type"]) == ("persisted", "builtins.dict", "json")
    assert kept.size > 0
    assert kept.storage_key
    assert (plain.kind, plain.type) == ("unpersisted", "builtins.dict")


def test_a_persisted_result_is_committed_when_the_task_returns(home: Path) -> None:
    import sqlite3

    @flow
    def kept() -> Any:
        value.with_options(persist_result=True)()
        (database,) = home.glob("*.db")
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as reader:
            return reader.execute("select state_type from task_run").fetchall()

    assert kept() == [("COMPLETED",)]


def test_a_flow_can_persist_its_own_value() -> None:
    result: Any = flow(persist_result=True)(lambda: [1])(return_state=True).data

    assert isinstance(result, PersistedResult)
    assert result_from_json(result.json()).get() == [1]


def test_an_unpersisted_result_knows_its_type_later() -> None:
    result: Any = value(return_state=True).data

    again = result_from_json(result.json())
    assert isinstance(again, UnpersistedResult)
    with pytest.raises(MissingResult, match=r"builtins\.dict"):
        again.get()


class RefusedError(Exception):
    """Its class cannot build it again from its `args`."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status


def test_an_exception_comes_back_whatever_its_constructor_takes() -> None:
    @task(persist_result=True)
    def refused() -> None:
        raise RefusedError(503, "busy")

    state = refused(return_state=True)

    with pytest.raises(RefusedError, match="503: busy") as again:
        get_result(state.run_id or "")
    assert again.value.status == 503


@pytest.mark.parametrize("returned", [lambda state: [state, 5], lambda state: [5, state]])
def test_a_list_of_states_and_other_things_is_data_and_persisted(returned: Any) -> None:
    @task
    def one() -> int:
        return 1

    @flow(persist_result=True)
    def mixed() -> Any:
        return returned(one(return_state=True))

    assert isinstance(mixed(return_state=True).data, PersistedResult)


def test_a_saved_storage_is_loaded_once_for_a_flow_and_its_tasks(tmp_path: Path, monkeypatch: Any) -> None:
    slug = LocalFileSystem(basepath=tmp_path / "results").save("dev")
    loads = []
    load = LocalFileSystem.load
    monkeypatch.setattr("perdure.blocks.Block.load", lambda slug: loads.append(slug) or load(slug))

    @task(persist_result=True)
    def kept(number: int) -> int:
        return number

    @flow(result_storage=slug)
    def keeps() -> int:
        return sum(kept(number) for number in range(5))

    assert keeps() == 10
    assert loads == [slug]
    assert len(list((tmp_path / "results").iterdir())) == 5


class Refusing(LocalFileSystem):
    """A storage whose errors are of kinds that storages are not to raise."""

    def write(self, key: str, data: bytes) -> None:
        raise OSError("the disk is on fire")

    create = write

    def delete(self, key: str) -> None:
        raise KeyError(key)


def test_the_storages_own_error_is_raised_whatever_cleaning_up_raises() -> None:
    with pytest.raises(OSError, match="on fire"):
        value.with_options(persist_result=True, result_storage=Refusing(basepath="refusing"))()


class Talking(Serializer):
    type = "talking"

    def dumps(self, obj: object) -> bytes:
        return "text"  # type: ignore[return-value]

    def loads(self, data: bytes) -> object:
        return data


def test_a_serializer_that_makes_no_bytes_is_named() -> None:
    with pytest.raises(SerializationError, match="'talking' made a str"):
        value.with_options(persist_result=True, result_serializer=Talking())()
