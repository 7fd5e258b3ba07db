"""What a change of a run's state came to, by its path in Prefect."""

from perdure._client.answers import OrchestrationResult, SetStateStatus
from perdure._platform.moved import export

__all__ = ["OrchestrationResult", "SetStateStatus"]

export(globals())
