"""What the server counts, for Prometheus. Workers count together, through files that their parent made."""

import os

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from perdure._http.counting import Counting
from perdure._model.state_types import StateType
from perdure._server.access_log import AccessLogEntry
from perdure._store.embedded import EmbeddedOrchestrator

SHARED = "PROMETHEUS_MULTIPROC_DIR"  # the variable by which the library knows the files' directory
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The counts of one application."""

    def __init__(self, orchestrator: EmbeddedOrchestrator, counting: Counting) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._orchestrator = orchestrator
        self._counting = counting
        self._is_shared = SHARED in os.environ
        self._registry = CollectorRegistry()
        if not self._is_shared:
            ProcessCollector(registry=self._registry)
        own = None if self._is_shared else self._registry
        self._requests = Counter(
            "perdure_requests", "Requests that were answered.", ("method", "route", "status"), registry=own
        )
        self._seconds = Histogram(
            "perdure_request_seconds", "From a request to its answer's end.", ("route",), registry=own, buckets=_SECONDS
        )
        self._streams = Counter("perdure_streams", "Streams of changes that have ended.", ("route",), registry=own)
        self._committed = Counter("perdure_records_committed", "Records that are in the database.", registry=own)
        self._waiting = Gauge(
            *("perdure_records_waiting", "Records that were taken and are not committed yet."),
            registry=own,
            multiprocess_mode="livesum",
        )
        self._counted = 0

    def observe(self, entry: AccessLogEntry) -> None:
        """Count a request."""
        route = entry.route or "none"
        self._requests.labels(_METHODS.get(entry.method, "other"), route, str(entry.status)).inc()
        if entry.is_stream:
            self._streams.labels(route).inc()
        else:
            self._seconds.labels(route).observe(entry.seconds)
        self._count_records()

    def _count_records(self) -> None:
        reported, committed = self._orchestrator.counts
        self._waiting.set(max(0, reported - committed))
        if committed > self._counted:
            self._committed.inc(committed - self._counted)
            self._counted = committed

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        self._count_records()
        registry = self._registry
        if self._is_shared:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry) + generate_latest(self._totals())

    def _totals(self) -> CollectorRegistry:
        """What the database holds: the same, whichever worker is asked."""
        found, registry = self._counting.totals(), CollectorRegistry()
        for name, what, counts in (
            ("perdure_flow_runs", "Flow runs by state.", found.flow_runs),
            ("perdure_task_runs", "Task runs by state.", found.task_runs),
        ):
            gauge = Gauge(name, what, ("state",), registry=registry)
            for kind in StateType:
                gauge.labels(kind.value).set(counts.get(kind, 0))
        if found.is_complete:
            stored = Gauge("perdure_results", "Persisted results that are not removed.", registry=registry)
            stored.set(found.stored.results)
            size = Gauge("perdure_results_bytes", "What they take in their storages.", registry=registry)
            size.set(found.stored.size)
        return registry


_METHODS = {each: each for each in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")}
