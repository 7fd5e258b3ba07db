"""What flows have to be deployed and served by."""

from collections.abc import Coroutine, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from perdure._model.errors import DefinitionError
from perdure._model.options import FlowOptions
from perdure._run.loggers import get_logger

if TYPE_CHECKING:
    from perdure._execution.deployments import DeployedFlow
    from perdure._rooms.deployments.bundles import Bundle
    from perdure._rooms.deployments.port import Deployment, Overlap
    from perdure._scheduling.partitions import Partitions
    from perdure._scheduling.schedule import Schedule


class Deployable:
    """A flow that can be started by name, and at its times."""

    options: FlowOptions
    calls_refused: ClassVar[str | None] = None  # why no flow may be called now: a program is being loaded

    def to_deployment(
        self,
        name: str,
        *,
        cron: str | Iterable[str] | None = None,
        interval: "float | timedelta | Iterable[float | timedelta] | None" = None,
        rrule: str | Iterable[str] | None = None,
        schedule: "Schedule | None" = None,
        schedules: "Iterable[Schedule] | None" = None,
        timezone: str = "UTC",
        parameters: Mapping[str, object] | None = None,
        description: str | None = None,
        tags: Iterable[str] = (),
        partitions: "Partitions | None" = None,
        work_pool: str | None = None,
        work_queue: str | None = None,
        concurrency_limit: int | None = None,
        overlap: "Overlap" = "queue",
        priority: int = 100,
        paused: bool = False,
        job_variables: Mapping[str, object] | None = None,
        work_pool_name: str | None = None,
        work_queue_name: str | None = None,
        anchor_date: datetime | None = None,
        version: str | None = None,
        source: "str | Bundle | None" = None,
        **others: object,
    ) -> "DeployedFlow":
        """This flow as a deployment, for `serve` or `deploy`.

        Args:
            name: the deployment's own name; "flow/name" is what it is known by.
            cron: a cron expression, or several, by clocks in `timezone`.
            interval: seconds or a timedelta, or several.
            rrule: a recurrence rule of RFC 5545, or several.
            schedule: a schedule with options of its own, such as `Cron("0 6 * * *", catchup="all")`.
            schedules: several of them. No schedule at all leaves those that the deployment has; [] removes them.
            timezone: of cron, interval and rrule: a name such as "Europe/Oslo".
            parameters: what its runs are given: JSON's values. "{partition}", "{partition.start}" and
                "{scheduled_time}" in texts stand for what a run is about.
            description: for people; the flow's by default.
            tags: of its runs, beside the flow's.
            partitions: the slices of data that its runs are about, such as `daily("2024-01-01")`.
            work_pool: where its runs wait for workers.
            work_queue: a named limit within the pool.
            concurrency_limit: how many of its runs may run at once.
            overlap: what becomes of a run that is due while as many run as may: "queue" (it waits), "skip", "queue_one"
                (one waits), "cancel_running". Other than with "queue", the limit is 1 if none is given.
            priority: of its runs; lower ones begin first.
            paused: whether it begins paused, if it is new.
            job_variables: what workers start for its runs, over the pool's template.
            work_pool_name: the same as `work_pool`.
            work_queue_name: the same as `work_queue`.
            anchor_date: what an interval is in step with.
            version: shown as the flow's version; the flow's own by default.
            source: "bundle", or a `Bundle(folder=...)`: its code is kept in a storage, for workers that do not have its
                files. Without it, its runs begin where its files are.
            others: options that Prefect has: `is_schedule_active`, `image` with `build=False`, and those that change
                nothing here. Those that ask for what there is not are refused with what to do instead.

        Raises:
            DeploymentError: no other process finds the flow, or an option is wrong.
            TypeError: an option is unknown.
            InvalidSchedule: a schedule cannot be read.
            ParameterTypeError: the flow does not take the parameters.
            BundleError: its code cannot be made a bundle.
        """
        from perdure._execution.deployments import deployed_flow

        return deployed_flow(
            self.options,
            name,
            cron=cron,
            interval=interval,
            rrule=rrule,
            schedule=schedule,
            schedules=schedules,
            timezone=timezone,
            parameters=parameters,
            description=description,
            tags=tags,
            partitions=partitions,
            work_pool=work_pool or work_pool_name,
            work_queue=work_queue or work_queue_name,
            concurrency_limit=concurrency_limit,
            overlap=overlap,
            priority=priority,
            paused=paused,
            job_variables=job_variables,
            anchor_date=anchor_date,
            version=version,
            source=source,
            **others,
        )

    def deploy(self, name: str, **options: Any) -> "Deployment":
        """Make a deployment of this flow, or the next version of the one with its name; as it is kept.

        The options are those of `to_deployment`. Workers of its pool run it: `perdure worker start`.
        """
        self._refuse_while_loaded("deployed")
        return self.to_deployment(name, **options).apply()

    def serve(
        self,
        name: str | None = None,
        *,
        limit: int | None = None,
        global_limit: int | None = None,
        print_starting_message: bool = True,
        **options: Any,
    ) -> Any:
        """Deploy this flow and run it here, each run in a process of its own, until Ctrl-C or SIGTERM.

        The options are those of `to_deployment`; the name is the flow's if none is given. Nothing else needs to be
        started. `limit`, or `global_limit`, is how many of its runs run at once. In coroutines it is awaited.
        """
        self._refuse_while_loaded("served")
        from perdure._execution.deployments import serve

        deployed = self.to_deployment(name or self.options.name, **options)
        return serve(deployed, limit=limit or global_limit, print_starting_message=print_starting_message)

    def _pass_over(self) -> Coroutine[Any, Any, None] | None:
        get_logger("flows").warning(
            f"The flow {self.options.name!r} was called while its program is only being loaded, and was not run. Put"
            " the call under `if __name__ == '__main__':`."
        )
        return _nothing() if self.options.is_async else None

    def _refuse_calls_while_loaded(self) -> None:
        if self.calls_refused is not None:
            raise DefinitionError(f"The flow {self.options.name!r} was called. {self.calls_refused}")

    def _refuse_while_loaded(self, what: str) -> None:
        if self.calls_refused is not None:
            raise DefinitionError(
                f"The flow {self.options.name!r} was {what} while its program was only being loaded, to run it. Put"
                " that under `if __name__ == '__main__':`."
            )


async def _nothing() -> None:
    """What a coroutine flow gives that was not run."""
