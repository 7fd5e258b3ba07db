"""Documents go both ways between Perdure and a real Prefect 2."""

import json
from pathlib import Path
from typing import Any

import pytest
from exchange import Exchange
from interop_values import DOCUMENTS, SERIALIZERS, VALUES, same

from perdure import session
from perdure.records import RunFilter
from perdure.results import PersistedResultBlob, get_result, import_results

# The first of these tests to run installs Prefect, if this machine has not done so yet.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

# Under which a Prefect flow's tasks have their results; its own has a random one.
KEYS = {"rows/1", "rows/2", "totals.json", "failure"}


def value_in(document: Path) -> Any:
    return PersistedResultBlob.from_bytes(document.read_bytes()).load()


def documents_of(serializer: str) -> list[tuple[str, Any]]:
    return [(each, VALUES[name]) for each, (kind, name) in DOCUMENTS.items() if kind == serializer]


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_what_prefect_writes_is_read_by_perdure(exchange: Exchange, serializer: str):
    read = {each: (value_in(exchange.prefect / each), expected) for each, expected in documents_of(serializer)}
    assert {each: values for each, values in read.items() if not same(*values)} == {}


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_what_perdure_writes_is_read_by_prefect(exchange: Exchange, serializer: str):
    outcomes = {each: exchange.outcomes[each] for each, _ in documents_of(serializer)}
    assert {each: outcome for each, outcome in outcomes.items() if outcome} == {}


def test_the_results_of_a_prefect_flow_are_read(exchange: Exchange):
    files = [path for path in exchange.flow.rglob("*") if path.is_file()]
    documents = {path.relative_to(exchange.flow).as_posix(): path for path in files}
    (of_flow,) = documents.keys() - KEYS
    assert value_in(documents["rows/2"]) == {"day": 2, "rows": [1, 2, 3]}
    assert value_in(documents["totals.json"]) == 3
    assert value_in(documents[of_flow]) == [3]
    assert value_in(documents["failure"]).args == ("tea",)
    assert json.loads(documents["failure"].read_bytes())["prefect_version"] == "2.20.25"


def test_the_results_of_a_prefect_flow_are_imported(exchange: Exchange):
    assert import_results(exchange.flow).imported == 5
    runs = session.current().orchestrator.task_runs(RunFilter())
    values = {run.name: get_result(run.id) for run in runs}
    (of_flow,) = values.keys() - KEYS
    assert (values["rows/1"], values["totals.json"], values[of_flow]) == ({"day": 1, "rows": [1, 2, 3]}, 3, [3])
    assert values["failure"].args == ("tea",)
