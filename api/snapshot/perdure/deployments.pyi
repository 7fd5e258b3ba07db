__all__ = [
    "Applied",
    "Bundle",
    "BundleError",
    "DeployedFlow",
    "Deployment",
    "DeploymentError",
    "DeploymentMissing",
    "deploy",
    "run_deployment",
    "serve",
]

class Applied(DeploymentRecord):
    concurrency_limit: Small | None
    created: Micros
    definition: JsonObject
    flow_name: str
    id: Id
    name: str
    overlap: Overlap
    paused: Micros | None
    priority: Small
    updated: Micros
    version: Small
    work_pool: str
    work_queue: str | None

class Bundle:
    def __init__(
        self,
        *,
        folder: str | Path | None = None,
        exclude: Sequence[str] = (),
        storage: Storage | str | None = None,
    ) -> None: ...
    exclude: Sequence[str] = ()
    folder: str | Path | None = None
    storage: Storage | str | None = None

from perdure.errors import BundleError as BundleError

class DeployedFlow:
    def __init__(
        self,
        *,
        flow_name: str,
        name: str,
        definition: Definition,
        schedules: Sequence[Schedule] | None = None,
        work_pool: str | None = None,
        work_queue: str | None = None,
        concurrency_limit: int | None = None,
        overlap: Overlap = 'queue',
        priority: int = DEFAULT_PRIORITY,
        paused: bool = False,
        bundle: Packed | None = None,
        function_name: str | None = None,
    ) -> None: ...
    def apply(self) -> Applied: ...
    bundle: Packed | None = None
    concurrency_limit: int | None = None
    definition: Definition
    flow_name: str
    function_name: str | None = None
    def is_deployed_as(self, there: DeploymentRecord) -> bool: ...
    name: str
    overlap: Overlap = 'queue'
    paused: bool = False
    priority: int = DEFAULT_PRIORITY
    schedules: Sequence[Schedule] | None = None
    work_pool: str | None = None
    work_queue: str | None = None

class Deployment:
    @staticmethod
    def build_from_flow(
        flow: Any,
        name: str,
        *,
        apply: bool = False,
        schedule: object = None,
        schedules: object = None,
        **options: object,
    ) -> DeployedFlow: ...

from perdure.errors import DeploymentError as DeploymentError

from perdure.errors import DeploymentMissing as DeploymentMissing

from perdure import deploy as deploy

def run_deployment(
    name: str | UUID,
    parameters: Mapping[str, object] | None = None,
    scheduled_time: datetime | None = None,
    flow_run_name: str | None = None,
    timeout: float | None = None,
    poll_interval: float = 5.0,
    tags: Iterable[str] | None = None,
    idempotency_key: str | None = None,
    work_queue_name: str | None = None,
    as_subflow: bool = True,
    job_variables: Mapping[str, object] | None = None,
    *,
    priority: int | None = None,
    partition: str | None = None,
) -> Any: ...

from perdure import serve as serve
