"""The table of what runs logged."""

from perdure._model.tables import Index, Table
from perdure._rooms.logs.records import LogLine

LOG = Table(
    "log",
    LogLine,
    Index("log_by_flow_run", ("flow_run_id", "time")),
    Index("log_by_task_run", ("task_run_id", "time")),
)
TABLES = (LOG,)
