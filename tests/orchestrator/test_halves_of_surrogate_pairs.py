"""Texts with halves of surrogate pairs, as Python makes them of the names of files: a server takes them spelled out."""

import json
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure import flow, session, settings, task
from perdure import tags as tagged
from perdure._platform.surrogates import spelled, spelled_in_json
from perdure.artifacts import create_markdown_artifact, create_table_artifact
from perdure.records import FlowRun, RunFilter
from perdure.variables import Variable
from tests.server.serving import serving

NAME = "caf\udce9"  # of a file, in Latin-1
SPELLED = "caf\\udce9"
texts = st.text(st.characters() | st.sampled_from("\\u\ud83d\ude00\udcff\U0001f600"), max_size=8)


def all_spelled(value: Any) -> Any:
    return spelled(value) if isinstance(value, str) else [all_spelled(each) for each in value]


@hypothesis.settings(max_examples=50)
@given(st.recursive(texts, lambda inner: st.lists(inner, max_size=4)), st.booleans())
def test_json_with_halves_spelled_out_is_that_of_texts_with_halves_spelled_out(value: Any, is_ascii: bool) -> None:
    """But two halves side by side, which JSON reads as one character when they are escaped."""
    kept = spelled_in_json(json.dumps(value, ensure_ascii=is_ascii))
    kept.encode()
    whole = json.loads(json.dumps(value)) if is_ascii else value
    assert json.loads(kept) == all_spelled(whole)


@pytest.fixture
def _server(home: Path) -> Any:
    with serving(home / "server") as server, settings.temporary_settings(api_url=server.address):
        yield
        session.close()


ran: list[str] = []
failures: list[str] = []


@task(step_id="reads-{path}", tags=[NAME])
def reads(path: str) -> list[str]:
    ran.append(path)
    return [path]


@flow(durable=True)
def reading() -> list[str]:
    with tagged(NAME):
        found = reads(NAME)
    create_markdown_artifact(f"# {NAME}", key="text")
    create_table_artifact([{"name": NAME, NAME: [{"in": NAME}, b"x"]}], key="table")
    Variable.set("last", {"path": NAME}, overwrite=True)
    if failures:
        raise ValueError(failures.pop())
    return found


@pytest.mark.usefixtures("_server")
def test_a_server_refuses_none_of_what_a_run_reports_and_a_resumed_run_knows_its_steps() -> None:
    ran.clear()
    failures.append("once")
    with pytest.raises(ValueError, match="once"):
        reading()
    known = session.current().orchestrator
    known.flush()
    (run,) = known.flow_runs(RunFilter())
    assert isinstance(run, FlowRun)

    assert reading.resume(run.id, retry_failed=True) == [NAME]
    known = session.current().orchestrator
    known.flush()
    assert ran == [NAME]
    assert Variable.get("last") == {"path": SPELLED}
    assert [json.loads(each.tags) for each in known.task_runs(RunFilter(tags=(NAME,)))][-1] == [SPELLED]
