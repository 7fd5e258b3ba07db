"""What the database keeps for a later process is signed, and JSON where that is exact: a forged record runs no code."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from perdure import flow, session, settings
from perdure._engine.coordination.transaction_lifecycle import _options_of
from perdure._engine.recovery import kept_values as kept
from perdure._engine.recovery.start_record import arguments_of
from perdure._platform.ids import new_id
from perdure.cli import app
from perdure.errors import ResumeError, TransactionError
from perdure.records import FlowRunRecord, RunFilter, StartRecord, StateRecord, StepRecord, ValueRecord
from perdure.serializers import PickleSerializer, new_key
from perdure.transactions import transaction

KEY, OTHER = new_key("spring"), new_key("summer")


class Explosion:
    def __reduce__(self) -> Any:
        return Path.touch, (Path("exploded"),)


@pytest.fixture(autouse=True)
def in_a_fresh_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def signing() -> Iterator[None]:
    with settings.temporary_settings(results_signing_keys=KEY):
        yield


def exploded() -> bool:
    return Path("exploded").exists()


def forged_pickle() -> str:
    return f"pickle:{PickleSerializer().dumps({'day': Explosion()}).decode()}"


def forged_run(flow_name: str, arguments: str, entry_point: str | None = None) -> str:
    """The records of a crashed run, as whoever may write to the database can have them there."""
    run_id, now = new_id(), int(time.time() * 1_000_000)
    known = session.current().orchestrator
    known.commit(
        [
            FlowRunRecord(run_id, "forged", flow_name, None, None, None, "[]", "{}", now),
            StateRecord(run_id, False, "CRASHED", "Crashed", None, now),  # type: ignore[arg-type]
            StartRecord(run_id, new_id(), entry_point, arguments, None),
        ]
    )
    return run_id


@flow(on_crash="resume")
def nightly(day: Any) -> Any:
    return day


@pytest.mark.usefixtures("signing")
def test_a_forged_crashed_run_is_not_unpickled_by_who_calls_the_flow_or_resumes_it() -> None:
    run_id = forged_run("nightly", forged_pickle())
    assert nightly("monday") == "monday"
    with pytest.raises(ResumeError, match="has no signature.*--trust-unsigned"):
        nightly.resume(run_id)
    assert not exploded()


@pytest.mark.usefixtures("signing")
@pytest.mark.parametrize(
    "arguments", ['json:{"day": 1}', "signed:spring:00:json:{}", "signed:winter:00:json:{}", "", ":"]
)
def test_with_keys_no_arguments_are_read_that_one_of_them_did_not_sign(arguments: str) -> None:
    with pytest.raises(ResumeError):
        nightly.resume(forged_run("nightly", arguments))


def test_without_keys_the_allow_list_holds_for_arguments() -> None:
    with settings.temporary_settings(results_allowed_classes="myapp.models.*"):
        run_id = forged_run("nightly", forged_pickle())
        with pytest.raises(ResumeError, match="does not allow"):
            nightly.resume(run_id)
    assert not exploded()


def start_of(run_id: str) -> StartRecord:
    found = session.current().orchestrator.start(run_id)
    assert found is not None
    return found


def a_real_run(**arguments: Any) -> str:
    nightly(**arguments)
    (run,) = session.current().orchestrator.flow_runs(RunFilter(limit=1))
    return run.id


@pytest.mark.usefixtures("signing")
def test_signed_arguments_hold_for_their_own_run_flow_and_program_only() -> None:
    run_id = a_real_run(day="monday")
    known, start = session.current().orchestrator, start_of(run_id)
    (run,) = known.flow_runs(RunFilter(ids=(run_id,)))
    assert arguments_of(start, run) == {"day": "monday"}
    moved = [
        (start, run._replace(id=new_id())),
        (start, run._replace(flow_name="delete_all")),
        (start._replace(entry_point=json.dumps({"target": "/tmp/evil.py:nightly", "directory": "/"})), run),
        (start._replace(arguments=str(start.arguments).replace("monday", "sunday")), run),
    ]
    for record, of in moved:
        with pytest.raises(ResumeError, match="signature is wrong"):
            arguments_of(record, of)
    with settings.temporary_settings(results_signing_keys=f"{OTHER},{KEY}"):
        assert arguments_of(start, run) == {"day": "monday"}
    with settings.temporary_settings(results_signing_keys=OTHER), pytest.raises(ResumeError, match="'spring'"):
        arguments_of(start, run)


def test_what_older_versions_kept_is_read_without_keys_and_with_them_where_that_is_asked_for(home: Path) -> None:
    run_id = forged_run("nightly", f"pickle:{PickleSerializer().dumps({'day': date(2024, 1, 2)}).decode()}")
    (run,) = session.current().orchestrator.flow_runs(RunFilter(ids=(run_id,)))
    start = start_of(run_id)
    assert arguments_of(start, run) == {"day": date(2024, 1, 2)}
    with settings.temporary_settings(results_signing_keys=KEY):
        with pytest.raises(ResumeError, match="has no signature"):
            arguments_of(start, run)
        with kept.accepting_unsigned():
            assert arguments_of(start, run) == {"day": date(2024, 1, 2)}
            with pytest.raises(ResumeError, match="signature is wrong"):
                arguments_of(start._replace(arguments="signed:spring:00:json:{}"), run)


@pytest.mark.slow
def test_the_command_line_loads_no_program_that_an_unsigned_record_names(home: Path, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("open('exploded', 'w').close()\nfrom perdure import flow\n@flow\ndef nightly(day): return day\n")
    entry = json.dumps({"target": f"{program}:nightly", "directory": str(tmp_path)})
    run_id = forged_run("nightly", 'json:{"day": 1}', entry)
    with settings.temporary_settings(results_signing_keys=KEY):
        for command in ("resume", "rerun"):
            refused = CliRunner().invoke(app, ["flow-run", command, run_id])
            assert refused.exit_code != 0
            assert not exploded()
        done = CliRunner().invoke(app, ["flow-run", "resume", run_id, "--trust-unsigned"])
    assert done.exit_code == 0, done.output
    assert exploded()


# Transactions


@pytest.mark.usefixtures("signing")
def test_a_forged_value_of_a_transaction_is_not_unpickled() -> None:
    with transaction() as inside:
        inside.set("path", [1])
        known = session.current()
        mine = known.transactions.values(inside.id)["path"]
        known.orchestrator.commit(
            [ValueRecord(inside.id, "day", forged_pickle()), ValueRecord(inside.id, "other", mine)]
        )
        with pytest.raises(ResumeError, match="'day'.*has no signature"):
            inside.get("day")
        known.orchestrator.commit([ValueRecord(inside.id, "day", mine)])
        with pytest.raises(ResumeError, match="signature is wrong"):
            inside.get("day")
    assert not exploded()


def a_step(module: str) -> StepRecord:
    return StepRecord(new_id(), new_id(), new_id(), "elsewhere.task:task", module, None, None, None)


@pytest.mark.usefixtures("signing")
def test_with_keys_no_module_is_imported_for_hooks_that_an_unsigned_record_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "evil_hooks.py").write_text("open('exploded', 'w').close()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    step = a_step("evil_hooks")
    moved = kept.signed("evil_hooks", kept.place_of_hooks(new_id(), step.transaction_id, step.task_key))
    for module in ("evil_hooks", moved, "signed:spring:00:evil_hooks"):
        with pytest.raises(TransactionError, match="signature"):
            _options_of(step._replace(module=module))
    assert not exploded()
    signed = kept.signed("evil_hooks", kept.place_of_hooks(step.run_id, step.transaction_id, step.task_key))
    with pytest.raises(TransactionError, match="does not define it"):
        _options_of(step._replace(module=signed))
    assert exploded()


# JSON first

PLAIN = [
    [1, "é\ud800", None, True, -0.0],
    {"a": {1: {2}}, "b": (3, frozenset({4}))},
    [date(2024, 1, 2), datetime(2024, 1, 2), timedelta(1), clock_time(1)],
    [Decimal("1.10"), UUID(int=3), Path("/a"), b"\xff"],
]


@pytest.mark.parametrize("value", PLAIN, ids=range(len(PLAIN)))
def test_values_that_json_gives_back_as_they_were_are_no_pickles(value: Any) -> None:
    text = kept.packed({"value": value}, "here")
    assert text is not None
    assert text.startswith("tagged:")
    assert repr(kept.unpacked(text, "here", "It")) == repr({"value": value})


class Number(int):
    pass


SHARED = [1]


@pytest.mark.parametrize("value", [Number(3), [SHARED, SHARED], datetime(2024, 1, 2, tzinfo=UTC), [Ellipsis]], ids=repr)
def test_values_that_json_would_change_are_pickled(value: Any) -> None:
    text = kept.packed({"value": value}, "here")
    assert text is not None
    assert text.startswith("pickle:")
    assert kept.unpacked(text, "here", "It") == {"value": value}


def test_secrets_are_encrypted_and_those_of_older_versions_are_read() -> None:
    from perdure._blocks.secrets import encrypt

    text = kept.packed({"password": ["hunter2"]}, "here")
    assert text is not None
    assert text.startswith("encrypted:")
    old = f"encrypted:{encrypt(PickleSerializer().dumps({'password': ['hunter2']}))}"
    assert kept.unpacked(text, "here", "It") == kept.unpacked(old, "here", "It") == {"password": ["hunter2"]}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.decimals() | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3) | st.integers() | st.dates(), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.slow
@given(st.dictionaries(st.text(), VALUES, max_size=3))
@hypothesis_settings(max_examples=80, deadline=None)
def test_whatever_is_kept_comes_back_the_same(values: dict[str, Any]) -> None:
    with settings.temporary_settings(results_signing_keys=KEY):
        text = kept.packed(values, "here")
        assert text is not None
        assert repr(kept.unpacked(text, "here", "They")) == repr(values)
