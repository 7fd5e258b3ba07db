"""Secrets in previews, and in all that is recorded or logged of a run."""

import json
import logging
import sys
from collections import OrderedDict, namedtuple
from dataclasses import dataclass, make_dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretBytes, SecretStr, create_model

from perdure import flow, session
from perdure._engine.lifecycle.shown_parameters import shown_parameters
from perdure.blocks import Block
from perdure.records import ResultFilter, RunFilter
from perdure.results import preview_of
from perdure.settings import Secret

CANARY = "canary-8d1f"


class Login(BaseModel):
    user: str = "bob"
    key: SecretStr = SecretStr(CANARY)


class Account(Block):
    user: str
    key: SecretStr
    data: SecretBytes = SecretBytes(CANARY.encode())


@dataclass
class Connection:
    host: str
    db_password: str


FRAMES = (pd.DataFrame, pl.DataFrame, pa.table)
Pair = namedtuple("Pair", "user token")


@pytest.mark.parametrize(
    "value",
    [
        SecretStr(CANARY),
        SecretBytes(CANARY.encode()),
        Secret(CANARY),
        Login(),
        Account(user="bob", key=SecretStr(CANARY)),
        Connection("h", CANARY),
        Pair("bob", CANARY),
        {"password": CANARY},
        {"a": [{"API-Key": {"deep": [CANARY]}}]},
        {b"password": CANARY},
        {("db", "password"): CANARY},
        [("Authorization", CANARY)],
        [{"name": "DB_PASSWORD", "value": CANARY}],
        [{"value": CANARY, "Name": "DB_PASSWORD"}],
        {"name": ["USER", "PASSWORD"], "value": ["bob", CANARY]},
        ["mysql", "--password", CANARY],
        ("login", "password", CANARY, "bob"),
        ValueError("password", CANARY),
        RuntimeError(f"Command '['mysql', '--password', '{CANARY}']' failed"),
        f"postgres://bob:{CANARY}@db/x",
        {"url": f"postgres://bob:{CANARY}@db/x"},
        {f"postgres://bob:{CANARY}@db/x": 1},
        [f"x --password={CANARY}"],
        json.dumps({"nested": {"token": CANARY}}),
        f"postgres://bob:{CANARY}@db/x".encode(),
        ValueError(f"cannot log in with password={CANARY}"),
        ValueError(SecretStr(CANARY)),
        OSError(5, "x", f"ftp://bob:{CANARY}@h"),
        pd.DataFrame({"token": [CANARY], "a": [f"http://bob:{CANARY}@h"], "o": [{"secret": CANARY}]}),
        pd.Series([CANARY], name="password"),
        pd.Series({"user": "bob", "password": CANARY}),
        pd.Series([CANARY], index=pd.MultiIndex.from_tuples([("db", "password")])),
        pd.DataFrame({"user": ["bob"], "password": [CANARY]}).T,
        pd.DataFrame({"user": "bob", "password": CANARY}.items()),
        *(made({"name": ["USER", "PASSWORD"], "value": ["bob", CANARY], "x": [1, 2]}) for made in FRAMES),
        *(made({f"c{at}": [CANARY] for at in range(30)} | {"key": ["token"]}) for made in FRAMES),
        np.array([("password", CANARY)], dtype=[("key", "U20"), ("value", "U20")]),
        np.array(["--password", CANARY]),
        pl.DataFrame({"s": [{"token": CANARY}], "apiKey": [CANARY]}),
        pa.table({"s": [{"token": CANARY}], "api key": [CANARY]}),
        np.array([(CANARY,)], dtype=[("password", "U20")]),
        np.array([SecretStr(CANARY), {"password": CANARY}], dtype=object),
    ],
)
def test_a_secret_is_not_in_the_preview(value: object):
    text = preview_of(value)
    assert text is not None
    assert CANARY not in text
    assert CANARY.encode().hex() not in text
    assert "*****" in text


@pytest.mark.parametrize("before", [0, 1_000, 1_980, 1_990, 2_290])
@pytest.mark.parametrize("behind", [0, 100, 1_000, 5_000])
def test_a_secret_that_is_cut_in_its_middle_is_not_shown(before: int, behind: int):
    text = "a" * before + f" postgres://bob:{CANARY}{'x' * behind}@db " + "b" * 5_000
    for value in (text, [text], {"a": {"b": text}}, pd.DataFrame({"a": [text]})):
        assert CANARY[:3] not in (preview_of(value) or "")


