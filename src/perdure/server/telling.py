"""The server's log: a line a request, as text or JSON, on standard error. No query, header, body or token is in it."""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import NamedTuple

from perdure.core.secrecy import without_secrets

_requests = logging.getLogger("perdure.server.requests")
_failures = logging.getLogger("perdure.server.failures")


class Told(NamedTuple):
    """What is told of a request."""

    request_id: str
    method: str
    route: str | None  # with its parameters' names, not their values
    status: int  # 0: the client went away before there was one
    seconds: float
    token: str | None  # its public part
    address: str | None
    is_stream: bool


def tell(told: Told, everything: bool) -> None:
    """Log a request; if not `everything` is wanted, only one that failed for a reason of the server's."""
    if not everything and told.status < 500:
        return
    fields = told._asdict() | {"ms": round(told.seconds * 1_000, 3)}
    del fields["seconds"], fields["is_stream"]
    _requests.log(logging.ERROR if told.status >= 500 else logging.INFO, "request", extra={"fields": fields})


def tell_failure(request_id: str, error: Exception) -> None:
    """Log an error of the server's own."""
    shown = without_secrets("".join(traceback.format_exception(error)))
    _failures.error("failure", extra={"fields": {"request_id": request_id, "error": shown}})


def configure(format: str) -> None:
    """Have the server's and uvicorn's loggers write to standard error, as `text` or `json`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if format == "json" else _Text())
    for name, level in (("perdure.server", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(_fields(record), ensure_ascii=True, default=str)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = _fields(record)
        shown = " ".join(f"{name}={value}" for name, value in list(fields.items())[3:] if value is not None)
        return f"{fields['time']} {fields['level']} {fields['message']} {shown}".rstrip()


def _fields(record: logging.LogRecord) -> dict[str, object]:
    time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    message = without_secrets(record.getMessage())
    fields: dict[str, object] = {"time": time, "level": record.levelname.lower(), "message": message}
    if record.exc_info:
        fields["error"] = without_secrets(logging.Formatter().formatException(record.exc_info))
    return fields | getattr(record, "fields", {})
