"""The tables of deployments, their versions and schedules, and of the queue of runs that workers take."""

from perdure._model.tables import Index, Table
from perdure._rooms.deployments.port import (
    Deployment,
    DeploymentVersion,
    QueuedRun,
    ScheduleRecord,
    WorkerRecord,
    WorkPool,
    WorkQueue,
)


class Turns:
    """How often somebody claimed: who does locks the row."""

    turns: int


class Keys:
    """Under which name of its flow the idempotency keys of a deployment's runs are, if it is another one than now."""

    key_name: str | None


DEPLOYMENT = Table("deployment", Deployment, Index("deployment_by_name", ("flow_name", "name"), unique=True), more=Keys)
VERSION = Table("deployment_version", DeploymentVersion, key=2)
SCHEDULE = Table("schedule", ScheduleRecord, Index("schedule_by_due", ("due",), where="paused IS NULL"), key=2)
QUEUED_RUN = Table(
    "queued_run",
    QueuedRun,
    Index("queued_run_waiting", ("work_pool", "priority", "due", "flow_run_id"), where="phase = 'waiting'"),
    Index("queued_run_claimed", ("work_pool", "deployment_id"), where="phase = 'claimed'"),
    Index("queued_run_by_deployment", ("deployment_id", "due")),
    Index("queued_run_by_queue", ("work_queue",), where="work_queue IS NOT NULL"),
    Index("queued_run_by_partition", ("deployment_id", "partition"), where="partition IS NOT NULL"),
)
WORK_POOL = Table("work_pool", WorkPool, more=Turns)
WORK_QUEUE = Table("work_queue", WorkQueue, key=2)
WORKER = Table("worker", WorkerRecord)
TABLES = (DEPLOYMENT, VERSION, SCHEDULE, QUEUED_RUN, WORK_POOL, WORK_QUEUE, WORKER)
