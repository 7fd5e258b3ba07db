"""What each name of Prefect 2 and 3 becomes. Most are under the same paths here; what is asked is whether they are."""

import functools
from importlib import import_module
from importlib.util import find_spec

from perdure._migration.rules import Decide, Move, Source
from perdure._settings.fields import SETTINGS

_PAGE = "coming-from-prefect.md"

# Modules whose names mean the same as those of Prefect's module of that path.
_SAME = frozenset(
    {
        *("", "artifacts", "blocks", "blocks.core", "blocks.notifications", "blocks.system", "blocks.webhook"),
        *("blocks.abstract", "blocks.fields", "client.schemas"),
        *("utilities.asyncutils", "utilities.hashing", "utilities.names", "utilities.processutils"),
        *("client.schemas.responses", "utilities.dispatch", "utilities.importtools"),
        *("cache_policies", "client", "client.orchestration", "client.schemas.filters", "client.schemas.objects"),
        *("client.schemas.actions", "client.schemas.schedules", "client.schemas.sorting", "deployments", "schedules"),
        *("concurrency", "events", "flow_runs", "logging.loggers", "utilities.collections"),
        *("concurrency.asyncio", "concurrency.sync", "context", "exceptions", "filesystems", "flows", "futures"),
        *(
            "input",
            "logging",
            "results",
            "runtime",
            "runtime.deployment",
            "runtime.flow_run",
            "runtime.task_run",
            "serializers",
            "settings",
            "states",
            "task_runners",
            "tasks",
        ),
        *("testing.utilities", "transactions", "utilities.annotations", "variables"),
    }
)

_POOLS = Decide(
    "What runs start on is the work pool's: `work_pool_name=`, `job_variables=`, `perdure worker start --pool NAME`.",
    "concepts/deployments.md#deploy-to-a-work-pool",
)
_IMAGES = Decide(
    "Perdure builds and pushes no images: build yours, and give image=NAME with build=False.",
    "concepts/deployments.md#deploy-to-a-work-pool",
)
_CODE = Decide(
    "Code comes from a folder or a repository: flow.from_source(source, entrypoint=...).deploy(name).",
    "concepts/deployments.md#code-from-a-repository",
)
_PLAIN = Decide("Call the library itself in a task.", f"{_PAGE}#different")

# Of what a server's own modules have in Prefect, and clients use: where it is here.
_OF_SERVERS = {
    "states": (
        "states",
        ("Cancelled", "Completed", "Crashed", "Failed", "Pending", "Running", "Scheduled", "StateType"),
    ),
    "schedules": ("client.schemas.schedules", ("CronSchedule", "IntervalSchedule", "RRuleSchedule")),
    "filters": ("client.schemas.filters", ("DeploymentFilter", "FlowFilter", "FlowRunFilter", "TaskRunFilter")),
    "sorting": ("client.schemas.sorting", ("DeploymentSort", "FlowRunSort", "LogSort", "TaskRunSort")),
}

_MOVES: dict[str, Move | Decide] = {
    "prefect.Client": Move("perdure.client.Client"),
    "prefect.futures.PrefectFuture": Move("perdure.futures.Future"),
    "prefect.engine.pause_flow_run": Move("perdure.pause_flow_run"),
    "prefect.engine.suspend_flow_run": Move("perdure.suspend_flow_run"),
    "prefect.context.get_run_context": Move("perdure.context.get_run_context"),
    "prefect.client.orion.get_client": Move("perdure.client.get_client"),
    "prefect.client.schemas.StateType": Move("perdure.states.StateType"),
    "prefect.input.run_input.RunInput": Move("perdure.input.RunInput"),
    "prefect.concurrency.asyncio.concurrency": Move("perdure.concurrency.asyncio.concurrency"),
    "prefect.filesystems.GitHub": Move("perdure.integrations.github.GitHub"),
    "prefect.deployments.deployments.Deployment": Move("perdure.deployments.Deployment"),
    "prefect.deployments.deployments.run_deployment": Move("perdure.deployments.run_deployment"),
    "prefect.deployments.flow_runs.run_deployment": Move("perdure.deployments.run_deployment"),
    "prefect.deployments.runner.RunnerDeployment": Move("perdure.deployments.DeployedFlow"),
    "prefect.deployments.runner.deploy": Move("perdure.deployments.deploy"),
    "prefect.runner.serve": Move("perdure.serve"),
    **{
        f"prefect.{server}.schemas.{module}.{name}": Move(f"perdure.{here}.{name}")
        for server in ("orion", "server")
        for module, (here, names) in _OF_SERVERS.items()
        for name in names
    },
    "prefect.runner.storage.GitRepository": Move("perdure.integrations.git.GitRepository"),
    "prefect.blocks.core.SecretStr": Move("pydantic.SecretStr"),
    "prefect.types.SecretDict": Move("perdure.blocks.fields.SecretDict"),
    "prefect.settings.context.get_current_settings": Move("perdure.settings.get_current_settings"),
    "prefect.engine.resume_flow_run": Move("perdure.resume_flow_run"),
    "prefect.events.emit_event": Move("perdure.events.emit_event"),
}

