__all__ = [
    "DeploymentScheduleCreate",
    "DeploymentUpdate",
]

def DeploymentScheduleCreate(schedule: Schedule, active: bool = True, **options: Any) -> Schedule: ...

class DeploymentUpdate(dict[str, Any]):
    def __init__(self, **changes: object) -> None: ...
