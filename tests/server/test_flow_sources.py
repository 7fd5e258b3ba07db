"""The source of flow runs' functions: recorded once, shown as it was when the run began."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from perdure import session
from perdure._engine.recovery.shown_source import MOST, shown_source
from perdure._settings import settings
from perdure._store.embedded import EmbeddedOrchestrator
from perdure.records import SourceRecord
from tests.server.serving import serving_on

FLOW = '''from perdure import flow


@flow
def {name}(
    day: str = "monday",
) -> str:
    """What it does."""
    text = """
at the margin
"""

    def inner() -> str:
        return (
            day + text
        )

    password = "hunter22"
    return inner() + {ending!r}  # the end


AFTER = 1
'''
OWN = FLOW.partition("from perdure import flow\n\n\n")[2].partition("\n\nAFTER")[0]


def made(path: Path, ending: str = "", age: float = 1_000) -> Any:
    """The flow of a file that was written so many seconds ago."""
    text = FLOW.format(name="makes", ending=ending)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (time.time() - age,) * 2)
    names: dict[str, Any] = {"__name__": "shown_flows"}
    exec(compile(text, str(path), "exec"), names)
    return names["makes"]


def texts(home: Path) -> list[Any]:
    """What the API says of each flow run, the newest first."""
    session.close()
    with serving_on(EmbeddedOrchestrator(home / "perdure.db")) as served, served.client() as client:
        runs = client.get("/api/flow-runs").raise_for_status().json()["items"]
        return [client.get(f"/api/flow-runs/{run['id']}/source").raise_for_status().json() for run in runs]


def test_a_run_shows_the_source_with_which_it_began(home: Path, tmp_path: Path) -> None:
    made(tmp_path / "shown.py")()
    (found,) = texts(home)
    own = found["own"]
    expected = OWN.format(name="makes", ending="").replace("hunter22", "**********")
    assert own["text"] == expected.rstrip() + "\n"
    assert (own["line"], own["is_cut"]) == (4, False)
    assert own == found["newest"]


def test_a_run_before_a_change_shows_its_own_source_beside_the_newest(home: Path, tmp_path: Path) -> None:
    made(tmp_path / "shown.py")()
    made(tmp_path / "shown.py", "!", age=500)()
    newer, older = texts(home)
    assert newer["own"] == newer["newest"] == older["newest"]
    assert ("'!'" in older["own"]["text"], "'!'" in older["newest"]["text"]) == (False, True)


@pytest.mark.parametrize("changes", [False, True])
def test_a_file_that_was_written_after_the_process_began_is_shown_if_it_is_what_runs(
    home: Path, tmp_path: Path, changes: bool
) -> None:
    makes = made(tmp_path / "shown.py", age=-1_000)
    if changes:
        made(tmp_path / "shown.py", "!", age=-1_000)
    makes()
    (found,) = texts(home)
    assert (found["own"] is None) == changes


def test_each_source_is_reported_once(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    committed: list[object] = []
    makes = made(tmp_path / "shown.py")
    orchestrator = session.current().orchestrator
    commit = orchestrator.commit
    monkeypatch.setattr(session.current(), "commit", lambda records: [committed.extend(records), commit(records)])
    makes()
    makes()
    assert sum(isinstance(each, SourceRecord) for each in committed) == 1


def test_no_source_is_kept_where_the_setting_says_so(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERDURE_FLOW_SOURCES", "false")
    settings.reload()
    made(tmp_path / "shown.py")()
    assert texts(home) == [{"own": None, "newest": None}]


def test_a_long_source_is_cut_after_a_line(tmp_path: Path) -> None:
    lines = "".join(f"    x = {number}  # {'-' * 60}\n" for number in range(2_000))
    path = tmp_path / "long.py"
    path.write_text(f"def long():\n{lines}")
    names: dict[str, Any] = {}
    exec(compile(path.read_text(), str(path), "exec"), names)
    record = shown_source(names["long"])
    assert record is not None
    parts = json.loads(record.parts)
    assert parts["is_cut"]
    assert 60 * 2**10 < len(parts["text"]) <= MOST
    assert parts["text"].endswith("-\n")


def test_a_function_without_a_file_has_no_source() -> None:
    names: dict[str, Any] = {}
    exec("def made(): ...\nunnamed = lambda: 1", names)
    assert [shown_source(names[name]) for name in ("made", "unnamed")] == [None, None]
