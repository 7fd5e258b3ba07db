"""What an orchestrator over a database does for a room: the room's own store, or that of all that only keep records."""

from typing import Any

from perdure import _rooms
from perdure._model.ports import Kept
from perdure._store.sql.access import Access


def store_of(name: str, access: Access) -> Any:
    """The store of a room by its name.

    Raises:
        AttributeError: no room is called so, or it has none.
    """
    module, port = _rooms.part(name, "store"), _rooms.port_of(name)
    if module is not None and hasattr(module, "STORE"):
        return module.STORE(access)
    tables = _rooms.part(name, "tables")
    if tables is None or port is None or Kept not in port.__mro__:
        raise AttributeError(f"An orchestrator has no {name!r}.")
    from perdure._store.sql.record_store import KeptStore

    (table,) = tables.TABLES
    return KeptStore(access, table)
