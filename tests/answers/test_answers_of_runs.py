"""What goes wrong in a call or a run is said by what it raises: the same for flows and tasks, sync and async."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from perdure import flow, settings, task
from perdure.errors import (
    BlockMissing,
    ParameterBindError,
    ParameterTypeError,
    PerdureError,
    SerializationError,
    StorageError,
    StorageKeyError,
    UnknownSerializer,
)
from perdure.filesystems import LocalFileSystem


class Model:
    """Holds, two steps down, what cannot be pickled."""

    def __init__(self) -> None:
        self.parts = {"lock": threading.Lock()}


def one(*_: Any) -> int:
    return 1


def test_all_parameters_of_a_wrong_type_are_named(assert_clear: Any) -> None:
    @flow
    def report(day: int, names: list[int]) -> None: ...

    with pytest.raises(ParameterTypeError) as caught:
        report("monday", names=[1, "x"])
    for value in ("day='monday'", "names=[1, 'x'] (1: "):
        assert_clear(caught.value, value=value, rule="Input should be a valid integer", mend="Pass values that fit")


def test_an_async_flow_names_parameters_of_a_wrong_type(assert_clear: Any) -> None:
    @flow
    async def report(day: int) -> None: ...

    with pytest.raises(ParameterTypeError) as caught:
        asyncio.run(report("monday"))
    assert_clear(caught.value, value="day='monday'", rule="valid integer", mend="Pass values that fit")


def test_parameters_of_a_wrong_type_fail_the_state_with_the_same_words(state_of: Any) -> None:
    @flow
    def report(day: int) -> None: ...

    state = report("monday", return_state=True)
    assert state_of("report") == "Failed"
    assert str(state.result(raise_on_failure=False)) in state.message


@pytest.mark.parametrize("decorate", [flow, task])
def test_arguments_that_do_not_fit_the_signature_are_named(decorate: Any, assert_clear: Any) -> None:
    @decorate
    def add(x: int, y: int = 2) -> int:
        return x + y

    with pytest.raises(ParameterBindError) as caught:
        add(1, z=3)
    assert_clear(caught.value, value="'z'", rule="add(x: int, y: int = 2) -> int cannot", mend="of its signature")


def test_an_unknown_slug_is_named_with_the_nearest(raised_by: Any, assert_clear: Any, tmp_path: Any) -> None:
    LocalFileSystem(basepath=tmp_path).save("dev")
    error = raised_by(one, persist_result=True, result_storage="local-file-system/dve")
    assert isinstance(error, BlockMissing)
    assert_clear(error, value="'local-file-system/dve'", rule="No block is saved", mend="'local-file-system/dev'?")


def test_a_slug_of_an_unknown_type_is_named(raised_by: Any, assert_clear: Any) -> None:
    error = raised_by(one, persist_result=True, result_storage="locl-file-system/dev")
    assert_clear(error, value="'locl-file-system/dev'", rule="no type of block", mend="'local-file-system'?")


def test_a_slug_where_nothing_is_saved_says_how_to_save(raised_by: Any, assert_clear: Any) -> None:
    error = raised_by(one, persist_result=True, result_storage="local-file-system/dev")
    assert_clear(error, value="'local-file-system/dev'", rule="No block is saved yet", mend="by `.save(name)`")


def test_an_unknown_default_serializer_is_named(raised_by: Any, assert_clear: Any) -> None:
    with settings.temporary_settings(results_default_serializer="jsno"):
        error = raised_by(one, persist_result=True)
    assert isinstance(error, UnknownSerializer)
    assert_clear(error, value="'jsno'", rule="Known: ", mend="Did you mean 'json'?")


def test_an_unpicklable_result_names_the_path_of_what_cannot_be_pickled(
    raised_by: Any, assert_clear: Any, home: Any, state_of: Any
) -> None:
    error = raised_by(lambda: [1, Model()], persist_result=True, result_serializer="pickle")
    assert isinstance(error, SerializationError)
    assert_clear(
        error, value='result[1].parts["lock"]', rule="cannot pickle '_thread.lock'", mend="return what can be pickled"
    )
    assert state_of("subject") == "Crashed"
    assert not list(home.glob("storage/*"))


def test_a_result_that_json_cannot_hold_names_its_path(raised_by: Any, assert_clear: Any) -> None:
    error = raised_by(lambda: {"a": [threading.Lock()]}, persist_result=True, result_serializer="json")
    assert_clear(error, value='result["a"][0]', rule="JSON cannot hold a _thread.lock", mend="'pickle'")


def test_what_an_object_raises_while_it_is_pickled_keeps_its_traceback() -> None:
    class Broken:
        def __reduce__(self) -> Any:
            return 1 / 0

    with pytest.raises(SerializationError, match=r"^result: division by zero") as caught:
        task(persist_result=True, result_serializer="pickle")(lambda: Broken())()
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_an_unwritable_storage_is_named(raised_by: Any, assert_clear: Any, a_file: Any, state_of: Any) -> None:
    error = raised_by(one, persist_result=True, result_storage=LocalFileSystem(basepath=a_file / "results"))
    assert isinstance(error, StorageError)
    assert_clear(error, value=f"{a_file}/results/", rule="a file stands where a directory is needed", mend="Move that")
    assert state_of("subject") == "Crashed"


def test_a_storage_whose_directory_the_system_refuses_is_named(assert_clear: Any) -> None:
    storage = LocalFileSystem(basepath="/proc/results")  # not even root can make it
    with pytest.raises(StorageError) as caught:
        storage.write("a", b"1")
    assert_clear(caught.value, value="/proc/results/a", rule="directory cannot be made", mend="choose another storage")


@pytest.mark.parametrize("decorate", ["sync", "async"])
def test_a_full_storage_crashes_the_task_and_leaves_no_part_of_a_file(
    decorate: Any, assert_clear: Any, full_after: Any, state_of: Any, home: Any
) -> None:
    def large() -> bytes:
        return bytes(3_000_000)

    async def alarge() -> bytes:
        return bytes(3_000_000)

    call: Any = task(name="large", persist_result=True, result_serializer="pickle")(
        large if decorate == "sync" else alarge
    )
    run = call if decorate == "sync" else lambda: asyncio.run(call())
    with full_after(1_000_000), pytest.raises(StorageError) as caught:
        run()
    assert_clear(caught.value, value=f"{home}/storage/", rule="File too large", mend="choose another storage")
    assert state_of("large") == "Crashed"
    assert not list(home.glob("storage/**/*"))
    assert run() == bytes(3_000_000)


def test_a_full_disk_leaves_the_old_document_under_an_overwritten_key(full_after: Any, home: Any) -> None:
    @task(persist_result=True, result_storage_key="kept.json", result_serializer="json")
    def text(size: int) -> str:
        return "x" * size

    before = text(10, return_state=True)
    with full_after(1_000_000), pytest.raises(StorageError):
        text(3_000_000)
    assert [file.name for file in home.glob("storage/*")] == ["kept.json"]
    assert before.data.read().load(lambda: "here") == "x" * 10


@pytest.mark.parametrize("key", ["../outside", "a/../../outside"])
def test_a_key_with_two_dots_is_refused(key: Any, assert_clear: Any, tmp_path: Any, state_of: Any) -> None:
    @task(persist_result=True, result_storage_key="{parameters[name]}")
    def named(name: str) -> str:
        return name

    with pytest.raises(StorageKeyError) as caught:
        named(key)
    assert_clear(caught.value, value=repr(key), rule="has a '..' segment", mend="Name the place itself")
    assert state_of("named") == "Crashed"
    assert not list(Path(tmp_path).rglob("outside"))


def test_a_template_that_names_a_missing_item_says_so_at_run_time(assert_clear: Any) -> None:
    @task(persist_result=True, result_storage_key="{parameters[options][nmae]}")
    def named(**options: str) -> int:
        return 1

    with pytest.raises(StorageKeyError) as caught:
        named(name="a")
    assert_clear(
        caught.value, value="it names 'nmae'", rule="The run's parameters are options", mend="Mend the template"
    )


def test_a_template_that_names_a_missing_attribute_gets_the_nearest(assert_clear: Any) -> None:
    @task(persist_result=True, result_storage_key="{flow_run.flow_nam}")
    def named() -> int:
        return 1

    with pytest.raises(StorageKeyError) as caught:
        named()
    assert_clear(caught.value, value="'flow_nam'", rule="does not exist", mend="Did you mean 'flow_name'?")


@pytest.mark.parametrize(
    "options",
    [
        {"result_serializer": "pickle"},
        {"result_serializer": "json"},
        {"result_storage": LocalFileSystem(basepath="/proc/results")},
        {"result_storage_key": "{flow_run.flow_nam}"},
        {"result_storage_key": "../outside"},
    ],
    ids=["pickle", "json", "storage", "template", "key"],
)
def test_an_error_is_logged_with_one_traceback_however_far_it_travels(options: Any, capsys: Any) -> None:
    failing: Any = task(name="failing", persist_result=True, **options)(lambda: threading.Lock())

    @flow
    def inner() -> Any:
        return failing()

    @flow
    def outer() -> Any:
        return inner()

    with pytest.raises(PerdureError):
        outer()

    said = capsys.readouterr().err
    assert said.count("Traceback (most recent call last)") <= 1
    assert "During handling of the above exception" not in said
    assert "direct cause of the following exception" not in said
