"""Large answers, compressed for clients that accept it."""

import gzip

from fastapi import Request, Response
from pydantic import BaseModel

_SMALL = 4_096  # bytes that are sent as they are
_FAST = 1  # the level: columns of ids and times shrink to a fifth at any


def packed(answer: BaseModel, request: Request) -> Response:
    """An answer as JSON, by gzip if the request allows that."""
    body = answer.model_dump_json().encode()
    headers = {"Vary": "Accept-Encoding"}
    if len(body) > _SMALL and "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["Content-Encoding"] = gzip.compress(body, _FAST), "gzip"
    return Response(body, headers=headers, media_type="application/json")
