"""Every error that Perdure raises itself, by the module's name in Prefect; see `perdure.errors`."""

from perdure import errors
from perdure.errors import *  # noqa: F403 - all of them, by the list there

# By Prefect's name, what is raised here for the same reason.
FlowPauseTimeout = errors.PauseTimeout
FlowScriptError = ScriptError = errors.EntrypointError
InvalidNameError = ReservedArgumentError = errors.DefinitionError
MissingContextError = errors.MissingContext
MissingFlowError = UnspecifiedFlowError = errors.EntrypointError
NotPausedError = errors.SteeringError
ObjectNotFound = errors.NotFound
PausedRun = errors.UnfinishedRun
PrefectException = errors.PerdureError
SignatureMismatchError = errors.ParameterBindError

__all__ = [
    *errors.__all__,
    "FlowPauseTimeout",
    "FlowScriptError",
    "InvalidNameError",
    "MissingContextError",
    "MissingFlowError",
    "NotPausedError",
    "ObjectNotFound",
    "PausedRun",
    "PrefectException",
    "ReservedArgumentError",
    "ScriptError",
    "SignatureMismatchError",
    "UnspecifiedFlowError",
]
