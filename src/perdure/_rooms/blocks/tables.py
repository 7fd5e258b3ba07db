"""The table of blocks."""

from perdure._model.records import BlockRecord
from perdure._model.tables import Index, Table

BLOCK = Table("block", BlockRecord, Index("block_by_slug", ("type", "name"), where="name IS NOT NULL", unique=True))
TABLES = (BLOCK,)