_WITHOUT = {
    "prefect.deployments.runner.DeploymentImage": _IMAGES,
    "prefect.docker": _IMAGES,
    "prefect.deployments.base": _CODE,
    "prefect.deployments.steps": _CODE,
    "prefect.runner": _CODE,
    "prefect.infrastructure": _POOLS,
    "prefect.workers": _POOLS,
    "prefect.agent": _POOLS,
    "prefect.events": Decide(
        "A server creates events from the states of runs, and `emit_event` your own: receive them by a webhook or a"
        " notification.",
        "concepts/limits-and-events.md",
    ),
    "prefect.assets": Decide(
        "A task with persist_result=True and result_storage_key=... keeps a named result: its versions are found by the"
        " key, and start automations.",
        f"{_PAGE}#prefect-3",
    ),
    **dict.fromkeys(
        ("prefect.CloudClient", "prefect.get_cloud_client", "prefect.client.get_cloud_client", "prefect.client.cloud"),
        Decide(
            "There is no cloud: `get_client()` asks the database, or the server of PERDURE_API_URL.", f"{_PAGE}#names"
        ),
    ),
    **dict.fromkeys(
        ("prefect.results.ResultStore", "prefect.results.get_result_store", "prefect.results.ResultRecord"),
        Decide("`get_result(run)` gives what a run returned; `storage.read(key)` the document.", f"{_PAGE}#prefect-3"),
    ),
    **{
        f"prefect.exceptions.{name}": Decide("Nothing here raises it.", f"{_PAGE}#errors")
        for name in (
            *("BlockMissingCapabilities", "EventTooLarge", "ExternalSignal", "FlowRunWatchError"),
            *("InvalidRepositoryURLError", "ObjectLimitReached", "ObjectUnsupported", "PrefectHTTPStatusError"),
            *("PrefectImportError", "PrefectSignal", "ProtectedBlockError", "TerminationSignal"),
        )
    },
}


def _find(name: str) -> Move | Decide | None:
    found = _MOVES.get(name)
    if found is not None:
        return found
    package, _, rest = name.partition(".")
    if package != "prefect":
        return _of_collection(package.removeprefix("prefect_"), rest)
    for without, decide in _WITHOUT.items():
        if name == without or name.startswith(f"{without}."):
            return decide
    if _is_there(rest):
        return Move(f"perdure.{rest}".removesuffix("."))
    return Decide("Perdure has no counterpart under this name.", f"{_PAGE}#names")


@functools.cache
def _is_there(rest: str) -> bool:
    """Whether Perdure has a module, or a name of a module, under a path that means the same."""
    if rest in _SAME:
        return True
    module, _, name = rest.rpartition(".")
    if module not in _SAME:
        return False
    return hasattr(import_module(f"perdure.{module}".removesuffix(".")), name)


@functools.cache
def _of_collection(collection: str, rest: str) -> Move | Decide:
    """What becomes of a name of `prefect_aws` and the like: `s3.S3Bucket` is `perdure.integrations.aws.S3Bucket`."""
    module = f"perdure.integrations.{collection}"
    if find_spec(module) is None:
        return _PLAIN
    modules, _, name = rest.rpartition(".")
    if name in import_module(module).__all__ and modules == modules.lower():
        return Move(f"{module}.{name}", _CALLED_OTHERWISE.get(name, {}))
    return Move(module) if rest == rest.lower() and "." not in rest else _PLAIN


_CALLED_OTHERWISE: dict[str, dict[str, str | Decide | None]] = {  # arguments of names of collections
    "S3Bucket": {"aws_credentials": "credentials", "minio_credentials": "credentials"},
}
_COLLECTIONS = (
    *("aws", "azure", "dask", "dbt", "docker", "email", "gcp", "github"),
    *("kubernetes", "ray", "shell", "slack", "snowflake", "sqlalchemy"),
)
_RENAMED = {"PREFECT_API_KEY": "PERDURE_API_TOKEN"}

PREFECT = Source(
    "prefect",
    ("prefect", *(f"prefect_{each}" for each in _COLLECTIONS)),
    _find,
    settings={
        **{f"PREFECT_{each.variable.removeprefix('PERDURE_')}": each.variable for each in SETTINGS.values()},
        **_RENAMED,
    },
    bare={"prefect.variables.Variable.get": "value"},
    methods={
        "delay": Decide("Call the task, or `submit` it within a flow: no server takes tasks.", f"{_PAGE}#different"),
    },
)