def test_that_there_is_no_secret_may_be_shown():
    assert json.loads(preview_of({"password": None, "token": True}) or "")["value"] == {"password": None, "token": True}


def test_of_a_table_of_names_and_values_only_what_is_secret_is_hidden():
    frame = pd.DataFrame({"name": ["USER", "PASSWORD"], "value": ["bob", CANARY]})
    assert json.loads(preview_of(frame) or "")["head"] == [["USER", "bob"], ["PASSWORD", "**********"]]


@pytest.mark.parametrize("value", [["enter the password", "x"] * 2, ["https://h/token", "x", "y"], ["a", "b"]])
def test_what_follows_other_texts_is_shown(value: list[str]):
    assert json.loads(preview_of(value) or "")["value"] == value


def test_of_the_causes_of_an_exception_no_secret_is_shown():
    error = ValueError("x")
    error.__cause__ = KeyError(f"token={CANARY}")
    text = preview_of(error) or ""
    assert "KeyError" in text
    assert CANARY not in text


def test_of_a_failed_validation_the_input_is_not_shown():
    with pytest.raises(ValueError, match="int") as caught:
        create_model("M", pin=(int, ...))(pin=CANARY)
    text = preview_of(caught.value) or ""
    assert "valid integer" in text
    assert CANARY not in text


# A canary in a secret place of any structure

NAMES = st.sampled_from(["password", "API_KEY", "accessToken", "client-secret", "Authorization", "credentials"])
PLAIN = st.text(max_size=20) | st.integers() | st.none() | st.floats()
FIELD = st.sampled_from(["password", "api_key", "accessToken", "client_secret", "authorization"])
SECRET_PLACES = st.one_of(
    st.just(SecretStr(CANARY)),
    st.builds(lambda name: {name: CANARY}, NAMES),
    st.builds(lambda name: OrderedDict({name: [CANARY]}), NAMES),
    st.builds(lambda name: (name, CANARY), NAMES),
    st.builds(lambda name: make_dataclass("D", [name])(CANARY), FIELD),
    st.builds(lambda name: create_model("M", **{name: (str, ...)})(**{name: CANARY}), FIELD),  # type: ignore[call-overload]
    st.builds(lambda name: namedtuple("N", [name])(CANARY), FIELD),  # type: ignore[misc]
    st.builds(lambda name: pd.DataFrame({name: [CANARY]}), NAMES),
    st.builds(lambda scheme: f"{scheme}://user:{CANARY}@host/path", st.sampled_from(["https", "postgresql+psycopg2"])),
    st.builds(lambda name: ValueError(f"bad {name}={CANARY}"), NAMES),
    st.builds(lambda text, name: f"{text} {name}: {CANARY}", st.text(), NAMES),
)


def around(below: Any) -> Any:
    return (
        st.lists(below | PLAIN, max_size=4)
        | st.dictionaries(st.text(max_size=10), below | PLAIN, max_size=4)
        | st.tuples(below, PLAIN)
        | st.builds(lambda each: make_dataclass("Around", ["inner"])(each), below)
    )


@settings(max_examples=50, deadline=None)
@given(st.recursive(SECRET_PLACES, around, max_leaves=8))
def test_a_secret_in_any_structure_is_not_in_its_preview(value: object):
    assert CANARY not in (preview_of(value) or "")
    assert CANARY not in shown_parameters({"value": value})


# Runs


def kept() -> str:
    """All that the database knows of runs, as text."""
    orchestrator = session.current().orchestrator
    runs = [*orchestrator.flow_runs(RunFilter()), *orchestrator.task_runs(RunFilter())]
    states = [orchestrator.states(run.id) for run in runs]
    logs = [orchestrator.logs(flow_run_id=run.id) for run in orchestrator.flow_runs(RunFilter())]
    return repr((runs, states, logs, orchestrator.results(ResultFilter())))


def test_secret_parameters_are_not_recorded():
    @flow(validate_parameters=False)
    def connect(password: str, login: Any, settings: Any, headers: Any, conn: Any, url: str, user: str) -> int:
        return 1

    address = f"postgres://bob:{CANARY}@db"
    connect(CANARY, Login(), {"api_key": CANARY}, [("Authorization", CANARY)], Connection("h", CANARY), address, "bob")
    assert CANARY not in kept()
    (run,) = session.current().orchestrator.flow_runs(RunFilter())
    assert json.loads(run.parameters) == {
        "password": "**********",
        "login": {"user": "bob", "key": "**********"},
        "settings": {"api_key": "**********"},
        "headers": [["Authorization", "**********"]],
        "conn": {"host": "h", "db_password": "**********"},
        "url": "postgres://bob:**********@db",
        "user": "bob",
    }


