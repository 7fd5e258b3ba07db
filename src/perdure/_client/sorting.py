"""In which order `get_client` lists things: those orders of Prefect's that it has."""

from enum import StrEnum

__all__ = ["DeploymentSort", "FlowRunSort", "LogSort", "TaskRunSort"]


class FlowRunSort(StrEnum):
    """Flow runs by when they were made. Ids rise with it, and a run starts when it is made."""

    ID_DESC = "ID_DESC"
    START_TIME_ASC = "START_TIME_ASC"
    START_TIME_DESC = "START_TIME_DESC"
    EXPECTED_START_TIME_ASC = "EXPECTED_START_TIME_ASC"
    EXPECTED_START_TIME_DESC = "EXPECTED_START_TIME_DESC"


class TaskRunSort(StrEnum):
    """Task runs by when they were made."""

    ID_DESC = "ID_DESC"
    EXPECTED_START_TIME_ASC = "EXPECTED_START_TIME_ASC"
    EXPECTED_START_TIME_DESC = "EXPECTED_START_TIME_DESC"


class LogSort(StrEnum):
    """Lines by when they were logged."""

    TIMESTAMP_ASC = "TIMESTAMP_ASC"
    TIMESTAMP_DESC = "TIMESTAMP_DESC"


class DeploymentSort(StrEnum):
    """Deployments by their names."""

    NAME_ASC = "NAME_ASC"
