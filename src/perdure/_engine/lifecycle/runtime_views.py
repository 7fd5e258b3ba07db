"""What `perdure.runtime` and the templates of names and keys can see of a run."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from perdure._engine.lifecycle.run_origin import Place, place_of
from perdure._platform.clock import to_datetime
from perdure._run.context import FlowRunContext, RunContext, TaskRunContext, current_run
from perdure._settings import settings

if TYPE_CHECKING:
    from perdure._scheduling.partitions import Partition

Find = Callable[[], RunContext | None]


class _RunView:
    """What flow runs and task runs are asked alike. Outside one, every attribute is None, or empty."""

    def __init__(self, find: Find = current_run.get) -> None:
        self._find = find

    def __reduce__(self) -> Any:
        """In another process, it is asked about the run there."""
        return (type(self), ()) if self._find == current_run.get else super().__reduce__()

    @property
    def _run(self) -> RunContext | None:
        raise NotImplementedError

    @property
    def id(self) -> str | None:
        return self._run.id if self._run else None

    @property
    def name(self) -> str | None:
        return self._run.name if self._run else None

    @property
    def parameters(self) -> dict[str, Any]:
        return self._run.parameters if self._run else {}

    @property
    def tags(self) -> list[str]:
        return sorted(self._run.tags) if self._run else []

    @property
    def run_count(self) -> int:
        """Which attempt this is, counted from 1."""
        return self._run.run_count if self._run else 0


class FlowRunView(_RunView):
    """The current flow run."""

    @property
    def _run(self) -> FlowRunContext | None:
        run = self._find()
        return None if run is None else run.flow

    @property
    def flow_name(self) -> str | None:
        return self._run.options.name if self._run else None

    @property
    def flow_version(self) -> str | None:
        return self._run.options.version if self._run else None

    @property
    def scheduled_start_time(self) -> datetime:
        """When the run was due: by its schedule, or as it was asked for. One that is called is due at once.

        Outside of runs it is the time now, so that functions which compute dates from it can be called anywhere.
        """
        if self._run is None:
            return datetime.now(UTC)
        place = place_of(self._run)
        due = self._run.created if place is None else place.run.tick or place.run.due
        return to_datetime(due)

    @property
    def scheduled_time(self) -> datetime:
        """The same, by its other name."""
        return self.scheduled_start_time

    @property
    def parent_flow_run_id(self) -> str | None:
        parent = self._run.parent if self._run else None
        return parent.flow.id if parent and parent.flow else None

    @property
    def parent_deployment_id(self) -> str | None:
        """The id of the deployment of the outermost flow run, for one that is called by another; else None."""
        if self._run is None or self._run.parent is None:
            return None
        place = place_of(self._run)
        return None if place is None else place.deployment.id

    @property
    def api_url(self) -> str | None:
        """Where the server answers what it knows of the run; None without a server."""
        return self._url("/api/flow-runs/")

    @property
    def ui_url(self) -> str | None:
        """The run's page on the server; None without a server."""
        return self._url("/flow-runs/")

    def _url(self, path: str) -> str | None:
        server, id = settings.current().api_url, self.id
        return None if server is None or id is None else f"{server}{path}{id}"

    @property
    def root_flow_run_id(self) -> str | None:
        return self._run.root.id if self._run else None


class TaskRunView(_RunView):
    """The current task run."""

    @property
    def _run(self) -> TaskRunContext | None:
        run = self._find()
        return run if isinstance(run, TaskRunContext) else None

    @property
    def task_name(self) -> str | None:
        return self._run.options.name if self._run else None


class DeploymentView:
    """The deployment that started the outermost flow run. One that was called has none: all is None, or empty."""

    def __init__(self, find: Find = current_run.get) -> None:
        self._find = find
        self._flow_run = FlowRunView(find)

    @property
    def _place(self) -> Place | None:
        run = self._find()
        return None if run is None else place_of(run)

    @property
    def id(self) -> str | None:
        return self._place.deployment.id if self._place else None

    @property
    def name(self) -> str | None:
        return self._place.deployment.name if self._place else None

    @property
    def version(self) -> str | None:
        """The number of the version that the run was made with, as text."""
        return str(self._place.run.version) if self._place else None

    @property
    def flow_run_id(self) -> str | None:
        return self._flow_run.id

    @property
    def parameters(self) -> dict[str, Any]:
        """What the deployment gives to its runs."""
        return self._place.parameters if self._place else {}


class PartitionView:
    """The slice of data that the outermost flow run is about; all is None if it is about none."""

    def __init__(self, find: Find = current_run.get) -> None:
        self._find = find

    @property
    def _partition(self) -> "Partition | None":
        run = self._find()
        place = None if run is None else place_of(run)
        return None if place is None else place.partition

    @property
    def key(self) -> str | None:
        return self._partition.key if self._partition else None

    @property
    def start(self) -> datetime | None:
        """Its first moment."""
        return self._partition.start if self._partition else None

    @property
    def end(self) -> datetime | None:
        """The first moment after it."""
        return self._partition.end if self._partition else None


def template_variables(run: RunContext) -> dict[str, object]:
    """What a template of a run's name or storage key may use."""

    def find() -> RunContext:
        return run

    return {
        "flow_run": FlowRunView(find),
        "task_run": TaskRunView(find),
        "deployment": DeploymentView(find),
        "parameters": run.parameters,
    }
