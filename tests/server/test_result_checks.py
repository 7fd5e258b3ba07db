"""Results that are verified and compared by a real server, which loads nothing that could run code."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy
import pytest

import perdure.session
from perdure import flow, task
from perdure._platform.ids import new_id
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.sql.database_from_settings import database_at
from perdure.settings import current
from tests.server.serving import serving_on

pytestmark = pytest.mark.slow


class Loud:
    """Tells when it is unpickled."""

    loaded = 0

    def __init__(self, number: int) -> None:
        self.number = number

    def __setstate__(self, state: dict[str, int]) -> None:
        type(self).loaded += 1
        self.__dict__.update(state)


@task(persist_result=True)
def loud(number: int) -> Loud:
    return Loud(number)


@task(persist_result=True, result_serializer="json")
def prices(last: int) -> dict[str, list[int]]:
    return {"prices": [1, 2, last]}


@task(persist_result=True, result_serializer="numpy")
def ramp(at: int) -> "numpy.ndarray[tuple[int], numpy.dtype[numpy.float64]]":
    values = numpy.arange(100_000, dtype=float)
    values[at] = -1
    return values


@pytest.fixture
def api() -> Iterator[httpx.Client]:
    orchestrator = EmbeddedOrchestrator(database_at(current().database, current()))
    with serving_on(orchestrator) as server, httpx.Client(base_url=f"{server.address}/api", timeout=20) as api:
        yield api


@flow
def made(kind: str) -> None:
    for number in (3, 4, 4):
        {"loud": loud, "prices": prices, "ramp": ramp}[kind](number)


def results_of(kind: str, api: httpx.Client) -> list[str]:
    """The runs whose results these are, oldest first."""
    made(kind)
    perdure.session.current().orchestrator.flush()
    runs = api.get("/task-runs", params={"task": kind, "sort": "created"}).raise_for_status().json()["items"]
    return [run["id"] for run in runs]


def compared(api: httpx.Client, one: str, other: str) -> dict[str, object]:
    found: dict[str, object] = api.get(f"/results/{one}/comparison", params={"other": other}).raise_for_status().json()
    return found


def test_results_with_one_digest_are_the_same(api: httpx.Client) -> None:
    _, one, other = results_of("loud", api)
    found = compared(api, one, other)
    assert (found["is_same"], found["by"]) == (True, "digest")


def test_plain_json_is_compared_by_its_values(api: httpx.Client) -> None:
    one, other, _ = results_of("prices", api)
    found = compared(api, one, other)
    assert (found["is_same"], found["by"]) == (False, "value")
    (change,) = found["changes"]  # type: ignore[misc]
    assert (change["path"], change["before"], change["after"]) == ("['prices'][2]", "3", "4")


def test_arrays_are_compared_by_their_regions(api: httpx.Client) -> None:
    one, other, _ = results_of("ramp", api)
    found = compared(api, one, other)
    (change,) = found["changes"]  # type: ignore[misc]
    assert (found["by"], change["count"], change["total"]) == ("value", 2, 100_000)
    assert change["regions"]


def test_what_would_have_to_be_unpickled_is_compared_by_previews_and_the_command_is_reported(api: httpx.Client) -> None:
    one, other, _ = results_of("loud", api)
    before = Loud.loaded
    found = compared(api, one, other)
    assert found["is_same"] is None
    assert found["command"] == f"perdure result diff {one} {other}"
    assert "does not load them" in str(found["note"])
    assert api.post(f"/results/{one}/verify").json() == {"run_id": one, "finding": "ok", "reason": None}
    assert Loud.loaded == before


def test_a_result_that_was_altered_or_deleted_is_found_so(api: httpx.Client) -> None:
    one, other, _ = results_of("prices", api)
    keys = {id: api.get(f"/results/{id}").json()["storage_key"] for id in (one, other)}
    altered, deleted = (Path(current().local_storage_path) / keys[id] for id in (one, other))
    altered.write_text(altered.read_text().replace("[1", "[7"))
    deleted.unlink()
    assert [api.post(f"/results/{id}/verify").json()["finding"] for id in (one, other)] == ["corrupt", "missing"]
    found = compared(api, one, other)
    assert found["is_same"] is None
    assert found["note"]


def test_results_that_are_not_there_are_said_to_be_missing(api: httpx.Client) -> None:
    one, *_ = results_of("prices", api)
    assert api.post(f"/results/{new_id()}/verify").status_code == 404
    assert api.get(f"/results/{one}/comparison", params={"other": new_id()}).status_code == 404


def test_the_snippets_that_are_served_for_a_result_give_its_value(api: httpx.Client, tmp_path: Path) -> None:
    run_id = prices(7, return_state=True).task_run_id
    perdure.session.close()
    snippet = api.get(f"/results/{run_id}/snippet").json()
    perdure_command = str(Path(sys.executable).with_name("perdure"))
    shell = [perdure_command, *shlex.split(snippet["shell"])[1:]]

    for command in ([sys.executable, "-c", snippet["python"] + "print(value)"], shell):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.replace("\n", "").replace(" ", "").replace('"', "'") == "{'prices':[1,2,7]}"
