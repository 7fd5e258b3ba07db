"""What `get_client` reads and changes of limits: those that Prefect calls global, and those of tags, are one kind."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from perdure._model.errors import LimitError, LimitExists, NotFound
from perdure._platform.clock import system_clock, to_datetime
from perdure._results.lookup import known_runs
from perdure._rooms.limits.records import Limit, Slot

_LIMIT = 10  # of a list, unless it is said


@dataclass(frozen=True, kw_only=True)
class GlobalConcurrencyLimitCreate:
    """A limit that is to be made."""

    name: str
    limit: int  # slots
    active: bool = True
    active_slots: int = 0
    slot_decay_per_second: float | None = None  # slots that come back each second: makes it a rate limit; 0 is none


@dataclass(frozen=True, kw_only=True)
class GlobalConcurrencyLimitUpdate:
    """What is to be changed of a limit; None leaves it as it is."""

    name: str | None = None
    limit: int | None = None
    active: bool | None = None
    active_slots: int | None = None
    slot_decay_per_second: float | None = None


class LimitSeen:
    """A limit, as it was when it was read; its id is its name."""

    def __init__(self, limit: Limit, line: Iterable[Slot]) -> None:
        taken = [slot for slot in line if slot.taken is not None]
        self.id = self.name = self.tag = limit.name
        self.limit = self.concurrency_limit = limit.slots
        self.slot_decay_per_second = limit.decay or 0.0
        self.active = True
        self.active_slots: list[str] | int = sum(slot.occupy for slot in taken)
        self.holders = [slot.run_id for slot in taken if slot.run_id is not None]  # ids of runs
        self.created: datetime = to_datetime(limit.created)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {self.limit}>"


class TagLimitSeen(LimitSeen):
    """A limit, as those read it who ask by its tag: `active_slots` are the ids of the runs that hold slots."""

    def __init__(self, limit: Limit, line: Iterable[Slot]) -> None:
        super().__init__(limit, line)
        self.active_slots = self.holders


class SyncLimitCalls:
    """Reads and changes limits in plain code."""

    def create_global_concurrency_limit(self, concurrency_limit: GlobalConcurrencyLimitCreate) -> str:
        """Make a limit; its id, which is its name. Runs notice it within five seconds.

        Raises:
            LimitExists: there is one of the name.
            LimitError: it is to be inactive, or to have taken slots: no limit here is or has.
        """
        wanted = concurrency_limit
        _check_state(wanted.name, wanted.active, wanted.active_slots)
        if any(limit.name == wanted.name for limit in _all()):
            raise LimitExists(f"There is a limit {wanted.name!r} already. update_global_concurrency_limit changes it.")
        return _put(Limit(wanted.name, wanted.limit, wanted.slot_decay_per_second or None, system_clock()))

    def read_global_concurrency_limit_by_name(self, name: str) -> LimitSeen:
        """A limit.

        Raises:
            NotFound: there is none of the name.
        """
        return LimitSeen(_found(name), _known().slots(name))

    def read_global_concurrency_limits(self, limit: int = _LIMIT, offset: int = 0) -> list[LimitSeen]:
        """Limits, by name."""
        return [LimitSeen(each, _known().slots(each.name)) for each in _all()[offset : offset + limit]]

    def update_global_concurrency_limit(self, name: str, concurrency_limit: GlobalConcurrencyLimitUpdate) -> None:
        """Change a limit. Runs keep their slots and their places in line.

        Raises:
            NotFound: there is none of the name.
            LimitError: it is to have another name, to be inactive, to have other taken slots, or to become a rate limit
                while slots are taken.
        """
        before, wanted = _found(name), concurrency_limit
        _check_state(name, wanted.active, wanted.active_slots)
        if wanted.name not in (None, name):
            raise LimitError(f"A limit keeps its name. Make {wanted.name!r}, and delete {name!r}.")
        decay = before.decay if wanted.slot_decay_per_second is None else wanted.slot_decay_per_second or None
        if decay is not None and before.decay is None and _known().slots(name):
            raise LimitError(f"The slots of {name!r} are in use: it cannot become a rate limit now.")
        _put(before._replace(slots=before.slots if wanted.limit is None else wanted.limit, decay=decay))

    def upsert_global_concurrency_limit_by_name(
        self, name: str, limit: int, slot_decay_per_second: float | None = None
    ) -> None:
        """Make a limit, or change the one of the name. Raises what those calls raise."""
        if any(each.name == name for each in _all()):
            change = GlobalConcurrencyLimitUpdate(limit=limit, slot_decay_per_second=slot_decay_per_second)
            self.update_global_concurrency_limit(name, change)
        else:
            wanted = GlobalConcurrencyLimitCreate(name=name, limit=limit, slot_decay_per_second=slot_decay_per_second)
            self.create_global_concurrency_limit(wanted)

    def delete_global_concurrency_limit_by_name(self, name: str) -> None:
        """Forget a limit: who waits for its slots continues.

        Raises:
            NotFound: there is none of the name.
        """
        _known().delete(_found(name).name)

    def create_concurrency_limit(self, tag: str, concurrency_limit: int) -> str:
        """Have as many task runs with a tag run at once, whether it was limited before or not; the limit's id."""
        self.upsert_global_concurrency_limit_by_name(tag, concurrency_limit)
        return tag

    def read_concurrency_limit_by_tag(self, tag: str) -> TagLimitSeen:
        """The limit of a tag.

        Raises:
            NotFound: there is none.
        """
        return TagLimitSeen(_found(tag), _known().slots(tag))

    def read_concurrency_limits(self, limit: int = _LIMIT, offset: int = 0) -> list[TagLimitSeen]:
        """Limits, by name: those of tags are among them."""
        return [TagLimitSeen(each, _known().slots(each.name)) for each in _all()[offset : offset + limit]]

    def delete_concurrency_limit_by_tag(self, tag: str) -> None:
        """Forget the limit of a tag.

        Raises:
            NotFound: there is none.
        """
        self.delete_global_concurrency_limit_by_name(tag)


