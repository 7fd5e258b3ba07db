"""The table of saved views."""

from perdure._model.tables import Table
from perdure._rooms.views.records import SavedView

VIEW = Table("saved_view", SavedView)
TABLES = (VIEW,)
