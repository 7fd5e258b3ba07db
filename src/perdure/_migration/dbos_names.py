"""What each name of DBOS becomes, of workflows, steps and transactions; `dbos_workflows` rewrites the rest."""

from perdure._migration.rules import Decide, Move, Source

_PAGE = "coming-from/dbos.md"
_GONE = Decide("Nothing here does the same.", f"{_PAGE}#what-differs")
_STEP = Move(
    "perdure.task",
    {
        "retries_allowed": None,
        "max_attempts": Decide("Use `retries=`: attempts after the first.", f"{_PAGE}#options"),
        "interval_seconds": "retry_delay_seconds",
        "backoff_rate": Decide("Use `retry_delay_seconds=exponential_backoff(…)`.", f"{_PAGE}#options"),
    },
    added=(("persist_result", "True"),),
)
_LAUNCH = Decide("There is nothing to launch: delete the line.", f"{_PAGE}#running")

_MOVES: dict[str, Move | Decide] = {
    "DBOS.workflow": Move("perdure.flow", {"max_recovery_attempts": None}, added=(("durable", "True"),)),
    "DBOS.step": _STEP,
    "DBOS.transaction": _STEP._replace(
        note=Decide("Open the database's session in the task; its commit is yours.", f"{_PAGE}#transactions")
    ),
    "DBOS.sleep": Move("perdure.sleep"),
    "DBOS.logger": Decide("Use `get_run_logger()`.", f"{_PAGE}#options"),
    "DBOS.workflow_id": Decide("Use `perdure.runtime.flow_run.id`.", f"{_PAGE}#options"),
    "DBOS.launch": _LAUNCH,
    "DBOS.destroy": _LAUNCH,
    "DBOS()": _LAUNCH,
    "DBOSConfig": _LAUNCH,
    "DBOS.start_workflow": Decide("Use `flow.submit(…)`.", f"{_PAGE}#running"),
    "DBOS.recv": Decide("Use `pause_flow_run(wait_for_input=…)`.", "concepts/control.md"),
    "DBOS.send": Decide("Use `continue_flow_run(id, input=…)`.", "concepts/control.md"),
    "DBOS.set_event": Decide("Use `Variable.set` or an artifact.", "concepts/artifacts-and-variables.md"),
    "DBOS.scheduled": Decide("Start the program by what starts yours.", f"{_PAGE}#schedules"),
    "SetWorkflowID": Decide("Use `idempotency_key=`.", f"{_PAGE}#options"),
    "Queue": Decide("Use a concurrency limit.", "concepts/limits-and-events.md"),
}


def _find(name: str) -> Move | Decide | None:
    rest = name.removeprefix("dbos.")
    if rest == "DBOS":
        return None  # what is used of it is looked at
    return _MOVES.get(rest, _GONE)


DBOS = Source("dbos", ("dbos",), _find)
