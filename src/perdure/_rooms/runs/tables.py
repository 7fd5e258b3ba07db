"""The tables of runs: what they are, what became of them, who runs them, and what is wanted of them."""

from perdure._model.fields import Id
from perdure._model.records import (
    CancelRecord,
    DecisionRecord,
    ProcessRecord,
    SourceRecord,
    StartRecord,
    StateRecord,
    WaitRecord,
)
from perdure._model.tables import Index, Table
from perdure._platform.clock import Micros
from perdure._rooms.runs.records import FlowRun, TaskRun

# What queries must say, to the letter, to be answered by the index of the rows of which it holds.
NOT_COMPLETED = "state_type <> 'COMPLETED'"
_TIMES = ("started", "ended")

FLOW_RUN = Table(
    "flow_run",
    FlowRun,
    Index("flow_run_by_flow", ("flow_name", "id")),
    Index("flow_run_by_parent", ("parent_flow_run_id", "id")),
    Index("flow_run_by_name", ("name", "id")),
    Index("flow_run_by_state", ("state_type", "id"), where=NOT_COMPLETED),
    Index("flow_run_by_flow_state", ("flow_name", "state_type", "id"), where=NOT_COMPLETED),
)
TASK_RUN = Table(
    "task_run",
    TaskRun,
    # Ids sort by age, so the primary key serves for "newest first": each index more costs 5% of a commit.
    Index("task_run_by_task", ("task_name", "id")),
    Index("task_run_by_flow_run", ("flow_run_id", "id")),
    # With their times, so that those that took longest are found without their rows.
    Index("task_run_by_state", ("state_type", "id", *_TIMES), where=NOT_COMPLETED),
    Index("task_run_by_task_state", ("task_name", "state_type", "id", *_TIMES), where=NOT_COMPLETED),
    Index("task_run_by_flow_run_state", ("flow_run_id", "state_type", "id", *_TIMES), where=NOT_COMPLETED),
)


class RunTag:
    """A run has a tag."""

    of_task: bool
    tag: str
    run_id: Id


class Arrived:
    """What orders the states of a run: see `Arrivals`."""

    arrival: int


class Claimed:
    """How often a run was claimed: see `fencing`."""

    epoch: int = 1


RUN_TAG = Table("run_tag", RunTag, key=3)
STATE = Table(
    "state",
    StateRecord,
    # What becomes events: most states are of tasks that do not fail, and cost nothing.
    Index("state_by_arrival", ("arrival",), where="NOT of_task OR type IN ('FAILED', 'CRASHED')"),
    key=2,
    more=Arrived,
    first=("run_id", "arrival"),
)
FLOW_START = Table("flow_start", StartRecord, more=Claimed)
PROCESS = Table("process", ProcessRecord)
CANCELLATION = Table("cancellation", CancelRecord)
RUN_WAIT = Table("run_wait", WaitRecord, key=2)
DECISION = Table("decision", DecisionRecord)
SOURCE = Table("source", SourceRecord)


class Delivery:
    """How far the batches of a sender were received."""

    source: Id
    sequence: int
    outcome: int
    time: Micros


DELIVERY = Table("delivery", Delivery, Index("delivery_by_time", ("time",)))
TABLES = (FLOW_RUN, TASK_RUN, RUN_TAG, STATE, FLOW_START, PROCESS, CANCELLATION, RUN_WAIT, DECISION, SOURCE, DELIVERY)
