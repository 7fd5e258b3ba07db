"""The server's log: a line a request, as text or JSON, on standard error. No query, header, body or token is in it."""

import json
import logging
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime

from perdure._platform.named import NamedTuple
from perdure._platform.redaction import redact

_requests = logging.getLogger("perdure.server.requests")
_REPEATING = ("asyncio", "uvicorn.error")  # what connections have them say
_TEXTS = 1_000  # that are remembered
_failures = logging.getLogger("perdure.server.failures")


class AccessLogEntry(NamedTuple):
    """The access log's entry for a request."""

    request_id: str
    method: str
    route: str | None  # with its parameters' names, not their values
    status: int  # 0: the client went away before there was one
    seconds: float
    token: str | None  # its public part
    address: str | None
    is_stream: bool


def log_request(entry: AccessLogEntry, everything: bool) -> None:
    """Log a request; if not `everything` is wanted, only one that failed for a reason of the server's."""
    if not everything and entry.status < 500:
        return
    fields = entry._asdict() | {"ms": round(entry.seconds * 1_000, 3)}
    del fields["seconds"], fields["is_stream"]
    _requests.log(logging.ERROR if entry.status >= 500 else logging.INFO, "request", extra={"fields": fields})


def log_failure(request_id: str, error: Exception) -> None:
    """Log an error of the server's own."""
    shown = redact("".join(traceback.format_exception(error)))
    _failures.error("failure", extra={"fields": {"request_id": request_id, "error": shown}})


def configure(format: str) -> None:
    """Have the server's and uvicorn's loggers write to standard error, as `text` or `json`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if format == "json" else _Text())
    for name, level in (("perdure.server", logging.INFO), ("uvicorn", logging.WARNING), ("asyncio", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
    for name in _REPEATING:
        logging.getLogger(name).addFilter(Throttle())


class Throttle(logging.Filter):
    """Lets a text through once in some seconds, with how often it was left out: strangers cause it at will."""

    def __init__(self, seconds: float = 10.0, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._seconds = seconds
        self._clock = clock
        self._last: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is logged; one after others that were not says how many."""
        text, now = str(record.msg).partition("\n")[0], self._clock()
        if now - self._last.get(text, -self._seconds) < self._seconds:
            self._left_out[text] = self._left_out.get(text, 0) + 1
            return False
        if len(self._last) > _TEXTS:
            self._last.clear()
        self._last[text] = now
        if count := self._left_out.pop(text, 0):
            record.msg = f"{record.msg} ({count} more like it were left out.)"
        return True


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
    message = redact(record.getMessage())
    fields: dict[str, object] = {"time": time, "level": record.levelname.lower(), "message": message}
    if record.exc_info:
        fields["error"] = redact(logging.Formatter().formatException(record.exc_info))
    return fields | getattr(record, "fields", {})
