"""Whatever type a record's field has, the record is kept or refused: no request fails for it, now or later."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import httpx
import pytest

from perdure._model.fields import fields_of
from perdure._platform.ids import new_id
from perdure._store import wire
from perdure._store.protocol import Orchestrator
from perdure.records import Record, ResultRecord
from perdure.states import StateType
from tests.server.serving import Serving, serving

pytestmark = pytest.mark.slow
KINDS = get_args(Record)
# JSON texts of every type, and what JSON libraries differ in.
TEXTS = [
    *("null", "true", "1", "-1.5e300", '"a"', "[]", '["a"]', "[1]", "[null, null]", "{}", '{"a": null}', "", "x"),
    *("1e999", "9" * 5_000, f"[{'9' * 5_000}]", f'{{"a": {"9" * 5_000}}}', '"\\ud800"', '{"\\ud800": "\\u0000"}'),
    *("[" * 5_000, "[" * 190 + "]" * 190, '{"a": [[{}]]}', '{"type": 1}', '{"target": 1, "directory": []}'),
    *(
        '{"age": "x", "runs": [], "of": {}, "run": null}',
        '{"kind": [], "text": 1}',
        '{"type": "object", "required": 1}',
    ),
    *('{"rows": 1, "columns": "x"}', '{"state": 1, "run": "x"}', "\0", "\x1b[2J", "$ref"),
]
OTHERS = [None, True, 0, -1, 2**31, 2**62, 2**63, 1.5, [], [1], {}, {"a": 1}, *TEXTS]
# By the word beside a field's type.
VALID = {"tags": "[]", "staged": None, "answer": "1", "json": "{}", "object": "{}", "small": 20}


def sample(kind: Any, ids: dict[str, str]) -> list[Any]:
    """The fields of a valid record, about the same runs as the others."""
    values: list[Any] = []
    for name, field in fields_of(kind).items():
        if field.word == "id":
            values.append(ids.get(name, ids["id"]))
        elif get_origin(field.kind) is Literal:
            texts = get_args(field.kind)
            values.append("persisted" if "persisted" in texts else texts[0])
        elif field.word in VALID:
            is_none = name == "entry_point" or (name == "value" and kind is ResultRecord)  # which is in a storage
            values.append(None if is_none else VALID[field.word])
        elif field.kind is StateType:
            values.append("COMPLETED")
        else:
            values.append({str: "x", bool: False, int: 1_700_000_000_000_000}.get(field.kind))
    return values


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder: Path = tmp_path_factory.mktemp("server")
    with serving(folder, serve_values=True) as server:
        yield server


def send(client: httpx.Client, body: list[Any]) -> httpx.Response:
    headers = {"Perdure-Protocol": "1", "Perdure-Source": new_id(), "Perdure-Sequence": "1"}
    return client.post("/api/orchestrator/records", content=json.dumps(body), headers=headers)


def kept(client: httpx.Client, body: list[Any]) -> None:
    """Send records, without those that are refused."""
    answer = send(client, body)
    if answer.status_code == 422:
        refused = set(map(int, answer.json()["error"]["refused"]))
        answer = send(client, [each for place, each in enumerate(body) if place not in refused])
    assert answer.status_code == 200, answer.text[:500]


def read_all(server: Serving, ids: list[str]) -> list[str]:
    """Read everything there is; what failed."""
    failed = []
    with server.client() as client:
        paths = client.get("/api/openapi.json").json()["paths"]
        for path in sorted(path for path, ways in paths.items() if "get" in ways and "stream" not in path):
            for id in ids if "{id}" in path else [""]:
                place = path.replace("{id}", id).replace("{name}", "x").replace("{type}/x", "s3/x")
                answer = client.get(place, params={"other": id} if path.endswith("comparison") else {})
                if answer.status_code >= 500:
                    failed.append(f"{path}: {answer.status_code}")
        for name in (name for name in wire.names() if wire.method(Orchestrator, name).needs == "read"):
            argument = {"filter": []} if name in _LISTS else {}
            answer = client.post(f"/api/orchestrator/{name}", json=argument, headers={"Perdure-Protocol": "1"})
            if answer.status_code >= 500:
                failed.append(f"{name}: {answer.status_code}")
        for id in ids:
            changing = (f"results/{id}/verify", f"results/{id}/link", f"flow-runs/{id}/continue")
            failed += [path for path in changing if client.post(f"/api/{path}").status_code >= 500]
    return failed


_LISTS = ("flow_runs", "task_runs", "results", "cache_entries", "log_lines", "artifacts")


def test_no_field_of_another_type_fails_a_request_or_a_later_read(server: Serving) -> None:
    ids = {name: new_id() for name in ("id", "run_id", "flow_run_id", "task_run_id", "parent_flow_run_id")}
    run = ["FlowRunRecord", [ids["flow_run_id"], "x", "x", None, None, None, "[]", "{}", 1]]
    touched = [ids["flow_run_id"]]
    with server.client() as client:
        for kind in KINDS:
            body: list[Any] = []
            for place, _ in enumerate(kind._fields):
                for value in OTHERS:
                    own = {**ids, "id": new_id(), "run_id": new_id()}
                    fields = sample(kind, own)
                    fields[place] = value
                    body.append([kind.__name__, fields])
            assert send(client, [run, [kind.__name__, sample(kind, ids)]]).status_code == 200, kind
            kept(client, body)
            if kind.__name__ in ("FlowRunRecord", "ResultRecord"):
                touched += [own["id"], own["run_id"]]
    assert read_all(server, touched) == []


def test_runs_that_are_below_themselves_hold_up_nobody(server: Serving) -> None:
    one, other, own = new_id(), new_id(), new_id()
    above = {one: other, other: one, own: own}
    runs = [["FlowRunRecord", [id, "x", "x", None, up, None, "[]", "{}", 1]] for id, up in above.items()]
    states = [["StateRecord", [id, False, "RUNNING", "Running", None, 2]] for id in above]
    with server.client() as client:
        assert send(client, [*runs, *states]).status_code == 200
        for id in above:
            for path in ("", "/ancestors", "/graph", "/timeline", "/explanation", "/failure", "/start"):
                assert client.get(f"/api/flow-runs/{id}{path}").status_code < 500


@pytest.mark.parametrize(
    "body", [None, {}, "x", 1, [None], [[]], [["FlowRunRecord"]], [[1, []]], [["x", []]], [[{}, 1]]]
)
def test_what_is_no_list_of_records_is_refused(server: Serving, body: Any) -> None:
    with server.client() as client:
        assert send(client, body).status_code == 422
