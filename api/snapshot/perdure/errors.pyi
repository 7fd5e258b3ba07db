__all__ = [
    "AccessRefused",
    "AlreadyExists",
    "ArtifactError",
    "ArtifactMissing",
    "AutomationError",
    "BlockError",
    "BlockMissing",
    "BundleError",
    "CacheEntryMissing",
    "CancelRequested",
    "CancelledRun",
    "ClientError",
    "CommandFailed",
    "CrashedRun",
    "DatabaseCorrupt",
    "DefinitionError",
    "DeploymentError",
    "DeploymentMissing",
    "EntrypointError",
    "EventError",
    "FailedRun",
    "FlowRunWaitTimeout",
    "HookError",
    "IntegrationError",
    "InvalidPartition",
    "InvalidSchedule",
    "InvalidTransition",
    "LimitError",
    "LimitExists",
    "LimitTimeout",
    "MappingLengthMismatch",
    "MappingMissingIterable",
    "MigrationError",
    "MissingContext",
    "MissingResult",
    "NotFound",
    "ObjectMissing",
    "OrchestratorError",
    "OrchestratorUnreachable",
    "ParameterBindError",
    "ParameterTypeError",
    "PauseTimeout",
    "PerdureError",
    "ProtocolMismatch",
    "RecordRefused",
    "ResultCorrupt",
    "ResultError",
    "ResultInUse",
    "ResultLost",
    "ResultMissing",
    "ResultNotKept",
    "ResultOverwritten",
    "ResultUnreadable",
    "ResultUntrusted",
    "ResumeError",
    "RunMissing",
    "RunTakenOver",
    "RunTimeout",
    "SerializationError",
    "SettingError",
    "SteeringError",
    "StorageError",
    "StorageKeyError",
    "SuspendRequested",
    "SuspendedRun",
    "TokenError",
    "TokenMissing",
    "TransactionError",
    "UnfinishedRun",
    "UnknownSerializer",
    "UnsupportedConcurrency",
    "UpstreamTaskError",
    "VariableError",
    "VariableExists",
    "VariableMissing",
    "VisualizationError",
    "WorkerError",
    "WouldDeadlock",
]

class AccessRefused(ClientError, PermissionError):
    ...

class AlreadyExists(PerdureError):
    ...

class ArtifactError(PerdureError, ValueError):
    ...

class ArtifactMissing(OrchestratorError, NotFound):
    ...

class AutomationError(PerdureError, ValueError):
    ...

class BlockError(PerdureError):
    ...

class BlockMissing(BlockError, NotFound, ValueError):
    ...

class BundleError(DeploymentError):
    ...

class CacheEntryMissing(OrchestratorError, NotFound):
    ...

class CancelRequested(BaseException):
    ...

class CancelledRun(PerdureError):
    ...

class ClientError(PerdureError):
    ...

class CommandFailed(IntegrationError, RuntimeError):
    exit_code: int = 1

class CrashedRun(PerdureError):
    ...

class DatabaseCorrupt(OrchestratorError):
    ...

class DefinitionError(PerdureError, ValueError):
    ...

class DeploymentError(PerdureError, ValueError):
    ...

class DeploymentMissing(OrchestratorError, NotFound):
    ...

class EntrypointError(PerdureError, ValueError):
    ...

class EventError(PerdureError, ValueError):
    ...

class FailedRun(PerdureError):
    ...

class FlowRunWaitTimeout(PerdureError, TimeoutError):
    ...

class HookError(PerdureError, ValueError):
    ...

class IntegrationError(PerdureError):
    ...

class InvalidPartition(PerdureError, ValueError):
    ...

class InvalidSchedule(PerdureError, ValueError):
    ...

class InvalidTransition(PerdureError):
    ...

class LimitError(PerdureError, ValueError):
    ...

class LimitExists(LimitError, AlreadyExists):
    ...

class LimitTimeout(PerdureError, TimeoutError):
    ...

class MappingLengthMismatch(PerdureError, ValueError):
    ...

class MappingMissingIterable(PerdureError, ValueError):
    ...

class MigrationError(PerdureError, ValueError):
    ...

class MissingContext(PerdureError, RuntimeError):
    ...

from perdure.errors import ResultNotKept as MissingResult

class NotFound(PerdureError, LookupError):
    ...

class ObjectMissing(StorageError, FileNotFoundError):
    ...

class OrchestratorError(PerdureError):
    ...

class OrchestratorUnreachable(OrchestratorError):
    ...

class ParameterBindError(PerdureError, TypeError):
    ...

class ParameterTypeError(PerdureError, TypeError):
    ...

class PauseTimeout(PerdureError, TimeoutError):
    ...

class PerdureError(Exception):
    ...

class ProtocolMismatch(OrchestratorError):
    ...

class RecordRefused(OrchestratorError):
    ...

class ResultCorrupt(ResultError):
    ...

class ResultError(PerdureError):
    ...

class ResultInUse(PerdureError):
    ...

class ResultLost(ResultNotKept):
    ...

class ResultMissing(ResultError):
    ...

class ResultNotKept(PerdureError):
    ...

class ResultOverwritten(ResultMissing):
    ...

class ResultUnreadable(ResultError):
    ...

class ResultUntrusted(ResultError):
    ...

class ResumeError(PerdureError):
    ...

class RunMissing(OrchestratorError, NotFound):
    ...

class RunTakenOver(OrchestratorError):
    ...

class RunTimeout(PerdureError, TimeoutError):
    run_id: str | None = None

class SerializationError(PerdureError):
    ...

class SettingError(PerdureError, ValueError):
    ...

class SteeringError(PerdureError):
    ...

class StorageError(PerdureError):
    ...

class StorageKeyError(StorageError, ValueError):
    ...

class SuspendRequested(BaseException):
    ...

class SuspendedRun(UnfinishedRun):
    ...

class TokenError(PerdureError, ValueError):
    ...

class TokenMissing(NotFound):
    ...

class TransactionError(PerdureError):
    ...

class UnfinishedRun(PerdureError):
    ...

class UnknownSerializer(PerdureError, ValueError):
    ...

class UnsupportedConcurrency(PerdureError, RuntimeError):
    ...

class UpstreamTaskError(PerdureError):
    ...

class VariableError(PerdureError, ValueError):
    ...

class VariableExists(VariableError, AlreadyExists):
    ...

class VariableMissing(OrchestratorError, NotFound):
    ...

class VisualizationError(PerdureError, ValueError):
    ...

class WorkerError(PerdureError):
    ...

class WouldDeadlock(PerdureError, RuntimeError):
    ...
