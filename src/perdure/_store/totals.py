"""What the database holds altogether. Of a million rows that takes seconds, so it is added up part by part."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import Table, exists, func, select, text

from perdure._platform.clock import Micros
from perdure._platform.named import NamedTuple
from perdure._rooms.runs.tables import NOT_COMPLETED
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.sql.tables import decision, flow_run, result, task_run

DAY = 86_400_000_000  # microseconds
_WINDOW = 10_000  # rows that are added up together


class Amount(NamedTuple):
    """Some persisted results, and the bytes that they take."""

    results: int = 0
    size: int = 0

    def plus(self, results: int, size: int) -> "Amount":
        """Both together."""
        return Amount(self.results + results, self.size + size)


@dataclass(slots=True)
class Totals:
    """What there is, by now or at a time. Persisted results count that are not removed.

    A run that took another one's result, from the cache say, has no document of its own, and does not count while that
    other result is there.
    """

    flow_runs: dict[str, int] = field(default_factory=dict)  # by their states' types
    task_runs: dict[str, int] = field(default_factory=dict)
    stored: Amount = field(default_factory=Amount)
    storages: dict[str, Amount] = field(default_factory=dict)  # by the id of the storage
    days: dict[int, Amount] = field(default_factory=dict)  # by the day since 1970, UTC, on which they were made
    is_complete: bool = False
    time: Micros = 0  # when it was begun


_other = result.alias("other")
_IS_ANOTHERS = (
    exists()
    .where(decision.c.run_id == result.c.run_id, decision.c.why.in_(("cached", "waited", "reused")))
    .where(_other.c.run_id == decision.c.other_id, _other.c.removed.is_(None))
    .where(_other.c.storage_key == result.c.storage_key)
)


def totals(known: EmbeddedOrchestrator, now: Micros) -> Iterator[Totals]:
    """The same object again and again, until it is complete: each step takes some tens of milliseconds."""
    found = Totals(time=now)
    found.flow_runs = _by_state(known, flow_run)
    yield found
    found.task_runs = _by_state(known, task_run)
    yield found
    after: str | None = ""
    while after is not None:
        after = _add_results(known, found, after)
        found.is_complete = after is None
        yield found


def _by_state(known: EmbeddedOrchestrator, table: Table) -> dict[str, int]:
    """Most runs have completed, and are in no index of states: they are what is left of all."""
    kind = table.c.state_type
    others = select(kind, func.count()).where(text(NOT_COMPLETED)).group_by(kind)
    counted = {str(name): int(count) for name, count in known.select(others)}
    ((unreported,),) = known.select(select(func.count()).select_from(table).where(kind.is_(None)))
    ((whole,),) = known.select(select(func.count()).select_from(table))
    counts = Counter(counted) + Counter(
        {"COMPLETED": max(0, whole - unreported - sum(counted.values())), "PENDING": unreported}
    )
    return dict(counts)


def _add_results(known: EmbeddedOrchestrator, found: Totals, after: str) -> str | None:
    """Add the results of the next runs; the last one's id, None if there are no more."""
    columns = result.c
    following = select(columns.run_id).where(columns.run_id > after).order_by(columns.run_id)
    rows = known.select(following.limit(1).offset(_WINDOW - 1))
    last: str | None = rows[0][0] if rows else None
    day = func.floor(columns.created * 1.0 / DAY).label("day")
    query = select(day, columns.storage_id.label("storage"), func.count(), func.sum(columns.size)).where(
        columns.kind == "persisted", columns.removed.is_(None), columns.run_id > after, ~_IS_ANOTHERS
    )
    query = query if last is None else query.where(columns.run_id <= last)
    for which, storage, results, size in known.select(query.group_by("day", "storage")):
        amount = (int(results), int(size or 0))
        found.stored = found.stored.plus(*amount)
        found.storages[storage or ""] = found.storages.get(storage or "", Amount()).plus(*amount)
        found.days[int(which)] = found.days.get(int(which), Amount()).plus(*amount)
    return last
