"""What each name of Airflow's TaskFlow becomes: functions with `@dag` and `@task`; `airflow_dags` rewrites the rest."""

from perdure._migration.rules import Decide, Move, Source

_PAGE = "coming-from/airflow.md"
_TIMES = Decide(
    'A deployment has the schedule: `flow.serve(name="scheduled", cron=…)`. Days since `start_date` are a backfill.',
    f"{_PAGE}#schedules",
)
_GONE = Decide("Nothing here does the same.", f"{_PAGE}#what-differs")
_OPERATORS = Decide("Call the library that the operator calls, in a task.", f"{_PAGE}#operators")

_DAG = Move(
    "perdure.flow",
    {
        "dag_id": "name",
        "doc_md": "description",
        "dag_display_name": "name",
        **dict.fromkeys(("schedule", "schedule_interval", "timetable", "end_date", "catchup"), _TIMES),
        "start_date": None,  # of what is listed with the schedule
        "default_args": Decide("Give `retries=` and the like to the tasks that need them.", f"{_PAGE}#options"),
        "max_active_runs": Decide("Use a concurrency limit.", "concepts/limits-and-events.md"),
        "max_active_tasks": Decide("Use `task_runner=ThreadTaskRunner(max_workers=…)`.", "concepts/task-runners.md"),
        "dagrun_timeout": Decide("Use `timeout_seconds=`.", "concepts/retries-and-timeouts.md"),
        "on_failure_callback": Decide("Use `on_failure=[hook]`, called with flow, run and state.", f"{_PAGE}#options"),
        "on_success_callback": Decide("Use `on_completion=[hook]`.", f"{_PAGE}#options"),
        "render_template_as_native_obj": None,
        "is_paused_upon_creation": None,
        "owner_links": None,
    },
)
_TASK = Move(
    "perdure.task",
    {
        "task_id": "name",
        "doc_md": "description",
        "retry_delay": Decide("Use `retry_delay_seconds=`, a number of seconds.", f"{_PAGE}#options"),
        "execution_timeout": Decide("Use `timeout_seconds=`.", "concepts/retries-and-timeouts.md"),
        "multiple_outputs": None,
        "pool": Decide('Use `with concurrency("name"):` in the task.', "concepts/limits-and-events.md"),
        "trigger_rule": Decide("Use `allow_failure(…)` where a failed input is fine.", f"{_PAGE}#options"),
        "depends_on_past": _GONE,
        "on_failure_callback": Decide("Use `on_failure=[hook]`, called with task, run and state.", f"{_PAGE}#options"),
        "do_xcom_push": None,
        "show_return_value_in_logs": None,
    },
)


def _find(name: str) -> Move | Decide | None:
    last = name.rpartition(".")[2]
    if name in {f"airflow.{module}.dag" for module in ("decorators", "sdk")}:
        return _DAG
    if name in {f"airflow.{module}.task" for module in ("decorators", "sdk")}:
        return _TASK
    if name.startswith(("airflow.decorators.task.", "airflow.sdk.task.")):
        return Decide(f"`@task.{last}` has no counterpart: {_GONE.reason.lower()}", f"{_PAGE}#what-differs")
    if name == "airflow.models.Variable" or name == "airflow.sdk.Variable":
        return Move("perdure.variables.Variable")
    if name in ("airflow.models.Variable.get", "airflow.sdk.Variable.get"):
        return Move("perdure.variables.Variable.get", {"default_var": "default", "deserialize_json": None})
    if ".operators" in name or ".sensors" in name or ".hooks" in name or ".providers" in name:
        return _OPERATORS
    if name.startswith("airflow."):
        return _GONE
    return None


AIRFLOW = Source(
    "airflow",
    ("airflow",),
    _find,
    beside=("pendulum",),
    methods={
        "expand": Decide("Use `.map(…)`; what is fixed is `unmapped(…)`.", f"{_PAGE}#mapping"),
        "partial": Decide("Use `.map(…)` with `unmapped(…)` for what is fixed.", f"{_PAGE}#mapping"),
        "override": Decide("Use `.with_options(…)`.", f"{_PAGE}#options"),
    },
)
