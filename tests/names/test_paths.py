"""What users of Prefect import is under the same paths."""

from importlib import import_module

import pytest

NAMES = {
    "perdure": "flow task get_run_logger tags unmapped allow_failure get_client Flow Task State"
    " pause_flow_run suspend_flow_run resume_flow_run",
    "perdure.artifacts": "create_markdown_artifact create_table_artifact create_link_artifact acreate_table_artifact"
    " Artifact ArtifactFilter",
    "perdure.blocks.core": "Block SecretStr",
    "perdure.blocks.notifications": "NotificationBlock SlackWebhook MicrosoftTeamsWebhook DiscordWebhook",
    "perdure.blocks.system": "Secret JSON String DateTime",
    "perdure.blocks.webhook": "Webhook",
    "perdure.cache_policies": "DEFAULT INPUTS TASK_SOURCE RUN_ID FLOW_PARAMETERS NO_CACHE CachePolicy",
    "perdure.client": "get_client",
    "perdure.client.orchestration": "get_client",
    "perdure.client.schemas": "FlowRun TaskRun State StateType",
    "perdure.client.schemas.objects": "State StateDetails StateType Flow FlowRun TaskRun ConcurrencyLimitConfig"
    " MinimalDeploymentSchedule",
    "perdure.client.schemas.filters": "FlowRunFilter FlowRunFilterState FlowRunFilterStateType FlowFilter"
    " DeploymentFilter DeploymentFilterName ArtifactFilter ArtifactFilterKey FlowRunFilterExpectedStartTime",
    "perdure.client.schemas.actions": "DeploymentScheduleCreate DeploymentUpdate GlobalConcurrencyLimitCreate"
    " GlobalConcurrencyLimitUpdate",
    "perdure.client.schemas.responses": "OrchestrationResult SetStateStatus",
    "perdure.client.schemas.schedules": "CronSchedule IntervalSchedule RRuleSchedule",
    "perdure.concurrency.asyncio": "concurrency rate_limit",
    "perdure.concurrency.sync": "concurrency rate_limit",
    "perdure.context": "get_run_context FlowRunContext TaskRunContext tags",
    "perdure.deployments": "Deployment run_deployment deploy serve",
    "perdure.events": "emit_event Event",
    "perdure.exceptions": "MissingResult FailedRun CrashedRun CancelledRun UnfinishedRun MissingContextError PausedRun"
    " ReservedArgumentError InvalidNameError ScriptError SignatureMismatchError ParameterTypeError PrefectException"
    " Abort Pause ObjectAlreadyExists ObjectNotFound MissingProfileError HashError InfrastructureError",
    "perdure.filesystems": "LocalFileSystem RemoteFileSystem S3 GCS Azure",
    "perdure.flow_runs": "pause_flow_run suspend_flow_run resume_flow_run",
    "perdure.futures": "PrefectFuture PrefectFutureList wait as_completed",
    "perdure.flows": "flow Flow load_flow_from_entrypoint",
    "perdure.input": "RunInput",
    "perdure.logging.loggers": "get_logger get_run_logger disable_run_logger",
    "perdure.logging": "get_logger get_run_logger disable_run_logger",
    "perdure.results": "PersistedResult LiteralResult UnpersistedResult PersistedResultBlob MissingResult",
    "perdure.runtime": "flow_run task_run deployment",
    "perdure.schedules": "Cron Interval RRule Schedule",
    "perdure.serializers": "PickleSerializer JSONSerializer CompressedSerializer Serializer",
    "perdure.states": "Completed Failed Crashed Cancelled Cancelling Pending Running Scheduled Paused State StateType"
    " Suspended Retrying AwaitingRetry Late get_state_exception raise_state_exception is_state is_state_iterable",
    "perdure.task_runners": "ConcurrentTaskRunner SequentialTaskRunner ThreadPoolTaskRunner ProcessPoolTaskRunner",
    "perdure.tasks": "task Task task_input_hash exponential_backoff",
    "perdure.testing.utilities": "prefect_test_harness",
    "perdure.transactions": "transaction get_transaction",
    "perdure.settings": "PREFECT_API_URL PREFECT_API_KEY PREFECT_HOME PREFECT_LOGGING_LEVEL temporary_settings"
    " get_current_settings",
    "perdure.utilities.collections": "quote",
    "perdure.utilities.annotations": "quote unmapped allow_failure",
    "perdure.utilities.asyncutils": "Sync Async run_sync_in_worker_thread run_coro_as_sync",
    "perdure.utilities.dispatch": "get_dispatch_key get_registry_for_type lookup_type",
    "perdure.utilities.importtools": "from_qualified_name import_object load_module load_script_as_module"
    " to_qualified_name",
    "perdure.utilities.processutils": "run_process",
    "perdure.variables": "Variable get",
}


@pytest.mark.parametrize("module", NAMES)
def test_a_module_has_the_names_that_users_of_prefect_import_from_it(module: str) -> None:
    there = import_module(module)
    assert [name for name in NAMES[module].split() if not hasattr(there, name)] == []


def test_concurrency_is_called_whether_or_not_its_module_was_imported() -> None:
    import perdure.concurrency.sync

    assert isinstance(perdure.concurrency("database"), perdure.concurrency.sync.concurrency)


def test_the_module_of_exceptions_has_every_error() -> None:
    from perdure import errors, exceptions

    assert set(errors.__all__) <= set(exceptions.__all__)
    assert all(getattr(exceptions, name) is getattr(errors, name) for name in errors.__all__)
