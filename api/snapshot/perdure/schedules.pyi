__all__ = [
    "Cron",
    "Interval",
    "InvalidSchedule",
    "RRule",
    "Schedule",
]

def Cron(
    cron: str,
    /,
    timezone: str | None = None,
    day_or: bool = True,
    active: bool = True,
    parameters: Mapping[str, object] | None = None,
    slug: str | None = None,
    **options: object,
) -> Schedule: ...

def Interval(
    interval: float | timedelta,
    /,
    anchor_date: datetime | None = None,
    timezone: str | None = None,
    active: bool = True,
    parameters: Mapping[str, object] | None = None,
    slug: str | None = None,
    *,
    anchor: datetime | None = None,
    **options: object,
) -> Schedule: ...

from perdure.errors import InvalidSchedule as InvalidSchedule

def RRule(
    rrule: str,
    /,
    timezone: str | None = None,
    active: bool = True,
    parameters: Mapping[str, object] | None = None,
    slug: str | None = None,
    *,
    start: datetime | None = None,
    **options: object,
) -> Schedule: ...

class Schedule:
    def __init__(
        self,
        *,
        rule: Rule,
        slug: str,
        parameters: Mapping[str, Any] = dict(),
        jitter: timedelta = timedelta(0),
        catchup: CatchUp = 'latest',
        catchup_window: timedelta = timedelta(hours=1),
        start: datetime | None = None,
        end: datetime | None = None,
        exclude: frozenset[date] = frozenset(),
        paused: bool = False,
    ) -> None: ...
    def as_json(self) -> dict[str, object]: ...
    catchup: CatchUp = 'latest'
    catchup_window: timedelta = timedelta(hours=1)
    def due(self, seen: datetime, now: datetime) -> Due: ...
    def due_at(self, tick: datetime) -> datetime: ...
    end: datetime | None = None
    exclude: frozenset[date] = frozenset()
    jitter: timedelta = timedelta(0)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    paused: bool = False
    rule: Rule
    slug: str
    start: datetime | None = None
    def ticks(self, after: datetime, until: datetime | None = None) -> Iterator[datetime]: ...
    def upcoming(self, count: int, after: datetime) -> list[datetime]: ...
