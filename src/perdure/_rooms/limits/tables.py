"""The tables of limits, and of who holds or waits for their slots."""

from perdure._model.tables import Index, Table
from perdure._platform.clock import Micros
from perdure._rooms.limits.records import Limit, Slot


class Drawn:
    """How a limit stands."""

    turns: int  # how often somebody came: each has a place in the line
    drawn: float  # slots that had not come back at `drawn_at`
    drawn_at: Micros


class Place:
    """In which order those came who hold or want slots."""

    place: int


LIMIT = Table("concurrency_limit", Limit, more=Drawn)
SLOT = Table("limit_slot", Slot, Index("limit_slot_by_place", ("name", "place")), more=Place)
TABLES = (LIMIT, SLOT)
