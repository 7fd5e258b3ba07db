"""`perdure result`"""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from command_line import Perdure
from pydantic import SecretStr

from perdure import flow


def returned(value: Any, **options: Any) -> None:
    """Run a flow named `giver` that returns the value."""

    @flow(flow_run_name="giver", persist_result=True, **options)
    def give() -> Any:
        return value

    give()


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        ("text", "text\n"),
        (7, "7\n"),
        ({"a": [1, 2]}, '{\n  "a": [\n    1,\n    2\n  ]\n}\n'),
        (date(2013, 1, 1), "datetime.date(2013, 1, 1)\n"),
        (b"\x00\xff", b"\x00\xff"),
        (True, "true\n"),
        (SecretStr("s3cret"), "SecretStr('**********')\n"),
    ],
)
def test_get_prints_the_value(perdure: Perdure, value: object, printed: str | bytes):
    returned(value)
    ended = perdure("result", "get", "giver")
    assert ended.stdout_bytes == (printed.encode() if isinstance(printed, str) else printed)


@pytest.mark.parametrize(("value", "shown"), [(date(2013, 1, 1), "2013-01-01"), ({3}, [3]), (SecretStr("x"), "*" * 10)])
def test_get_as_json_turns_any_value_into_json(perdure: Perdure, value: object, shown: object):
    returned(value)
    assert json.loads(perdure("result", "get", "giver", "--json").stdout)["value"] == shown


@pytest.mark.parametrize(("value", "written"), [(b"\x00", b"\x00"), ("é", "é".encode()), ([1], b"[\n  1\n]\n")])
def test_get_writes_a_file(perdure: Perdure, tmp_path: Path, value: object, written: bytes):
    returned(value)
    assert perdure("result", "get", "giver", "-o", tmp_path / "value").exit_code == 0
    assert (tmp_path / "value").read_bytes() == written


def test_a_value_that_no_file_holds_by_itself_is_not_written(perdure: Perdure, tmp_path: Path):
    returned(date(2013, 1, 1))
    ended = perdure("result", "get", "giver", "-o", tmp_path / "value")
    assert ended.exit_code == 1
    assert "perdure.results.get_result" in ended.stderr
    assert not (tmp_path / "value").exists()


def test_get_of_a_failed_run_says_what_it_raised(perdure: Perdure):
    @flow(flow_run_name="raiser", persist_result=True)
    def fail() -> None:
        raise ValueError("bad")

    fail(return_state=True)
    ended = perdure("result", "get", "raiser")
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.stderr == "Error: The run 'raiser' returned nothing: it raised ValueError: bad\n"


def test_get_of_a_value_that_was_not_persisted_says_how_to_persist_it(perdure: Perdure):
    @flow(flow_run_name="forgetful")
    def forget() -> list[int]:
        return [1]

    forget()
    ended = perdure("result", "get", "forgetful")
    assert ended.exit_code == 1
    assert "Set persist_result=True on the flow" in ended.stderr


def test_show_shows_where_a_result_lies(perdure: Perdure, home: Path):
    returned({"a": 1}, result_serializer="json")
    shown = perdure("result", "show", "giver").stdout
    (document,) = (home / "storage").iterdir()
    assert f"location     {document}" in shown.replace("\n             ", "")
    described = json.loads(perdure("result", "show", "giver", "--json").stdout)
    assert described["location"] == str(document)
    assert described["serializer"]["type"] == "json"
    assert described["size"] == document.stat().st_size
