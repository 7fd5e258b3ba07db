"""The storages that the server opens itself: those that its operator allows, whatever records name."""

from collections.abc import Sequence

from perdure._blocks.approved import approve
from perdure._blocks.block import from_record
from perdure._model.errors import BlockError, ResultMissing, ResultUnreadable
from perdure._model.records import BlockRecord
from perdure._storages.allowed_storages import Allowed
from perdure._storages.storage import Storage
from perdure._store.protocol import Orchestrator

_KEPT = 1_000  # storages, whose connections are used again


class ServedStorages:
    """The storages of one database, as far as the settings and `places` allow them."""

    def __init__(self, orchestrator: Orchestrator, places: Sequence[str] = ()) -> None:
        self._orchestrator = orchestrator
        self._places = places
        self._made: dict[BlockRecord, Storage] = {}

    def get(self, id: str) -> Storage:
        """The storage that a record has as a block.

        Raises:
            ResultMissing: the database knows no such block.
            ResultUnreadable: it cannot be made here, is none, or is not allowed.
        """
        record = self._orchestrator.block(id)
        if record is None:
            raise ResultMissing(f"The result is in a storage with the id {id}, which this database does not know.")
        storage = self._made.get(record) or self._checked(record)
        if len(self._made) >= _KEPT:
            self._made.clear()
        self._made[record] = storage
        return storage

    def _checked(self, record: BlockRecord) -> Storage:
        try:
            storage = from_record(record)
        except BlockError as error:
            raise ResultUnreadable(f"The result's storage cannot be used here. {error}") from None
        if not isinstance(storage, Storage):
            raise ResultUnreadable(f"The result's storage is a {record.type!r} here, which is no storage.")
        why = Allowed(self._places).refusal(storage)
        if why is not None:
            raise ResultUnreadable(why)
        return storage

    def saved_by_administrator(self, block: object) -> None:
        """Have a storage be allowed that an administrator has saved."""
        if isinstance(block, Storage):
            approve(block.settled())
