"""Every error that Perdure raises itself, by the module's name in Prefect; see `perdure.errors`."""

from perdure import errors
from perdure.errors import *  # noqa: F403 - all of them, by the list there

# By Prefect's name, what is raised here for the same reason.
Abort = errors.CancelRequested
ConfigurationError = MissingProfileError = ProfileSettingsValidationError = errors.SettingError
FlowPauseTimeout = errors.PauseTimeout
FlowScriptError = ScriptError = errors.EntrypointError
HashError = errors.SerializationError
InfrastructureError = InfrastructureNotAvailable = InfrastructureNotFound = errors.WorkerError
InvalidNameError = ReservedArgumentError = errors.DefinitionError
MissingContextError = errors.MissingContext
MissingFlowError = UnspecifiedFlowError = errors.EntrypointError
NotPausedError = errors.SteeringError
ObjectAlreadyExists = errors.AlreadyExists
ObjectNotFound = errors.NotFound
Pause = errors.SuspendRequested
PausedRun = errors.UnfinishedRun
PrefectException = errors.PerdureError
SignatureMismatchError = errors.ParameterBindError

__all__ = [
    *errors.__all__,
    "Abort",
    "ConfigurationError",
    "FlowPauseTimeout",
    "FlowScriptError",
    "HashError",
    "InfrastructureError",
    "InfrastructureNotAvailable",
    "InfrastructureNotFound",
    "InvalidNameError",
    "MissingContextError",
    "MissingFlowError",
    "MissingProfileError",
    "NotPausedError",
    "ObjectAlreadyExists",
    "ObjectNotFound",
    "Pause",
    "PausedRun",
    "PrefectException",
    "ProfileSettingsValidationError",
    "ReservedArgumentError",
    "ScriptError",
    "SignatureMismatchError",
    "UnspecifiedFlowError",
]
