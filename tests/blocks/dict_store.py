"""A place for blocks that is a dictionary: what the protocol asks for, and nothing else."""

from collections.abc import Iterable, Sequence

from perdure.records import BlockRecord


class DictStore:
    def __init__(self) -> None:
        self.records: dict[str, BlockRecord] = {}

    def commit(self, records: Iterable[BlockRecord]) -> None:
        for record in records:
            self.records[record.id] = record
        named = [(each.type, each.name) for each in self.records.values() if each.name is not None]
        assert len(named) == len(set(named)), "a name stands for one block"

    def block(self, id: str) -> BlockRecord | None:
        return self.records.get(id)

    def blocks(self, type: str | None = None, name: str | None = None) -> Sequence[BlockRecord]:
        return [
            each
            for each in self.records.values()
            if each.name is not None and type in (None, each.type) and name in (None, each.name)
        ]

    def delete_block(self, id: str) -> None:
        self.records[id] = self.records[id]._replace(name=None)
