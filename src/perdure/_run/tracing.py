"""Traces for OpenTelemetry: a span a run, made of the records that are reported anyway, and a span a request.

Imported only where PERDURE_OPENTELEMETRY is on. Spans go where the process has OpenTelemetry send them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from opentelemetry import context, propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from perdure._model.records import FlowRunRecord, Record, RenameRecord, StateRecord, TaskRunRecord
from perdure._model.state_types import FINAL, StateType
from perdure._platform.clock import Micros
from perdure._platform.redaction import shortened
from perdure._platform.version import VERSION

_MESSAGE = 1_000  # characters of a failure's message


class Reporting(Protocol):
    """Reports records to the orchestrator."""

    def __call__(self, records: Iterable[Record]) -> None:
        """Take the records."""


class Tracer:
    """The spans of one process's runs."""

    def __init__(self) -> None:
        self._tracer = trace.get_tracer("perdure", VERSION)
        self._open: dict[str, Span] = {}

    def tapped(self, report: Reporting) -> Reporting:
        """What reports the records, and makes spans of them."""

        def reported(records: Iterable[Record]) -> None:
            taken = tuple(records)
            for record in taken:
                self._see(record)
            report(taken)

        return reported

    def enter(self, run_id: str) -> Callable[[], None]:
        """Have a run's span be the current one of its code; what ends that."""
        span = self._open.get(run_id)
        if span is None:
            return lambda: None
        token = context.attach(trace.set_span_in_context(span))
        return lambda: context.detach(token)

    def _see(self, record: Record) -> None:
        if isinstance(record, FlowRunRecord):
            parent_id = record.parent_task_run_id or record.parent_flow_run_id
            self._begin(record.id, "flow", record.flow_name, record.name, parent_id, record.created)
        elif isinstance(record, TaskRunRecord):
            parent_id = record.parent_task_run_id or record.flow_run_id
            self._begin(record.id, "task", record.task_name, record.name, parent_id, record.created)
        elif isinstance(record, RenameRecord) and record.run_id in self._open:
            self._open[record.run_id].set_attribute("perdure.run.name", record.name)
        elif isinstance(record, StateRecord):
            self._come_to(record)

    def _begin(self, id: str, kind: str, called: str, name: str, parent_id: str | None, at: Micros) -> None:
        parent = self._open.get(parent_id) if parent_id else None
        self._open[id] = self._tracer.start_span(
            f"{kind} {called}",
            None if parent is None else trace.set_span_in_context(parent),
            attributes={"perdure.run.id": id, "perdure.run.name": name, f"perdure.{kind}.name": called},
            start_time=at * 1_000,
        )

    def _come_to(self, state: StateRecord) -> None:
        is_final = state.type in FINAL
        span = self._open.pop(state.run_id, None) if is_final else self._open.get(state.run_id)
        if span is None:  # it continues from another process
            return
        span.add_event(state.name, timestamp=state.time * 1_000)
        if is_final:
            span.set_attribute("perdure.state", state.name)
            if state.type is not StateType.COMPLETED:
                span.set_status(Status(StatusCode.ERROR, shortened(state.message or state.name, _MESSAGE)))
            span.end(state.time * 1_000)


def carried() -> dict[str, str]:
    """The headers by which a request to a server belongs to the current span."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


@contextmanager
def request_span(method: str, headers: Mapping[str, str]) -> Iterator[Callable[[str | None, int], None]]:
    """The span of a request, below the one that its headers carry; it gets the route and the status."""
    tracer = trace.get_tracer("perdure.server", VERSION)
    above = propagate.extract(headers)
    with tracer.start_as_current_span(method, above, SpanKind.SERVER) as span:

        def answered(route: str | None, status: int) -> None:
            attributes: dict[str, Any] = {"http.request.method": method, "http.response.status_code": status}
            span.set_attributes(attributes | ({} if route is None else {"http.route": route}))
            span.update_name(f"{method} {route}" if route else method)
            if status >= 500:
                span.set_status(Status(StatusCode.ERROR))

        yield answered
