__all__ = [
    "InvalidPartition",
    "Partition",
    "Partitions",
    "daily",
    "hourly",
    "monthly",
    "product",
    "static",
    "weekly",
]

from perdure.errors import InvalidPartition as InvalidPartition

class Partition(NamedTuple):
    end: datetime | None = None
    key: str
    @property
    def parts(self) -> tuple[str, ...]: ...
    start: datetime | None = None

class Partitions(Protocol):
    def as_json(self) -> dict[str, object]: ...
    def newest(self, now: datetime) -> list[Partition]: ...
    def partition(self, key: str) -> Partition: ...
    def until(
        self,
        now: datetime,
        first: str | None = None,
        last: str | None = None,
    ) -> Iterator[Partition]: ...

def daily(start: str | datetime, timezone: str = 'UTC') -> TimePartitions: ...

def hourly(start: str | datetime) -> TimePartitions: ...

def monthly(start: str | datetime, timezone: str = 'UTC') -> TimePartitions: ...

def product(first: Partitions, second: Partitions) -> TwoDimensions: ...

def static(*keys: str) -> StaticPartitions: ...

def weekly(start: str | datetime, timezone: str = 'UTC') -> TimePartitions: ...
