"""The lines of runs in the database."""

from collections.abc import Sequence

from perdure._model.filters import Conditions
from perdure._model.flow_names import spellings
from perdure._model.records import LogRecord
from perdure._rooms.logs.records import LogFilter, LogLine
from perdure._rooms.logs.tables import LOG
from perdure._store.sql.access import NO_CONDITIONS, Access


class SqlLogs:
    """What an orchestrator over a database does for logged lines, beside keeping those that are reported."""

    _access: Access

    def logs(self, flow_run_id: str | None = None, task_run_id: str | None = None) -> Sequence[LogRecord]:
        """The lines of a flow run (its task runs' too) or of a task run, oldest first."""
        self._access.writer.flush()
        of_flow_run = () if flow_run_id is None else (flow_run_id,)
        of_task_run = () if task_run_id is None else (task_run_id,)
        lines = self._access.filtered(LOG, LogFilter(of_flow_run, of_task_run), "time, id")
        return [LogRecord(*line[1:]) for line in lines]

    def log_lines(self, filter: LogFilter) -> Sequence[LogLine]:
        """The lines that the filter lets through, the newest first; with `after`, the oldest first."""
        self._access.writer.flush()
        order = "id DESC" if filter.after is None else "id"
        return self._access.filtered(LOG, filter, order, where=self._of_flow(filter.flow))

    def _of_flow(self, name: str | None) -> Conditions:
        if name is None:
            return NO_CONDITIONS
        names = spellings(name)
        marks = ", ".join([self._access.sql.mark] * len(names))
        return [f"flow_run_id IN (SELECT id FROM flow_run WHERE flow_name IN ({marks}))"], [*names]