def test_a_secret_parameter_of_a_wrong_type_is_neither_shown_nor_recorded():
    @flow
    def connect(password: int) -> int:
        return password

    state = connect(CANARY, return_state=True)  # type: ignore[arg-type]
    assert state.is_failed()
    assert CANARY not in kept()
    assert CANARY not in str(state.result(raise_on_failure=False))
    assert CANARY not in repr(state)


def test_an_exception_s_secrets_are_neither_in_messages_nor_in_logs(caplog: pytest.LogCaptureFixture):
    @flow
    def connect() -> None:
        raise ConnectionError(f"cannot reach postgres://bob:{CANARY}@db")

    logging.getLogger("perdure").addHandler(caplog.handler)
    try:
        state = connect(return_state=True)
    finally:
        logging.getLogger("perdure").removeHandler(caplog.handler)
    assert "postgres://bob:**********@db" in (state.message or "")
    assert CANARY not in repr(state)
    assert CANARY not in caplog.text
    assert CANARY not in kept()
    assert CANARY in str(state.result(raise_on_failure=False))  # whoever holds the exception has all of it


class Client:
    def __init__(self, key: str) -> None:
        self.key = key

    def __repr__(self) -> str:
        raise SystemExit("a parameter's own code was run")


@pytest.mark.parametrize(
    "value",
    [
        "a" * 9_990 + f" postgres://bob:{CANARY * 3}@db",
        ["a" * 4_980 + f" postgres://bob:{CANARY * 3}@db", "b" * 4_000],
        {f"postgres://bob:{CANARY}@db/x": 1},
        {"name": "PASSWORD", "value": CANARY},
        ["mysql", "--password", CANARY],
        [["password", CANARY]],
        Client(CANARY),
        pd.Series({"password": CANARY}),
    ],
)
def test_a_secret_parameter_is_hidden_by_the_rules_of_previews(value: Any):
    assert CANARY[:4] not in shown_parameters({"value": value})


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 2.5, None, True], "b": {"c": "x\n"}},
        list(range(1_500)),
        (1, "é"),
        2**100,
        {"key": 2**100},
        ["x" * 9_000],
    ],
)
def test_a_parameter_that_json_can_hold_is_recorded_as_it_is(value: Any):
    assert shown_parameters({"value": value}) == json.dumps({"value": value})


def calls_of(function: Any) -> int:
    """How many calls of functions a call takes, those made in C included."""
    calls = 0

    def count(_frame: Any, event: str, _arg: Any) -> None:
        nonlocal calls
        calls += event.endswith("call")

    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(None)
    return calls


def test_of_large_parameters_little_is_looked_at():
    loop: list[Any] = []
    loop.append(loop)
    for value in ([[{"a": 1}] * 1_000_000], [[[0] * 10_000] * 10_000], loop, [{str(at): at for at in range(100_000)}]):
        assert calls_of(lambda value=value: shown_parameters({"value": value})) < 100_000
        assert len(shown_parameters({"value": value})) < 50_000


def test_a_run_s_name_from_its_parameters_holds_no_secret():
    @flow(flow_run_name="run-{url}")
    def connect(url: str) -> int:
        return 1

    connect(f"postgres://bob:{CANARY}@db")
    (run,) = session.current().orchestrator.flow_runs(RunFilter())
    assert run.name == "run-postgres://bob:**********@db"
    assert CANARY not in kept()


def test_of_a_long_exception_s_text_the_beginning_is_recorded():
    @flow
    def fail() -> None:
        raise ValueError("token " + "-eyJ" * 100_000)

    state = fail(return_state=True)
    assert 20_000 < len(state.message or "") < 20_100


def test_long_and_strange_parameters_are_recorded_shortly():
    shown = json.loads(
        shown_parameters({"a": "x" * 20_000, "b": list(range(20_000)), "c": [object()], "d": object, "e": {1: {2}}})
    )
    assert len(shown["a"]) == 10_001
    assert shown["b"] == "<list of 20,000 items>"
    assert shown["c"] == ["<builtins.object>"]
    assert shown["d"] == "<class 'object'>"
    assert shown["e"] == {"1": [2]}
