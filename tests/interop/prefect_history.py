"""What a Prefect 2 that was used for a while has in its database, all in one process, since it takes seconds to start:

    python prefect_history.py PLACE

It saves blocks, a variable, limits and a deployment, runs flows with their results in PLACE, and prints the ids of
two of their runs as JSON. Then a flow runs until there is a file PLACE/go. It never imports Perdure.
"""

import asyncio
import json
import sys
import time
import warnings
from pathlib import Path

from patience import wait_for_prefect
from prefect import allow_failure, flow, get_run_logger, tags, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.blocks.system import JSON, Secret
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, WorkPoolCreate
from prefect.filesystems import S3, LocalFileSystem
from prefect.variables import Variable

tries: list[int] = []


@task(retries=1, tags=["io"])
def flaky(day: int) -> int:
    tries.append(day)
    if tries.count(day) == 1:
        raise ValueError("not yet")
    return day


@task(persist_result=True, result_serializer="json", result_storage_key="rows-{parameters[day]}")
def rows(day: int) -> list[int]:
    return list(range(day))


@task
def fails() -> None:
    raise RuntimeError("no tea")


@task
def add(numbers: list[int], more: int) -> int:
    return sum(numbers) + more


@flow(persist_result=True)
def inner(day: int) -> dict[str, int]:
    return {"day": day, "sum": add(rows(day), flaky(day))}


@flow(persist_result=True)
def market(days: list[int]) -> list[dict[str, int]]:
    get_run_logger().warning("the market opens")
    create_markdown_artifact("# Tea", key="report", description="What was sold")
    create_table_artifact([{"tea": 3}, {"tea": 4}], key="prices")
    failed = fails.submit()
    add.submit([1], 2, wait_for=[allow_failure(failed)]).result()
    return [inner(day) for day in days]


@flow
def broken() -> None:
    raise KeyError("coffee")


@flow
def waiting(go: Path) -> str:
    print(json.dumps("waiting"), flush=True)
    while not go.exists():
        time.sleep(0.02)
    return "done"


async def configure(place: Path) -> None:
    await Secret(value="hunter2").save("token")
    await JSON(value={"regions": ["eu", "us"]}).save("regions")
    await LocalFileSystem(basepath=str(place / "saved")).save("dev")
    await S3(bucket_path="bucket/prefix", aws_access_key_id="AKIA", aws_secret_access_key="s3cret").save("cloud")
    await Variable.set("region", "eu-west-1")
    async with get_client() as client:
        await client.create_concurrency_limit("io", 3)
        await client.create_global_concurrency_limit(
            GlobalConcurrencyLimitCreate(name="api", limit=2, slot_decay_per_second=0.5)
        )
        daily = {"schedule": {"cron": "0 6 * * *", "timezone": "Europe/Berlin"}, "active": True}
        flow_id = await client.create_flow(market)
        await client.create_deployment(flow_id, "daily", schedules=[daily], parameters={"days": [1]})
        await client.create_work_pool(WorkPoolCreate(name="batch", type="process", concurrency_limit=5))
        await client.create_work_queue("gpu", work_pool_name="batch", concurrency_limit=1, priority=2)
        (place / "moved.py").write_text("from perdure import flow\n\n@flow\ndef market(days): ...\n")
        times = [
            {"schedule": {"interval": 3600, "timezone": "UTC"}, "active": True},
            {"schedule": {"rrule": "FREQ=DAILY;BYHOUR=6", "timezone": "Europe/Oslo"}, "active": False},
        ]
        await client.create_deployment(
            *(flow_id, "hourly"),
            schedules=times,
            parameters={"days": [2]},
            tags=["io"],
            path=str(place),
            entrypoint="moved.py:market",
            work_pool_name="batch",
            work_queue_name="gpu",
            infra_overrides={"env.A": "1"},
        )


def main(place: Path) -> None:
    asyncio.run(configure(place))
    storage = LocalFileSystem(basepath=str(place / "results"))
    with tags("prod", "big"):
        done = market.with_options(result_storage=storage)([1, 2], return_state=True)
    failed = broken(return_state=True)
    reported = {"market": str(done.state_details.flow_run_id), "broken": str(failed.state_details.flow_run_id)}
    print(json.dumps(reported), flush=True)
    waiting(place / "go")


warnings.simplefilter("ignore")
wait_for_prefect()
main(Path(sys.argv[1]))
