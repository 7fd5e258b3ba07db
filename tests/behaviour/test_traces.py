"""Spans of runs, as OpenTelemetry's own SDK has them."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from perdure import flow, settings, task


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    """What was exported; a process has one provider, for good."""
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(TracerProvider())
    provider, exporter = trace.get_tracer_provider(), InMemorySpanExporter()
    assert isinstance(provider, TracerProvider)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


@pytest.fixture
def spans(exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """What a test's runs export."""
    exporter.clear()
    monkeypatch.setenv("PERDURE_OPENTELEMETRY", "true")
    settings.reload()
    yield exporter
    monkeypatch.undo()
    settings.reload()


def by_name(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


@task
def inner(n: int) -> int:
    with trace.get_tracer("theirs").start_as_current_span("theirs"):
        return n + 1


@task
def fails() -> None:
    raise ValueError("password=hunter2 is wrong")


@task
async def awaits() -> None:
    with trace.get_tracer("theirs").start_as_current_span("theirs, awaited"):
        pass


def test_spans_lie_in_each_other_as_runs_do(spans: InMemorySpanExporter) -> None:
    @flow
    def below() -> None:
        inner.submit(1).result()

    @flow
    def outer() -> None:
        below()

    outer()
    found = by_name(spans)
    chain = ["flow outer", "flow below", "task inner", "theirs"]
    assert [name in found for name in chain] == [True] * 4
    for above, within in pairwise(chain):
        parent = found[within].parent
        assert parent is not None
        assert parent.span_id == found[above].context.span_id
    assert found["flow outer"].parent is None
    assert found["task inner"].attributes is not None
    assert found["task inner"].attributes["perdure.state"] == "Completed"
    assert [event.name for event in found["task inner"].events] == ["Pending", "Running", "Completed"]


def test_a_failed_runs_span_says_so_without_secrets(spans: InMemorySpanExporter) -> None:
    @flow
    def outer() -> None:
        fails()

    with pytest.raises(ValueError, match="hunter2"):
        outer()
    status = by_name(spans)["task fails"].status
    assert status.status_code is StatusCode.ERROR
    assert "is wrong" in str(status.description)
    assert "hunter2" not in str(status.description)


def test_the_span_of_an_awaited_run_is_current_in_its_code(spans: InMemorySpanExporter) -> None:
    @flow
    async def outer() -> None:
        await awaits()

    asyncio.run(outer())
    found = by_name(spans)
    parent = found["theirs, awaited"].parent
    assert parent is not None
    assert parent.span_id == found["task awaits"].context.span_id
    assert not trace.get_current_span().is_recording()


@pytest.mark.slow
def test_nothing_of_opentelemetry_is_imported_where_it_is_off() -> None:
    code = "import sys, perdure\n@perdure.flow\ndef f(): pass\nf()\nsys.exit('opentelemetry' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
