from perdure._model.tables import Index, Table
from tests.rooms.bookmarks.records import Bookmark

TABLES = (Table("bookmark", Bookmark, Index("bookmark_by_flow", ("flow_name", "id"), where="flow_name IS NOT NULL")),)
