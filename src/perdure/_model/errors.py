"""Every error that Perdure raises itself. The class says what happened; the message says what to do."""


class PerdureError(Exception):
    """The base of all of Perdure's own errors."""


def reasons(error: Exception) -> str:
    """What a validation found, in one line: each place inside the value, and what is wrong there."""
    found = [
        f"{'.'.join(map(str, each['loc']))}: {each['msg'].removeprefix('Value error, ')}".removeprefix(": ")
        for each in getattr(error, "errors", list)()
    ]
    return "; ".join(found).rstrip(".") or str(error)


# What a run came to


class FailedRun(PerdureError):
    """A failed run carried a message instead of an exception."""


class CrashedRun(PerdureError):
    """A run ended from outside its own code: a signal, a lost worker, an error while storing its result."""


class CancelledRun(PerdureError):
    """A run was cancelled."""


class UnfinishedRun(PerdureError):
    """A result was asked of a run that has not finished, or never will since its inputs are not ready."""


class SuspendedRun(UnfinishedRun):
    """A flow run has suspended itself, and waits to be continued."""


class FlowRunWaitTimeout(PerdureError, TimeoutError):
    """A flow run that was waited for has not ended in the time that was given."""


class PauseTimeout(PerdureError, TimeoutError):
    """A flow run that paused was not continued in time."""


class SteeringError(PerdureError):
    """A run cannot be cancelled or continued: it has ended, waits for nothing, or does not end."""


class CancelRequested(BaseException):
    """Raised in the code of a flow run that is being cancelled, and by whatever it calls of Perdure from then on.

    Not an Exception, so that `except Exception` there does not swallow it.
    """


class SuspendRequested(BaseException):
    """Raised in the code of a flow that suspends itself, so that it ends. Not an Exception, for the same reason."""


class WouldDeadlock(PerdureError, RuntimeError):
    """Code on an event loop was about to block for a run that needs this loop."""


class UnsupportedConcurrency(PerdureError, RuntimeError):
    """Another library's way of concurrency is in force where Perdure needs threads, or asyncio."""


class ResumeError(PerdureError):
    """A flow run cannot be resumed: it has completed, still runs, or lacks what that needs."""


class UpstreamTaskError(PerdureError):
    """A subflow was given the result of a run that did not complete."""


class RunTimeout(PerdureError, TimeoutError):
    """A run took longer than its `timeout_seconds`."""

    run_id: str | None = None  # the run whose time was up: an outer run only sees an ordinary failure


class InvalidTransition(PerdureError):
    """A run was to go to a state that its present state does not lead to."""


# How something was called or defined


class DefinitionError(PerdureError, ValueError):
    """A flow or task was defined with options that cannot be met."""


class ParameterBindError(PerdureError, TypeError):
    """The arguments of a call do not fit the function's signature."""


class ParameterTypeError(PerdureError, TypeError):
    """A flow's parameters do not fit its type hints."""


class MappingLengthMismatch(PerdureError, ValueError):
    """`map` was given collections of different lengths."""


class MappingMissingIterable(PerdureError, ValueError):
    """`map` was given nothing to map over."""


class MissingContext(PerdureError, RuntimeError):
    """Something that belongs to a run was used outside any run."""


class LimitError(PerdureError, ValueError):
    """A concurrency or rate limit is not there, or cannot be used or made like this."""


class AlreadyExists(PerdureError):
    """Something was to be created under a name that is taken."""


class LimitExists(LimitError, AlreadyExists):
    """A limit was to be created, and there is one of the name."""


class LimitTimeout(PerdureError, TimeoutError):
    """The slots of a limit were not free in the time that was given."""


class HookError(PerdureError, ValueError):
    """A webhook or notification is not there, or cannot be made like this."""


class MigrationError(PerdureError, ValueError):
    """A program of another system cannot be read."""


class SettingError(PerdureError, ValueError):
    """A setting or profile is unknown, or its value is wrong."""


# Results, their serializers and their storage


class ResultNotKept(PerdureError):
    """A run's value was not kept: neither in memory nor in storage. What was kept and is gone is `ResultMissing`."""


class ResultLost(ResultNotKept):
    """A value was in the memory of a cluster's worker, and the worker is gone."""


MissingResult = ResultNotKept  # by which users of Prefect, and of earlier versions, know it


class ResultError(PerdureError):
    """A persisted result cannot be had."""


class ResultMissing(ResultError):
    """The storage has no document for the result."""


class ResultOverwritten(ResultMissing):
    """The document under the result's key holds another run's result by now."""


class ResultCorrupt(ResultError):
    """The result's document or data is not what was written."""


