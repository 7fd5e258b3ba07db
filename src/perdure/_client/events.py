"""The server's stream of events, read line by line; after a break it continues where it was."""

import time
from typing import Literal

from pydantic import TypeAdapter

from perdure._client.filters import Id
from perdure._client.requests import Answer, Asker
from perdure._http.models import FlowRunModel, LogModel
from perdure._model.errors import OrchestratorUnreachable
from perdure._platform.named import NamedTuple

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0  # seconds between two attempts
_FLOW_RUN, _LOG = TypeAdapter(FlowRunModel), TypeAdapter(LogModel)


class Event(NamedTuple):
    """Something that happened: a flow run is as `flow_run` says now, or `log` was logged.

    `reset` says that events were missed which the server does not keep any more: ask for what you need anew.
    """

    kind: Literal["flow_run", "log", "reset"]
    flow_run: FlowRunModel | None = None
    log: LogModel | None = None


class Following:
    """A stream of events as it is read, over as many connections as it takes."""

    def __init__(self, asker: Asker, flow_run: Id | None, patience_seconds: float) -> None:
        self.path = "events/stream"
        self.params = {} if flow_run is None else {"flow_run": str(flow_run)}
        self._asker = asker
        self._patience = patience_seconds
        self._last = ""  # the id of the last event
        self._kind = ""
        self._pause = _FIRST_PAUSE
        self._away_since: float | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers that make the server continue after the last event."""
        return {"Last-Event-ID": self._last} if self._last else {}

    def begins(self, outcome: Answer) -> bool:
        """Whether the server's answer is the stream; raises what it says unless it may say that in a while."""
        error = self._asker.error_of(outcome)
        if error is None:
            self._away_since, self._pause = None, _FIRST_PAUSE
        elif not isinstance(error, OrchestratorUnreachable):
            raise error
        return error is None

    def take(self, line: str) -> Event | None:
        """The event that ends with a line, if any does."""
        name, _, value = line.partition(": ")
        if name == "id":
            self._last = value
        elif name == "event":
            self._kind = value
        elif name == "data" and self._kind == "flow_run":
            return Event("flow_run", flow_run=self._asker.read(_FLOW_RUN, value.encode()))
        elif name == "data" and self._kind == "log":
            return Event("log", log=self._asker.read(_LOG, value.encode()))
        elif name == "data" and self._kind == "reset":
            return Event("reset")
        return None

    def broke(self, why: str) -> float:
        """The connection is no more; how many seconds to wait before the next one.

        Raises:
            OrchestratorUnreachable: the server was away for as long as patience lasts.
        """
        now = time.monotonic()
        self._away_since = now if self._away_since is None else self._away_since
        if now + self._pause > self._away_since + self._patience:
            raise self._asker.lost(why)
        pause, self._pause = self._pause, min(2 * self._pause, _LONGEST_PAUSE)
        return pause
