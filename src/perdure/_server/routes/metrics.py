"""Metrics for Prometheus."""

from fastapi import Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from perdure._http.routers import ApiRouter

router = ApiRouter(prefix="/metrics", tags=["health"])


@router.get("", response_class=Response, responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}})
def metrics(request: Request) -> Response:
    """Metrics of requests, records and the process, in Prometheus' text format."""
    return Response(request.app.state.metrics.text(), media_type=CONTENT_TYPE_LATEST)
