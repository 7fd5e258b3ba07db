"""Filters of runs: `FlowRunFilter(state={"type": {"any_": ["RUNNING"]}})`, with dicts or the classes below inside."""

from typing import Any


class _Filter(dict[str, Any]):
    """Conditions by name, all of which hold."""

    def __init__(self, **conditions: object) -> None:
        super().__init__(conditions)


class ArtifactFilter(_Filter):
    """Artifacts: by `id`, `key`, `type`, `flow_run_id`, `task_run_id`."""


class ArtifactFilterFlowRunId(_Filter):
    """`any_` of these."""


class ArtifactFilterId(_Filter):
    """`any_` of these."""


class ArtifactFilterKey(_Filter):
    """`any_` of these."""


class ArtifactFilterTaskRunId(_Filter):
    """`any_` of these."""


class ArtifactFilterType(_Filter):
    """`any_` of markdown, table, image, link, progress."""


class DeploymentFilter(_Filter):
    """Deployments: by `id`, `name`, `tags`, `paused`, `work_queue_name`."""


class DeploymentFilterId(_Filter):
    """`any_` of these."""


class DeploymentFilterName(_Filter):
    """`any_` of these, or what has `like_` in it."""


class DeploymentFilterPaused(_Filter):
    """Whether `eq_` this."""


class DeploymentFilterTags(_Filter):
    """`all_` of these."""


class DeploymentFilterWorkQueueName(_Filter):
    """`any_` of these."""


class FlowFilter(_Filter):
    """Flows: by `name` or `id`, which is the name, too."""


class FlowFilterId(_Filter):
    """`any_` of these."""


class FlowFilterName(_Filter):
    """`any_` of these."""


class FlowRunFilter(_Filter):
    """Flow runs: by `id`, `name`, `state`, `tags`, `start_time`, `expected_start_time`, `parent_flow_run_id`."""


class FlowRunFilterExpectedStartTime(_Filter):
    """From `after_`, and before `before_`: by when a deployment's run is due, or when another one was made."""


class FlowRunFilterId(_Filter):
    """`any_` of these."""


class FlowRunFilterName(_Filter):
    """`any_` of these, or what has `like_` in it."""


class FlowRunFilterStartTime(_Filter):
    """From `after_`, and before `before_`."""


class FlowRunFilterState(_Filter):
    """By `type` or `name`."""


class FlowRunFilterStateName(_Filter):
    """`any_` of these."""


class FlowRunFilterStateType(_Filter):
    """`any_` of these."""


class FlowRunFilterTags(_Filter):
    """`all_` of these."""


class LogFilter(_Filter):
    """Lines of runs: by `flow_run_id`, `task_run_id`, `level` and `timestamp`."""


class LogFilterFlowRunId(_Filter):
    """`any_` of these."""


class LogFilterLevel(_Filter):
    """At least `ge_`, as in the standard library."""


class LogFilterTaskRunId(_Filter):
    """`any_` of these."""


class LogFilterTimestamp(_Filter):
    """Logged `after_` a time, or at it."""


class TaskRunFilter(_Filter):
    """Task runs: by `id`, `name`, `state`, `tags` and `start_time`."""


class TaskRunFilterId(_Filter):
    """`any_` of these."""


class TaskRunFilterName(_Filter):
    """`any_` of these, or what has `like_` in it."""


class TaskRunFilterState(_Filter):
    """By `type` or `name`."""


class TaskRunFilterStateName(_Filter):
    """`any_` of these."""


class TaskRunFilterStateType(_Filter):
    """`any_` of these."""


class TaskRunFilterTags(_Filter):
    """`all_` of these."""
