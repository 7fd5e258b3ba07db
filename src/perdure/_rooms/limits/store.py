"""Limits in the database. Whoever takes slots locks the limit's row first, so that no two see the same ones free."""

import math
from collections.abc import Sequence

from perdure._model.errors import LimitError
from perdure._platform.clock import Micros
from perdure._rooms.limits.records import Limit, Slot
from perdure._rooms.limits.tables import LIMIT, SLOT
from perdure._store.sql.access import Access
from perdure._store.sql.database import Connection

MOST = 1_000_000  # slots


class SqlLimits:
    """The limits of a database."""

    def __init__(self, access: Access) -> None:
        self._access, self._writer, self._read = access, access.writer, access.read
        sql, mark = access.sql, access.sql.mark
        self._put = sql.insert(LIMIT, tuple(LIMIT.columns)) + (
            " ON CONFLICT (name) DO UPDATE SET slots = excluded.slots, decay = excluded.decay"
        )
        self._all = f"{sql.select(LIMIT)} ORDER BY name"
        self._delete = f"DELETE FROM concurrency_limit WHERE name = {mark}"
        self._delete_slots = f"DELETE FROM limit_slot WHERE name = {mark}"
        self._lock = f"UPDATE concurrency_limit SET turns = turns + 1 WHERE name = {mark}"
        self._state = f"SELECT slots, turns, decay, drawn, drawn_at FROM concurrency_limit WHERE name = {mark}"
        self._note_drawn = f"UPDATE concurrency_limit SET drawn = {mark}, drawn_at = {mark} WHERE name = {mark}"
        self._add = sql.insert(SLOT, tuple(SLOT.columns))
        self._of = f"SELECT place, taken FROM limit_slot WHERE id = {mark}"
        # Who came later does not count as long as it waits: so a place in the line is never lost to a smaller request.
        ahead = (
            "SELECT coalesce(SUM(o.occupy), 0) FROM limit_slot AS o"
            " WHERE o.name = {name} AND o.id <> {id} AND (o.taken IS NOT NULL OR o.place < {place})"
        )
        self._ahead = ahead.format(name=mark, id=mark, place=mark)
        self._missing = (
            f"SELECT ({ahead.format(name='s.name', id='s.id', place='s.place')}) + s.occupy - l.slots"
            " FROM limit_slot AS s JOIN concurrency_limit AS l ON l.name = s.name"
            f" WHERE s.id = {mark} AND s.taken IS NULL"
        )
        self._take = f"UPDATE limit_slot SET taken = {mark} WHERE id = {mark}"
        self._release = f"DELETE FROM limit_slot WHERE id = {mark}"
        self._slots = sql.select(SLOT, f"name = {mark} ORDER BY place")

    def put(self, limit: Limit) -> None:
        """Make a limit, or change one: those who hold slots keep them, and those who wait keep their places."""
        if not limit.name or "\0" in limit.name:
            raise LimitError(f"A limit's name is text, not {limit.name!r}.")
        if not 0 <= limit.slots <= MOST:
            raise LimitError(f"The limit {limit.name!r} cannot have {limit.slots} slots: give 0 to {MOST:,}.")
        if limit.decay is not None and not 0 < limit.decay < math.inf:
            raise LimitError(
                f"The limit {limit.name!r} cannot have the rate {limit.decay:g}: more than 0 slots a second come back."
            )
        self._writer.execute_apart(self._put, (*limit, 0, 0, limit.created))

    def all(self) -> Sequence[Limit]:
        """All limits, sorted by name."""
        return self._access.all(Limit, self._all)

    def delete(self, name: str) -> bool:
        """Forget a limit, with all who hold or wait for its slots; whether there was one."""

        def work(connection: Connection) -> bool:
            found = connection.execute(self._delete, (name,)).rowcount == 1
            connection.execute(self._delete_slots, (name,))
            return found

        return self._writer.transact(work)

    def slots(self, name: str) -> Sequence[Slot]:
        """Who holds or waits for slots of a limit, in the order in which they came."""
        return self._access.all(Slot, self._slots, name)

    def take(self, slot: Slot, now: Micros) -> int | None:
        """Take the slots if they are free, and no one who came before waits; how many are missing."""
        _check(slot.occupy)
        waiting = self._read(self._missing, (slot.id,))  # those who wait look often: a look locks nothing
        if waiting and waiting[0][0] > 0:
            return int(waiting[0][0])
        return self._writer.transact(lambda connection: self._take_now(connection, slot, now))

    def _take_now(self, connection: Connection, slot: Slot, now: Micros) -> int | None:
        if connection.execute(self._lock, (slot.name,)).rowcount == 0:
            return None
        slots, turn, *_ = connection.execute(self._state, (slot.name,)).fetchone()
        known = connection.execute(self._of, (slot.id,)).fetchone()
        if known is not None and known[1] is not None:
            return 0
        place = turn if known is None else known[0]
        ahead: int = connection.execute(self._ahead, (slot.name, slot.id, place)).fetchone()[0]
        missing: int = max(0, ahead + slot.occupy - slots)
        taken = None if missing else now
        if known is None:
            connection.execute(self._add, (*slot[:-1], taken, place))
        elif taken is not None:
            connection.execute(self._take, (taken, slot.id))
        return missing

    def release(self, ids: Sequence[str]) -> None:
        """Release slots by their ids, or places in the line."""
        self._writer.transact(lambda connection: connection.executemany(self._release, [(id,) for id in ids]))

    def draw(self, name: str, occupy: int, now: Micros, patience: float | None) -> float | None:
        """Draw slots of a limit that come back with time; how many seconds to wait before they may be used."""

        _check(occupy)

        def work(connection: Connection) -> float | None:
            if connection.execute(self._lock, (name,)).rowcount == 0:
                return None
            slots, _, decay, drawn, drawn_at = connection.execute(self._state, (name,)).fetchone()
            if decay is None:
                raise LimitError(f"{name!r} limits how many are at it at once, not how often.")
            at = max(now, drawn_at)  # the clocks of machines differ
            level = max(0.0, drawn - (at - drawn_at) / 1_000_000 * decay) + occupy
            wait: float = max(0.0, level - slots) / decay
            if patience is None or wait <= patience:
                connection.execute(self._note_drawn, (level, at, name))
            return wait

        return self._writer.transact(work)


def _check(occupy: int) -> None:
    if not 1 <= occupy <= MOST:
        raise LimitError(f"occupy={occupy} is not a number of slots: 1 to {MOST:,}.")


STORE = SqlLimits
