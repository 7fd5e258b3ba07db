"""Whatever a request holds, the answer has a shape that the schema declares, and is no failure of the server's."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from perdure._automations.definition import AutomationDefinition
from perdure._rooms.automations.definition_json import new_automation
from perdure._rooms.automations.port import Automations
from perdure._store.embedded import EmbeddedOrchestrator
from perdure.records import LogRecord
from perdure.states import StateType
from perdure.testing._sample_records import block, flow_run, literal, persisted, state, task_run
from tests.server.running import running

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "8"))  # of each operation
LOST = {"trigger": {"type": "file", "storage": "s3/never-saved"}, "actions": [{"do": "notify"}]}
_CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path: Path = tmp_path_factory.mktemp("server") / "perdure.db"
    known = EmbeddedOrchestrator(path)
    odd = flow_run()._replace(parameters='{"x": NaN, "half": "\\ud800", "big": 1e999}', tags='["a\\u0000b"]')
    late = flow_run()._replace(created=(1 << 62))
    task = task_run(flow_run_id=odd.id)
    known.commit([odd, late, task, *(state(run, kind) for run in (odd, task) for kind in StateType)])
    line = LogRecord(odd.id, task.id, 1 << 61, 20, "", "\x00\x1b")
    known.room(Automations).put(new_automation("lost", AutomationDefinition.model_validate(LOST), 0))
    known.commit([literal(odd, "[NaN]"), persisted(task), block("dev"), line])
    known.close()
    with running(str(path), "--serve-values") as address:
        yield address


@pytest.fixture(scope="module")
def schema(address: str) -> schemathesis.BaseSchema:
    whole = schemathesis.openapi.from_url(f"{address}/api/openapi.json", timeout=120)
    return whole.exclude(path="/api/events/stream")  # it has no end


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_answer_is_as_the_schema_says(schema: schemathesis.BaseSchema, mode: GenerationMode) -> None:
    """Requests that the schema allows, and such as it forbids."""
    cases = 0
    for found in schema.get_all_operations():
        requests = found.ok().as_strategy(generation_mode=mode)
        with suppress(Unsatisfiable):  # there is nothing to get wrong where nothing is taken
            cases += _validated(requests)
    print(f"{cases:,} cases")
    assert cases > 20 * EXAMPLES


def _validated(requests: st.SearchStrategy[schemathesis.Case]) -> int:
    """Send the requests and look at their answers; how many."""
    cases = 0

    @given(case=requests)
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def validate(case: schemathesis.Case) -> None:
        nonlocal cases
        case.call_and_validate(checks=_CHECKS)
        cases += 1

    validate()
    return cases
