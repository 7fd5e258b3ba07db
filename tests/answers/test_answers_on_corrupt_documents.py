"""A result document that is not what was written is an error or, by luck, still the value; never another value."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from perdure import flow, session, task
from perdure._model import errors
from perdure._results.store import write_result
from perdure.errors import PerdureError, ResultCorrupt, ResultMissing, ResultUnreadable
from perdure.filesystems import LocalFileSystem
from perdure.records import BlockRecord
from perdure.results import PersistedResultBlob, aget_result, get_result, result_from_json
from perdure.serializers import Serializer

VALUE = {"day": "2024-05-01", "delays": [1, 2.5, None, True, "é"]}
SERIALIZERS = pytest.mark.parametrize("serializer", ["json", "pickle", "compressed/json", "compressed/pickle"])


def document_of(serializer: str) -> bytes:
    made = Serializer.from_name(serializer)
    return PersistedResultBlob(serializer=made.describe(), data=made.dumps(VALUE), type="builtins.dict").to_bytes()


def load(document: bytes) -> Any:
    return PersistedResultBlob.from_bytes(document, lambda: "the document").load(lambda: "the document")


def assert_no_wrong_value(document: bytes) -> None:
    with contextlib.suppress(PerdureError):
        assert load(document) == VALUE


@SERIALIZERS
@given(data=st.data())
@hypothesis_settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_document_with_any_byte_changed_is_never_another_value(serializer: str, data: st.DataObject) -> None:
    document = bytearray(document_of(serializer))
    document[data.draw(st.integers(0, len(document) - 1))] ^= data.draw(st.integers(1, 255))
    assert_no_wrong_value(bytes(document))


@pytest.mark.slow
@SERIALIZERS
def test_a_document_with_any_bit_flipped_is_never_another_value(serializer: str) -> None:
    document = document_of(serializer)
    for place in range(len(document)):
        for bit in range(8):
            assert_no_wrong_value(document[:place] + bytes([document[place] ^ 1 << bit]) + document[place + 1 :])


@SERIALIZERS
def test_a_document_cut_short_anywhere_is_corrupt(serializer: str) -> None:
    document = document_of(serializer)
    for length in range(len(document)):
        with pytest.raises(ResultCorrupt, match="is not a whole result document"):
            load(document[:length])


@pytest.mark.parametrize(
    "document",
    [
        *(b"", b"\0" * 100, b"null", b"[]", b"{}", b'"text"', b"1", b"\xff\xfe", b"[" * 100_000, b'{"data": "1"}'),
        *(b'{"serializer": 3, "data": "1"}', b'{"serializer": {"type": "json"}, "data": 3}'),
        b'{"serializer": {"type": "json"}, "data": "1", "digest": "sha256:00"}',
        b'{"serializer": {"type": "json"}, "data": "{"}',
        b'{"serializer": {"type": "pickle"}, "data": "???"}',
        b'{"serializer": {"type": "json"}, "data": "\\ud800"}',
    ],
    ids=range(16),
)
def test_what_is_no_document_is_corrupt(document: bytes, assert_clear: Any) -> None:
    with pytest.raises(ResultCorrupt) as caught:
        load(document)
    assert_clear(caught.value, value="the document", rule="", mend="Run the task again, or restore the file.")


def test_a_document_of_an_unknown_serializer_is_unreadable(assert_clear: Any) -> None:
    with pytest.raises(ResultUnreadable) as caught:
        load(b'{"serializer": {"type": "jsno"}, "data": "1"}')
    assert_clear(
        caught.value, value="the document", rule="No serializer has the type 'jsno'", mend="Did you mean 'json'?"
    )


def test_a_document_whose_serializer_has_unknown_options_is_unreadable(assert_clear: Any) -> None:
    with pytest.raises(ResultUnreadable) as caught:
        load(b'{"serializer": {"type": "json", "colour": 1}, "data": "1"}')
    assert_clear(caught.value, value="colour", rule="cannot be built from its description", mend="not permitted")


def test_what_a_serializer_of_ones_own_raises_is_named_with_the_document() -> None:
    class Fragile(Serializer):
        type: str = "fragile"

        def dumps(self, obj: Any) -> bytes:
            return b"x"

        def loads(self, data: bytes) -> Any:
            raise LookupError("no such page")

    with pytest.raises(ResultUnreadable, match=r"its serializer raised LookupError: no such page. Mend the serializer"):
        load(b'{"serializer": {"type": "fragile"}, "data": "x"}')


# In a storage

Damage = Callable[[Path], object]


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])


def change_value(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"2024", b"2025"))


def change_digest(file: Path) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), "digest": "sha256:0"}))


def empty(file: Path) -> None:
    file.write_bytes(b"")


def replace(file: Path) -> None:
    file.write_text('{"name": "perdure", "version": 1}')


def forget_serializer(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b'"json"', b'"jsno"'))


DAMAGES: list[Damage] = [cut, change_value, change_digest, empty, replace, forget_serializer, Path.unlink]
DAMAGED = pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)


@task(persist_result=True, result_serializer="json")
def measured() -> dict[str, Any]:
    return VALUE


def stored(home: Path) -> Path:
    (file,) = home.glob("storage/*")
    return file


@DAMAGED
def test_a_damaged_result_is_named_by_get_result(damage: Damage, home: Path, assert_clear: Any) -> None:
    state = measured(return_state=True)
    damage(stored_file := stored(home))
    with pytest.raises(errors.ResultError) as caught:
        get_result(state.run_id)
    assert_clear(caught.value, value=str(stored_file), rule="", mend="")
    assert str(caught.value).endswith(("un the task again, or restore the file.", '`type: Literal["jsno"] = "jsno"`.'))


def test_a_damaged_result_is_named_by_aget_result(home: Path, assert_clear: Any) -> None:
    state = measured(return_state=True)
    change_value(stored(home))
    with pytest.raises(ResultCorrupt) as caught:
        asyncio.run(aget_result(state.run_id))
    assert_clear(caught.value, value=str(stored(home)), rule="checksum", mend="Run the task again")


@DAMAGED
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_damaged_result_in_the_cache_is_made_again_with_a_warning(
    colour: str, damage: Damage, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = []

    def body() -> dict[str, Any]:
        calls.append(1)
        return VALUE

    async def abody() -> dict[str, Any]:
        return body()

    options: Any = {"name": "kept", "cache_key_fn": lambda: "always", "result_serializer": "json"}
    call: Any = task(**options)(body if colour == "sync" else abody)
    run = call if colour == "sync" else lambda: asyncio.run(call())
    run()
    damaged = stored(home)
    damage(damaged)
    capsys.readouterr()

    assert run() == VALUE

    said = capsys.readouterr().err
    assert "The cached result cannot be used, so the task runs again." in said
    assert str(damaged) in said
    assert len(said.splitlines()) == 1
    assert run() == VALUE
    assert len(calls) == 2


def test_a_result_in_a_storage_of_an_unknown_type_is_made_again(home: Path, tmp_path: Path) -> None:
    known = session.current()
    storage = LocalFileSystem(basepath=tmp_path / "there")
    record: BlockRecord = storage.record()._replace(id="00000000-0000-4000-8000-000000000000", type="moon-base")
    known.orchestrator.commit((record,))
    result = write_result(VALUE, None, storage, Serializer.from_name("json"), record.id, keep=False)

    with pytest.raises(ResultUnreadable, match=r"storage cannot be used here. There is no type of block 'moon-base'"):
        result_from_json(result.json()).get()


def test_a_flow_that_asks_for_a_damaged_result_fails_with_its_error(home: Path) -> None:
    @flow
    def around() -> Any:
        state = measured.with_options(cache_result_in_memory=False)(return_state=True)
        change_value(stored(home))
        return state.result()

    state = around(return_state=True)
    assert state.is_failed()
    assert isinstance(state.result(raise_on_failure=False), ResultCorrupt)


def test_a_missing_result_says_where_it_was(home: Path, assert_clear: Any) -> None:
    state = measured(return_state=True)
    file = stored(home)
    file.unlink()
    with pytest.raises(ResultMissing) as caught:
        get_result(state.run_id)
    assert_clear(caught.value, value=str(file), rule="no result document", mend="run the task again")


# On the command line


@DAMAGED
def test_a_damaged_result_is_one_line_on_the_command_line(damage: Damage, home: Path, perdure: Any) -> None:
    state = measured(return_state=True)
    file = stored(home)
    damage(file)

    ended = perdure("result", "get", state.run_id)

    assert ended.exit_code == 1
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("Error: ")
    assert str(file) in line
