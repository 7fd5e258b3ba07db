"""What `get_client` reads of the lines that runs log."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from perdure._client.translation import Filter, conditions, unknown
from perdure._platform.clock import from_datetime, to_datetime
from perdure._platform.ids import id_of
from perdure._results.lookup import known_runs
from perdure._rooms.logs.records import LogFilter, LogLine

_LIMIT = 200  # lines, unless it is said


class Log:
    """A line that a run logged."""

    def __init__(self, line: LogLine) -> None:
        self.id = id_of(f"log/{line.id}")
        self.flow_run_id, self.task_run_id = line.flow_run_id, line.task_run_id
        self.level = line.level  # as in the standard library: 20 is INFO
        self.message = line.message
        self.name = line.logger  # of the logger
        self.timestamp: datetime = to_datetime(line.time)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.level} {self.message!r}>"


class SyncLogCalls:
    """Reads lines in plain code."""

    def read_logs(
        self,
        log_filter: Filter | None = None,
        limit: int | None = None,
        offset: int = 0,
        sort: str | None = None,
    ) -> list[Log]:
        """The lines that runs logged, the oldest first unless `sort` ends in DESC; at most 200 unless `limit` is given.

        Raises:
            ValueError: a condition of the filter is not known.
        """
        most = (_LIMIT if limit is None else limit) + offset
        newest_first = sort is not None and str(getattr(sort, "value", sort)).endswith("DESC")
        known: Any = known_runs()
        filter = _wanted(log_filter or {})._replace(limit=most, after=None if newest_first else 0)
        return [Log(line) for line in known.log_lines(filter)][offset:]


class LogCalls:
    """Reads lines in coroutines."""

    _known: SyncLogCalls

    async def read_logs(self, log_filter: Filter | None = None, **wanted: Any) -> list[Log]:
        """The lines that runs logged, the oldest first."""
        return await asyncio.to_thread(self._known.read_logs, log_filter, **wanted)


def _wanted(filter: Mapping[str, object]) -> LogFilter:
    fields: dict[str, Any] = {}
    for path, value in conditions(filter, ""):
        if path not in _FIELDS:
            raise ValueError(unknown(path, value, list(_FIELDS)))
        field, read = _FIELDS[path]
        fields[field] = read(value)
    return LogFilter(**fields)


def _ids(values: list[str | UUID]) -> tuple[str, ...]:
    return tuple(map(str, values))


_FIELDS: dict[str, tuple[str, Callable[..., object]]] = {
    "flow_run_id.any_": ("flow_run_ids", _ids),
    "task_run_id.any_": ("task_run_ids", _ids),
    "level.ge_": ("min_level", int),
    "timestamp.after_": ("since", from_datetime),
}
