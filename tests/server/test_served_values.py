"""With --serve-values, bytes that were altered in their storage are not served."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from perdure import flow, session
from perdure._results import payload_writer
from perdure._store.embedded import EmbeddedOrchestrator
from perdure.results import PersistedResult, find_result
from perdure.settings import current
from tests.server.serving import Serving, serving_on

CHUNK = 100_000  # bytes


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a run with a result of several chunks."""
    monkeypatch.setattr(payload_writer, "CHUNK", CHUNK)
    made = flow(persist_result=True)(lambda: np.arange(60_000))
    id = made(return_state=True).flow_run_id
    session.close()
    return str(id)


@pytest.fixture
def server() -> Iterator[Serving]:
    with serving_on(EmbeddedOrchestrator(Path(current().database)), serve_values=True) as served:
        yield served


def payload_of(run_id: str) -> Path:
    result = find_result(run_id)
    assert isinstance(result, PersistedResult)
    document = Path(result.location)
    return next(document.parent.glob(f"{document.name}.*.payload"))


def alter(file: Path, place: int) -> None:
    with file.open("r+b") as opened:
        opened.seek(place)
        opened.write(b"EVILEVIL")


def asked(server: Serving, run_id: str) -> tuple[httpx.Response, bytes]:
    with server.client() as client:
        link = client.post(f"/api/results/{run_id}/link").raise_for_status().json()["url"]
        with client.stream("GET", link) as answer:
            got = b""
            try:
                for piece in answer.iter_bytes():
                    got += piece
            except httpx.RemoteProtocolError:
                return answer, got + b"..."
            return answer, got


def test_a_large_result_is_served_whole(large: str, server: Serving) -> None:
    answer, got = asked(server, large)
    assert (answer.status_code, got) == (200, payload_of(large).read_bytes())
    assert len(got) > 4 * CHUNK


def test_what_was_altered_in_the_first_chunk_is_an_error(large: str, server: Serving) -> None:
    alter(payload_of(large), 50_000)
    answer, got = asked(server, large)
    assert answer.status_code == 422
    assert b"have another digest" in got
    assert b"EVIL" not in got


def test_what_was_altered_later_is_cut_off_before_it(large: str, server: Serving) -> None:
    alter(payload_of(large), 3 * CHUNK + 5)
    _, got = asked(server, large)
    assert got.endswith(b"...")
    assert len(got) == 3 * CHUNK + 3
    assert b"EVIL" not in got


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"x"], ids=["shorter", "longer"])
def test_a_payload_of_another_length_is_cut_off(large: str, server: Serving, change: Any) -> None:
    file = payload_of(large)
    file.write_bytes(change(file.read_bytes()))
    _, got = asked(server, large)
    assert got.endswith(b"...")


def test_the_document_of_another_result_is_an_error(large: str, server: Serving) -> None:
    made = flow(persist_result=True)(lambda: ["another"])
    other = str(made(return_state=True).flow_run_id)
    session.close()
    one, another = find_result(large), find_result(other)
    assert isinstance(one, PersistedResult)
    assert isinstance(another, PersistedResult)
    Path(one.location).write_bytes(Path(another.location).read_bytes())
    answer, got = asked(server, large)
    assert answer.status_code == 422
    assert b"another result" in got
