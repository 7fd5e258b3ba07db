__all__ = [
    "ArtifactFilter",
    "ArtifactFilterFlowRunId",
    "ArtifactFilterId",
    "ArtifactFilterKey",
    "ArtifactFilterTaskRunId",
    "ArtifactFilterType",
    "DeploymentFilter",
    "DeploymentFilterId",
    "DeploymentFilterName",
    "DeploymentFilterPaused",
    "DeploymentFilterTags",
    "DeploymentFilterWorkQueueName",
    "FlowFilter",
    "FlowFilterId",
    "FlowFilterName",
    "FlowRunFilter",
    "FlowRunFilterExpectedStartTime",
    "FlowRunFilterId",
    "FlowRunFilterName",
    "FlowRunFilterStartTime",
    "FlowRunFilterState",
    "FlowRunFilterStateName",
    "FlowRunFilterStateType",
    "FlowRunFilterTags",
    "LogFilter",
    "LogFilterFlowRunId",
    "LogFilterLevel",
    "LogFilterTaskRunId",
    "LogFilterTimestamp",
    "TaskRunFilter",
    "TaskRunFilterId",
    "TaskRunFilterName",
    "TaskRunFilterState",
    "TaskRunFilterStateName",
    "TaskRunFilterStateType",
    "TaskRunFilterTags",
]

from perdure.artifacts import ArtifactFilter as ArtifactFilter

class ArtifactFilterFlowRunId(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class ArtifactFilterId(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class ArtifactFilterKey(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class ArtifactFilterTaskRunId(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class ArtifactFilterType(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class DeploymentFilter(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class DeploymentFilterId(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class DeploymentFilterName(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class DeploymentFilterPaused(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class DeploymentFilterTags(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class DeploymentFilterWorkQueueName(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class FlowFilter(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class FlowFilterId(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class FlowFilterName(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class FlowRunFilter(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class FlowRunFilterExpectedStartTime(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class FlowRunFilterId(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class FlowRunFilterName(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class FlowRunFilterStartTime(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class FlowRunFilterState(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class FlowRunFilterStateName(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class FlowRunFilterStateType(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class FlowRunFilterTags(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class LogFilter(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class LogFilterFlowRunId(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class LogFilterLevel(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class LogFilterTaskRunId(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class LogFilterTimestamp(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class TaskRunFilter(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class TaskRunFilterId(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class TaskRunFilterName(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class TaskRunFilterState(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class TaskRunFilterStateName(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class TaskRunFilterStateType(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class TaskRunFilterTags(_Filter):
    def __init__(self, **conditions: object) -> None: ...
