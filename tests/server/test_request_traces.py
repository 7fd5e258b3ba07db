"""A request's span lies below the span of whoever sent it."""

from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from perdure import flow, session, settings, task
from perdure._platform.ids import new_id
from perdure._run.tracing import carried
from tests.server.serving import serving

pytestmark = pytest.mark.slow


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    """What has all spans that end from now on."""
    exporter = InMemorySpanExporter()
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(TracerProvider())
    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


def test_a_requests_span_lies_below_that_of_its_client(tmp_path: Path, exporter: InMemorySpanExporter) -> None:
    with (
        serving(tmp_path, traced=True) as server,
        server.client() as client,
        trace.get_tracer("theirs").start_as_current_span("flow") as above,
    ):
        client.get(f"/api/flow-runs/{new_id()}?sig=secret", headers=carried())
    finished = exporter.get_finished_spans()  # newer versions of FastAPI make some of their own within ours
    (span,) = [
        each for each in finished if each.instrumentation_scope and each.instrumentation_scope.name == "perdure.server"
    ]
    assert span.name == "GET /api/flow-runs/{id}"
    assert span.parent is not None
    assert span.parent.span_id == above.get_span_context().span_id
    assert dict(span.attributes or {})["http.response.status_code"] == 404
    assert "secret" not in span.to_json()


def test_what_a_task_asks_its_server_lies_below_the_tasks_span(
    home: Path, tmp_path: Path, exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path, traced=True) as server:
        monkeypatch.setenv("PERDURE_API_URL", server.address)
        monkeypatch.setenv("PERDURE_OPENTELEMETRY", "true")
        settings.reload()

        @task
        def asking() -> None:
            session.current().orchestrator.variable("x")

        @flow
        def outer() -> None:
            asking.fn()
            asking()

        outer()
        session.close()
    spans = exporter.get_finished_spans()
    asked = [each for each in spans if each.name == "POST /api/orchestrator/{name}"]
    below = {each.context.span_id: each.name for each in spans if each.context}
    assert {"flow outer", "task asking"} <= {below.get(each.parent.span_id, "") for each in asked if each.parent}
