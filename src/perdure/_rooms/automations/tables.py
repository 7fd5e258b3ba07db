"""The tables of automations: of the events that they have not seen, of their log, and of the files that they know."""

from perdure._model.fields import Id
from perdure._model.tables import Index, Table
from perdure._platform.named import NamedTuple
from perdure._rooms.automations.port import Automation, LogEntry, WatchedFile


class Waiting(NamedTuple):
    """An event that no automation has seen yet."""

    event_id: Id


AUTOMATION = Table("automation", Automation, Index("automation_by_name", ("name",), unique=True))
INBOX = Table("automation_inbox", Waiting)
LOG = Table(
    "automation_log",
    LogEntry,
    Index("automation_log_by_automation", ("automation_id", "id")),
    Index("automation_log_acting", ("id",), where="phase = 'acting'"),
    Index("automation_log_by_time", ("time",)),
)
FILE = Table("automation_file", WatchedFile, key=2)
TABLES = (AUTOMATION, INBOX, LOG, FILE)
