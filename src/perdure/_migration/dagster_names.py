"""What each name of Dagster becomes, of ops, jobs, graphs and assets; `dagster_assets` rewrites the rest."""

from perdure._migration.rules import Decide, Move, Source

_PAGE = "coming-from/dagster.md"
_GONE = Decide("Nothing here does the same.", f"{_PAGE}#what-differs")
_CONTEXT = Decide(
    "A function that takes `context` takes its own arguments only: log by `get_run_logger()`.", f"{_PAGE}#context"
)
_OP = {
    **dict.fromkeys(("ins", "out", "description", "config_schema", "code_version"), None),
    "retry_policy": Decide("Use `retries=` and `retry_delay_seconds=`.", f"{_PAGE}#options"),
    "required_resource_keys": Decide("Give what the function needs as arguments.", f"{_PAGE}#resources"),
    "tags": Decide("Tags are a list of texts.", f"{_PAGE}#options"),
}
_SECTION = "concepts/deployments.md#partitions"
_PARTITIONS = Decide(
    "A deployment has the partitions, `flow.deploy(name, partitions=…)`; `perdure.runtime.partition.key` is the run's.",
    _SECTION,
)
_ASSET = Decide(
    "Assets are wired by their names: call them in a flow, and pass one's value to the next.", f"{_PAGE}#assets"
)

_MOVES: dict[str, Move | Decide] = {
    "op": Move("perdure.task", _OP, note=_CONTEXT),
    "job": Move(
        "perdure.flow",
        {
            **dict.fromkeys(("resource_defs", "config", "executor_def", "hooks"), _GONE),
            "partitions_def": _PARTITIONS,
            "tags": _OP["tags"],
        },
    ),
    "graph": Move("perdure.flow"),
    "asset": Move(
        "perdure.task",
        {
            **_OP,
            **dict.fromkeys(("group_name", "compute_kind", "kinds", "owners", "metadata"), None),  # of its catalogue
            **dict.fromkeys(("deps", "key_prefix", "io_manager_key"), _ASSET),
            "partitions_def": _PARTITIONS,
        },
        added=(("persist_result", "True"),),
        note=_ASSET,
    ),
    "get_dagster_logger": Move("perdure.get_run_logger"),
    **dict.fromkeys(
        ("ScheduleDefinition", "schedule", "sensor", "define_asset_job"),
        Decide('A deployment has the schedule: `flow.serve(name="scheduled", cron=…)`.', f"{_PAGE}#schedules"),
    ),
    **dict.fromkeys(
        ("ConfigurableResource", "resource"), Decide("A block keeps a configuration.", f"{_PAGE}#resources")
    ),
    "Config": Decide("Take a pydantic model as a parameter.", f"{_PAGE}#options"),
    "DailyPartitionsDefinition": Move(
        "perdure.partitions.daily",
        {
            "start_date": "start",
            "end_date": Decide("Days have no end: a backfill is given a range.", "concepts/deployments.md#backfills"),
            **dict.fromkeys(("minute_offset", "hour_offset", "end_offset", "fmt"), _PARTITIONS),
        },
        note=_PARTITIONS,
    ),
    **{
        f"{kind}PartitionsDefinition": Decide(f"Write `{made}`, of perdure.partitions: {keys}.", _SECTION)
        for kind, made, keys in (
            ("Hourly", "hourly(start)", 'keys are such as "2024-05-01T13"'),
            ("Weekly", "weekly(start)", "keys are Mondays"),
            ("Monthly", "monthly(start)", 'keys are such as "2024-05"'),
            ("Static", 'static("no", "se")', "the keys, one after the other"),
            ("Multi", "product(first, second)", 'keys are such as "2024-05-01|no"'),
        )
    },
    "IOManager": Decide("Use `result_storage=` and `result_serializer=`.", "concepts/results.md"),
}


def _find(name: str) -> Move | Decide | None:
    return Move("perdure") if name == "dagster" else _MOVES.get(name.removeprefix("dagster."), _GONE)


DAGSTER = Source(
    "dagster",
    ("dagster",),
    _find,
    methods={"execute_in_process": Decide("Call the flow.", f"{_PAGE}#running")},
)
