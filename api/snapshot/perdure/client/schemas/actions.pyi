__all__ = [
    "DeploymentScheduleCreate",
    "DeploymentUpdate",
    "GlobalConcurrencyLimitCreate",
    "GlobalConcurrencyLimitUpdate",
]

def DeploymentScheduleCreate(schedule: Schedule, active: bool = True, **options: Any) -> Schedule: ...

class DeploymentUpdate(dict[str, Any]):
    def __init__(self, **changes: object) -> None: ...

class GlobalConcurrencyLimitCreate:
    def __init__(
        self,
        *,
        name: str,
        limit: int,
        active: bool = True,
        active_slots: int = 0,
        slot_decay_per_second: float | None = None,
    ) -> None: ...
    active: bool = True
    active_slots: int = 0
    limit: int
    name: str
    slot_decay_per_second: float | None = None

class GlobalConcurrencyLimitUpdate:
    def __init__(
        self,
        *,
        name: str | None = None,
        limit: int | None = None,
        active: bool | None = None,
        active_slots: int | None = None,
        slot_decay_per_second: float | None = None,
    ) -> None: ...
    active: bool | None = None
    active_slots: int | None = None
    limit: int | None = None
    name: str | None = None
    slot_decay_per_second: float | None = None
