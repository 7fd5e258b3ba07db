__all__ = [
    "Abort",
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
    "ConfigurationError",
    "CrashedRun",
    "DatabaseCorrupt",
    "DefinitionError",
    "DeploymentError",
    "DeploymentMissing",
    "EntrypointError",
    "EventError",
    "FailedRun",
    "FlowPauseTimeout",
    "FlowRunWaitTimeout",
    "FlowScriptError",
    "HashError",
    "HookError",
    "InfrastructureError",
    "InfrastructureNotAvailable",
    "InfrastructureNotFound",
    "IntegrationError",
    "InvalidNameError",
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
    "MissingContextError",
    "MissingFlowError",
    "MissingProfileError",
    "MissingResult",
    "NotFound",
    "NotPausedError",
    "ObjectAlreadyExists",
    "ObjectMissing",
    "ObjectNotFound",
    "OrchestratorError",
    "OrchestratorUnreachable",
    "ParameterBindError",
    "ParameterTypeError",
    "Pause",
    "PauseTimeout",
    "PausedRun",
    "PerdureError",
    "PrefectException",
    "ProfileSettingsValidationError",
    "ProtocolMismatch",
    "RecordRefused",
    "ReservedArgumentError",
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
    "ScriptError",
    "SerializationError",
    "SettingError",
    "SignatureMismatchError",
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
    "UnspecifiedFlowError",
    "UnsupportedConcurrency",
    "UpstreamTaskError",
    "VariableError",
    "VariableExists",
    "VariableMissing",
    "VisualizationError",
    "WorkerError",
    "WouldDeadlock",
]

from perdure.errors import CancelRequested as Abort

from perdure.errors import AccessRefused as AccessRefused

from perdure.errors import AlreadyExists as AlreadyExists

from perdure.errors import ArtifactError as ArtifactError

from perdure.errors import ArtifactMissing as ArtifactMissing

from perdure.errors import AutomationError as AutomationError

from perdure.errors import BlockError as BlockError

from perdure.errors import BlockMissing as BlockMissing

from perdure.errors import BundleError as BundleError

from perdure.errors import CacheEntryMissing as CacheEntryMissing

from perdure.errors import CancelRequested as CancelRequested

from perdure.errors import CancelledRun as CancelledRun

from perdure.errors import ClientError as ClientError

from perdure.errors import CommandFailed as CommandFailed

from perdure.errors import SettingError as ConfigurationError

from perdure.errors import CrashedRun as CrashedRun

from perdure.errors import DatabaseCorrupt as DatabaseCorrupt

from perdure.errors import DefinitionError as DefinitionError

from perdure.errors import DeploymentError as DeploymentError

from perdure.errors import DeploymentMissing as DeploymentMissing

from perdure.errors import EntrypointError as EntrypointError

from perdure.errors import EventError as EventError

from perdure.errors import FailedRun as FailedRun

from perdure.errors import PauseTimeout as FlowPauseTimeout

from perdure.errors import FlowRunWaitTimeout as FlowRunWaitTimeout

from perdure.errors import EntrypointError as FlowScriptError

from perdure.errors import SerializationError as HashError

from perdure.errors import HookError as HookError

from perdure.errors import WorkerError as InfrastructureError

from perdure.errors import WorkerError as InfrastructureNotAvailable

from perdure.errors import WorkerError as InfrastructureNotFound

from perdure.errors import IntegrationError as IntegrationError

from perdure.errors import DefinitionError as InvalidNameError

from perdure.errors import InvalidPartition as InvalidPartition

from perdure.errors import InvalidSchedule as InvalidSchedule

from perdure.errors import InvalidTransition as InvalidTransition

from perdure.errors import LimitError as LimitError

from perdure.errors import LimitExists as LimitExists

from perdure.errors import LimitTimeout as LimitTimeout

from perdure.errors import MappingLengthMismatch as MappingLengthMismatch

from perdure.errors import MappingMissingIterable as MappingMissingIterable

from perdure.errors import MigrationError as MigrationError

from perdure.errors import MissingContext as MissingContext

from perdure.errors import MissingContext as MissingContextError

from perdure.errors import EntrypointError as MissingFlowError

from perdure.errors import SettingError as MissingProfileError

from perdure.errors import ResultNotKept as MissingResult

from perdure.errors import NotFound as NotFound

from perdure.errors import SteeringError as NotPausedError

from perdure.errors import AlreadyExists as ObjectAlreadyExists

from perdure.errors import ObjectMissing as ObjectMissing

from perdure.errors import NotFound as ObjectNotFound

from perdure.errors import OrchestratorError as OrchestratorError

from perdure.errors import OrchestratorUnreachable as OrchestratorUnreachable

from perdure.errors import ParameterBindError as ParameterBindError

from perdure.errors import ParameterTypeError as ParameterTypeError

from perdure.errors import SuspendRequested as Pause

from perdure.errors import PauseTimeout as PauseTimeout

from perdure.errors import UnfinishedRun as PausedRun

from perdure.errors import PerdureError as PerdureError

from perdure.errors import PerdureError as PrefectException

from perdure.errors import SettingError as ProfileSettingsValidationError

from perdure.errors import ProtocolMismatch as ProtocolMismatch

from perdure.errors import RecordRefused as RecordRefused

from perdure.errors import DefinitionError as ReservedArgumentError

from perdure.errors import ResultCorrupt as ResultCorrupt

from perdure.errors import ResultError as ResultError

from perdure.errors import ResultInUse as ResultInUse

from perdure.errors import ResultLost as ResultLost

from perdure.errors import ResultMissing as ResultMissing

from perdure.errors import ResultNotKept as ResultNotKept

from perdure.errors import ResultOverwritten as ResultOverwritten

from perdure.errors import ResultUnreadable as ResultUnreadable

from perdure.errors import ResultUntrusted as ResultUntrusted

from perdure.errors import ResumeError as ResumeError

from perdure.errors import RunMissing as RunMissing

from perdure.errors import RunTakenOver as RunTakenOver

from perdure.errors import RunTimeout as RunTimeout

from perdure.errors import EntrypointError as ScriptError

from perdure.errors import SerializationError as SerializationError

from perdure.errors import SettingError as SettingError

from perdure.errors import ParameterBindError as SignatureMismatchError

from perdure.errors import SteeringError as SteeringError

from perdure.errors import StorageError as StorageError

from perdure.errors import StorageKeyError as StorageKeyError

from perdure.errors import SuspendRequested as SuspendRequested

from perdure.errors import SuspendedRun as SuspendedRun

from perdure.errors import TokenError as TokenError

from perdure.errors import TokenMissing as TokenMissing

from perdure.errors import TransactionError as TransactionError

from perdure.errors import UnfinishedRun as UnfinishedRun

from perdure.errors import UnknownSerializer as UnknownSerializer

from perdure.errors import EntrypointError as UnspecifiedFlowError

from perdure.errors import UnsupportedConcurrency as UnsupportedConcurrency

from perdure.errors import UpstreamTaskError as UpstreamTaskError

from perdure.errors import VariableError as VariableError

from perdure.errors import VariableExists as VariableExists

from perdure.errors import VariableMissing as VariableMissing

from perdure.errors import VisualizationError as VisualizationError

from perdure.errors import WorkerError as WorkerError

from perdure.errors import WouldDeadlock as WouldDeadlock