class ResultUnreadable(ResultError):
    """The result is whole, but this process cannot decode it."""


class ResultUntrusted(ResultError):
    """The result is not signed with a key of this process, or would have it call what is not allowed."""


class ResultInUse(PerdureError):
    """A result cannot be removed or replaced, since something still needs it."""


class SerializationError(PerdureError):
    """A value cannot be converted to bytes."""


class UnknownSerializer(PerdureError, ValueError):
    """No serializer has the given type name."""


class StorageError(PerdureError):
    """A storage refused to read or write."""


class ObjectMissing(StorageError, FileNotFoundError):
    """The storage holds nothing under the key."""


class StorageKeyError(StorageError, ValueError):
    """A storage key is malformed, or leaves the storage."""


# Blocks and the orchestrator


class IntegrationError(PerdureError):
    """A service or program that a flow uses refused, cannot be reached, or lacks a library here."""


class CommandFailed(IntegrationError, RuntimeError):
    """A command ended with an exit code that is not 0, or by a signal."""

    exit_code: int = 1  # negative: the number of the signal


class BlockError(PerdureError):
    """A block cannot be saved or loaded."""


class NotFound(PerdureError, LookupError):
    """Nothing has the id or the name that was asked for."""


class BlockMissing(BlockError, NotFound, ValueError):
    """No block is saved under the slug."""


class TransactionError(PerdureError):
    """A transaction cannot be begun here, or cannot do what it is asked."""


class OrchestratorError(PerdureError):
    """The orchestrator cannot record or answer."""


class OrchestratorUnreachable(OrchestratorError):
    """The orchestrator's server or database does not answer; reports that were not delivered yet are kept
    and retried."""


class ProtocolMismatch(OrchestratorError):
    """The client and the server speak versions of the protocol that do not fit together."""


class RunTakenOver(OrchestratorError):
    """Another process has taken over the flow run: what this one reports of it is refused, and it stops."""


class RecordRefused(OrchestratorError):
    """The orchestrator cannot hold a record that was reported, and never will."""


class ClientError(PerdureError):
    """A server did not do what a client asked, or is not one that the client knows."""


class AccessRefused(ClientError, PermissionError):
    """A server wants a token, or one that may do more."""


class DatabaseCorrupt(OrchestratorError):
    """The database file is damaged or is not Perdure's."""


class ArtifactError(PerdureError, ValueError):
    """An artifact cannot be kept as it is."""


class EntrypointError(PerdureError, ValueError):
    """What an entrypoint such as `flows.py:my_flow` names is not there, or cannot be loaded."""


class VisualizationError(PerdureError, ValueError):
    """A flow cannot be drawn without running its tasks, or not in the form that is asked for."""


class AutomationError(PerdureError, ValueError):
    """An automation is not there, cannot be made like this, or cannot do what it is to do."""


class EventError(PerdureError, ValueError):
    """An event cannot be kept as it is."""


class ArtifactMissing(OrchestratorError, NotFound):
    """The orchestrator knows no artifact like this, or several."""


class VariableError(PerdureError, ValueError):
    """A variable's name or value cannot be kept."""


class VariableExists(VariableError, AlreadyExists):
    """A variable was to be set without overwriting it, and there is one."""


class VariableMissing(OrchestratorError, NotFound):
    """The orchestrator knows no variable with the name."""


class CacheEntryMissing(OrchestratorError, NotFound):
    """The orchestrator knows no cache key like this, or several."""


class RunMissing(OrchestratorError, NotFound):
    """The orchestrator knows no run with the id."""


class TokenError(PerdureError, ValueError):
    """A token cannot be made as asked."""


class TokenMissing(NotFound):
    """No live token is called so."""


class InvalidSchedule(PerdureError, ValueError):
    """A schedule cannot be read, or would never run."""


class InvalidPartition(PerdureError, ValueError):
    """There is no partition with the key, or keys that partitions cannot have."""


class DeploymentError(PerdureError, ValueError):
    """A deployment cannot be made, or its runs cannot, as asked."""


class BundleError(DeploymentError):
    """A deployment's bundle cannot be made; or it is gone, altered or not signed as it should be, and is not run."""


class DeploymentMissing(OrchestratorError, NotFound):
    """The orchestrator knows no deployment with the name."""


class WorkerError(PerdureError):
    """A worker cannot start what a run needs."""


for _each in tuple(globals().values()):  # as tracebacks name them, whether or not that module has been imported
    if isinstance(_each, type) and issubclass(_each, BaseException) and _each.__module__ == __name__:
        _each.__module__ = "perdure.errors"
del _each
