"""What every orchestrator must do for a room that keeps records: subclass `KeptConformance`, and say the room's port.

Its records are made from their fields, so that nothing else is to be written.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeVar, get_args, get_origin

import pytest

from perdure._model.fields import Field, fields_of
from perdure._model.filters import choices_of
from perdure._model.ports import Kept, kept_of
from perdure._platform.ids import new_id
from perdure._store.protocol import Orchestrator

__all__ = ["KeptConformance", "sample"]

R = TypeVar("R")
Room = Kept[NamedTuple, NamedTuple]


def sample(record: Callable[..., R], number: int = 1) -> R:
    """A new record of a kind, in which each number stands for other values."""
    return record(**{name: _value(field, name, number) for name, field in fields_of(record).items()})


def _value(field: Field, name: str, number: int) -> object:
    if field.word == "id":
        return new_id()
    texts = {"json": f"[{number}]", "object": f'{{"n": {number}}}', "tags": f'["ü{number}"]'}
    if field.word in texts:
        return texts[field.word]
    if get_origin(field.kind) is Literal:
        return get_args(field.kind)[number % len(get_args(field.kind))]
    values = {str: f"{name} {number}", bool: number % 2 == 1, float: number / 2, int: number}
    return values[field.kind] if field.kind in values else list(field.kind)[number % len(field.kind)]


class KeptConformance:
    """The behaviour of `Kept`, one test each."""

    port: Any
    """The room's port: a class attribute of the subclass."""

    @pytest.fixture
    def orchestrator(self) -> Orchestrator:
        """The orchestrator under test, empty; subclasses override this."""
        raise NotImplementedError

    @pytest.fixture
    def room(self, orchestrator: Orchestrator) -> Room:
        """What the orchestrator does for the room."""
        room: Room = orchestrator.room(self.port)
        return room

    def sample(self, number: int = 1) -> NamedTuple:
        """A new record."""
        return sample(kept_of(self.port)[0], number)

    def filter(self, **fields: object) -> NamedTuple:
        """A filter."""
        make: Callable[..., NamedTuple] = kept_of(self.port)[1]
        return make(**fields)

    def test_a_record_comes_back_as_it_was_put(self, room: Room) -> None:
        record = self.sample()
        room.put(record)
        found = room.one(record[0])
        assert found == record
        assert list(map(type, found)) == list(map(type, record))

    def test_what_may_be_unknown_comes_back_as_unknown(self, room: Room) -> None:
        optional = {name: None for name, field in fields_of(kept_of(self.port)[0]).items() if field.is_optional}
        record = self.sample()._replace(**optional)
        room.put(record)
        assert room.one(record[0]) == record

    def test_a_record_replaces_the_one_with_its_key(self, room: Room) -> None:
        first, second = self.sample(1), self.sample(2)
        second = second._make((first[0], *second[1:]))
        room.put(first)
        room.put(second)
        assert room.all(self.filter()) == [second]

    def test_a_record_that_is_deleted_is_gone(self, room: Room) -> None:
        record, other = self.sample(), self.sample(2)
        room.put(record)
        room.put(other)
        assert room.delete(record[0])
        assert not room.delete(record[0])
        assert room.one(record[0]) is None
        assert room.all(self.filter()) == [other]

    def test_records_come_by_their_keys_and_as_many_as_are_wanted(self, room: Room) -> None:
        records = sorted((self.sample(number) for number in range(4)), key=lambda each: each[0], reverse=True)
        for record in records:
            room.put(record)
        assert room.all(self.filter()) == records
        assert room.all(self.filter(limit=2)) == records[:2]
        assert room.all(self.filter(older_than=records[1][0], limit=1)) == records[2:3]

    def test_each_condition_of_its_filter_lets_through_what_it_says(self, room: Room) -> None:
        """Of conditions of one column. Others are to be tested where they are written."""
        records = [self.sample(number) for number in (1, 2)]
        for record in records:
            room.put(record)
        compared = 0
        for choice in choices_of(kept_of(self.port)[1]):
            column, _, rest = (choice.rows.condition if choice.rows else "").partition(" ")
            for record in records if rest in _COMPARISONS else ():
                value = getattr(record, column)
                wanted = (value,) if rest == "IN ({})" else value
                matching = [each for each in records if _COMPARISONS[rest](getattr(each, column), value)]
                found = room.all(self.filter(**{choice.name: wanted}))
                assert sorted(found) == sorted(matching), choice.name
                compared += 1
        assert compared


_COMPARISONS = {
    "= {}": lambda known, wanted: known == wanted,
    "IN ({})": lambda known, wanted: known == wanted,
    ">= {}": lambda known, wanted: known >= wanted,
    "< {}": lambda known, wanted: known < wanted,
}
