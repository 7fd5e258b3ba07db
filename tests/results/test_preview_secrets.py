"""Secrets in previews, and in all that is recorded or logged of a run."""

import json
import logging
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
from perdure.blocks import Block
from perdure.core.records import ResultFilter, RunFilter
from perdure.engine.shown import shown_parameters
from perdure.results.previews import preview_of
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


def test_long_and_strange_parameters_are_recorded_shortly():
    shown = json.loads(
        shown_parameters({"a": "x" * 20_000, "b": list(range(20_000)), "c": [object()], "d": object, "e": {1: {2}}})
    )
    assert len(shown["a"]) == 10_001
    assert shown["b"] == "<list of 20,000 items>"
    assert shown["c"] == ["<builtins.object>"]
    assert shown["d"] == "<class 'object'>"
    assert shown["e"] == {"1": [2]}
