__all__ = [
    "ConcurrencyLimitConfig",
    "ConcurrencyLimitStrategy",
    "Flow",
    "FlowRun",
    "Log",
    "MinimalDeploymentSchedule",
    "State",
    "StateDetails",
    "StateType",
    "TaskRun",
]

class ConcurrencyLimitConfig:
    def __init__(self, limit: int, collision_strategy: str = ConcurrencyLimitStrategy.ENQUEUE) -> None: ...
    collision_strategy: str = ConcurrencyLimitStrategy.ENQUEUE
    limit: int
    @property
    def overlap(self) -> Overlap: ...

class ConcurrencyLimitStrategy(StrEnum):
    CANCEL_NEW = 'CANCEL_NEW'
    ENQUEUE = 'ENQUEUE'

from perdure.client.orchestration import FlowSeen as Flow

from perdure.records import FlowRun as FlowRun

class Log:
    def __init__(self, line: LogLine) -> None: ...
    id: object
    level: object
    message: object
    name: object
    timestamp: datetime

from perdure.client.schemas.actions import DeploymentScheduleCreate as MinimalDeploymentSchedule

from perdure import State as State

from perdure.states import StateDetails as StateDetails

from perdure.states import StateType as StateType

from perdure.records import TaskRun as TaskRun
