"""Where a flow run that a worker began came from: its place in the queue, its deployment, and its partition."""

import functools
import json
from typing import TYPE_CHECKING, Any

from perdure._platform.named import NamedTuple
from perdure._platform.providers import orchestrator
from perdure._run.context import RunContext

if TYPE_CHECKING:  # flows that nobody deployed do without them
    from perdure._rooms.deployments.port import Deployment, Deployments, QueuedRun
    from perdure._scheduling.partitions import Partition


class Place(NamedTuple):
    """A run's place in the queue, with what it is a run of."""

    run: "QueuedRun"
    deployment: "Deployment"

    @property
    def parameters(self) -> dict[str, Any]:
        """What the deployment gives to its runs."""
        found: dict[str, Any] = json.loads(self.deployment.definition).get("parameters", {})
        return found

    @property
    def partition(self) -> "Partition | None":
        """What the run is about."""
        kept = json.loads(self.deployment.definition).get("partitions")
        if self.run.partition is None or kept is None:
            return None
        from perdure._scheduling.partitions import partitions_of

        return partitions_of(kept).partition(self.run.partition)


def place_of(run: RunContext) -> Place | None:
    """The place of the outermost flow run; None if it was called, and nobody deployed it."""
    return None if run.flow is None else _place(run.flow.root.id)


@functools.lru_cache(maxsize=64)
def _place(flow_run_id: str) -> Place | None:
    from perdure._rooms.deployments.port import QueueFilter

    everything = orchestrator()
    if everything is None:
        return None
    known: Deployments = everything.deployments
    found = next(iter(known.queued(QueueFilter(flow_run_ids=(flow_run_id,)))), None)
    of = None if found is None else known.one(found.deployment_id)
    return None if found is None or of is None else Place(found, of)