class LimitCalls:
    """Reads and changes limits in coroutines; the methods are those of plain code, and take and raise the same."""

    _known: SyncLimitCalls

    async def create_global_concurrency_limit(self, concurrency_limit: GlobalConcurrencyLimitCreate) -> str:
        """Make a limit; its id, which is its name."""
        return await asyncio.to_thread(self._known.create_global_concurrency_limit, concurrency_limit)

    async def read_global_concurrency_limit_by_name(self, name: str) -> LimitSeen:
        """A limit."""
        return await asyncio.to_thread(self._known.read_global_concurrency_limit_by_name, name)

    async def read_global_concurrency_limits(self, limit: int = _LIMIT, offset: int = 0) -> list[LimitSeen]:
        """Limits, by name."""
        return await asyncio.to_thread(self._known.read_global_concurrency_limits, limit, offset)

    async def update_global_concurrency_limit(self, name: str, concurrency_limit: GlobalConcurrencyLimitUpdate) -> None:
        """Change a limit."""
        await asyncio.to_thread(self._known.update_global_concurrency_limit, name, concurrency_limit)

    async def upsert_global_concurrency_limit_by_name(
        self, name: str, limit: int, slot_decay_per_second: float | None = None
    ) -> None:
        """Make a limit, or change the one of the name."""
        call = self._known.upsert_global_concurrency_limit_by_name
        await asyncio.to_thread(call, name, limit, slot_decay_per_second)

    async def delete_global_concurrency_limit_by_name(self, name: str) -> None:
        """Forget a limit."""
        await asyncio.to_thread(self._known.delete_global_concurrency_limit_by_name, name)

    async def create_concurrency_limit(self, tag: str, concurrency_limit: int) -> str:
        """Have as many task runs with a tag run at once."""
        return await asyncio.to_thread(self._known.create_concurrency_limit, tag, concurrency_limit)

    async def read_concurrency_limit_by_tag(self, tag: str) -> TagLimitSeen:
        """The limit of a tag."""
        return await asyncio.to_thread(self._known.read_concurrency_limit_by_tag, tag)

    async def read_concurrency_limits(self, limit: int = _LIMIT, offset: int = 0) -> list[TagLimitSeen]:
        """Limits, by name."""
        return await asyncio.to_thread(self._known.read_concurrency_limits, limit, offset)

    async def delete_concurrency_limit_by_tag(self, tag: str) -> None:
        """Forget the limit of a tag."""
        await asyncio.to_thread(self._known.delete_concurrency_limit_by_tag, tag)


def _known() -> Any:
    known: Any = known_runs()
    return known.limits


def _all() -> list[Limit]:
    return list(_known().all())


def _found(name: str) -> Limit:
    found = next((limit for limit in _all() if limit.name == name), None)
    if found is None:
        raise NotFound(f"There is no limit {name!r}. `perdure limit ls` lists them.")
    return found


def _put(limit: Limit) -> str:
    _known().put(limit)
    return limit.name


def _check_state(name: str, active: bool | None, active_slots: int | None) -> None:
    if active is False:
        raise LimitError(f"A limit is always active: delete {name!r}, and make it again when it is to hold.")
    if active_slots:
        raise LimitError(f"The slots of {name!r} are taken by runs: `with concurrency({name!r})`.")
