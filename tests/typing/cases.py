"""What a type checker makes of flows and tasks. Each `type: ignore` is an error that must be found."""

from collections.abc import AsyncIterator, Coroutine, Iterator
from datetime import datetime
from typing import Any, assert_type

from pydantic import SecretStr

from perdure import AsyncFuture, Flow, Future, State, Task, flow, get_client, task
from perdure._execution.mapping import AsyncMappedFutures, MappedFutures
from perdure.client import AsyncClient, Client, Event, FlowRunModel, RunsClient, TaskRunModel
from perdure.client.orchestration import FlowRunSeen, TaskRunSeen
from perdure.filesystems import S3
from perdure.futures import as_completed, wait
from perdure.results import PersistedResultBlob
from perdure.serializers import JSONSerializer
from perdure.states import Scheduled, StateDetails


@task
def add(x: int, y: int = 0) -> int:
    return x + y


@task(retries=3, persist_result=True, tags=["a"])
def text(x: int) -> str:
    return str(x)


@task
async def aadd(x: int) -> int:
    return x


@flow
def daily(day: str) -> float:
    return float(day)


@flow(name="named", retries=1)
async def adaily(day: str) -> float:
    return float(day)


def plain(x: int) -> int:
    return x


@task
def items(n: int) -> Iterator[int]:
    yield n


class Shop:
    @task
    def price(self, count: int) -> float:
        return count * 1.5


def calls() -> None:
    assert_type(add(1), int)
    assert_type(add(1, y=2), int)
    assert_type(text(1), str)
    assert_type(daily("monday"), float)
    assert_type(items(1), Iterator[int])
    assert_type(Shop().price(2), float)
    add("1")  # type: ignore[call-overload]
    add(1, 2, 3)  # type: ignore[call-overload]
    daily(1)  # type: ignore[call-overload]
    Shop().price("2")  # type: ignore[call-overload]


def named_options() -> None:
    assert_type(add.retries, int)
    assert_type(daily.timeout_seconds, float | None)
    assert_type(Flow(fn=plain, name="sum")(1), int)
    assert_type(Task(plain).submit(1), Future[int])
    add.retries = 3  # type: ignore[misc]


def documents(data: bytes) -> None:
    blob = PersistedResultBlob.parse_raw(data)
    assert_type(blob, PersistedResultBlob)
    blob.serializer.loads(blob.data)
    PersistedResultBlob(serializer=JSONSerializer(), data=data).to_bytes()


async def read_runs() -> None:
    async with get_client() as client:
        assert_type(client, RunsClient)
        assert_type(await client.read_flow_runs(limit=1), list[FlowRunSeen])
    with get_client(sync_client=True) as known:
        assert_type(known.read_task_runs(), list[TaskRunSeen])


def states() -> None:
    assert_type(Scheduled(scheduled_time=datetime.now()).state_details, StateDetails)
    assert_type(add(1, return_state=True).id, str)
    assert_type(daily.submit("monday").state, State[float])
    assert_type(add(1, return_state=True), State[int])
    assert_type(daily("monday", return_state=True), State[float])
    assert_type(add(1, return_state=True).result(), int)
    assert_type(add(1, return_state=True).result(raise_on_failure=False), int | BaseException)


def futures() -> None:
    assert_type(add.submit(1), Future[int])
    assert_type(add.submit(1).result(), int)
    assert_type(add.submit(1).result(raise_on_failure=False), int | BaseException)
    assert_type(add.submit(1, return_state=True), State[int])
    assert_type(add.submit(add.submit(1)), Future[int])
    assert_type(add.map([1, 2]), MappedFutures[int])
    assert_type(add.map([1, 2]).result(), list[int])
    assert_type(add.map([1, 2])[0], Future[int])
    assert_type(add.map([1, 2])[:1], list[Future[int]])
    assert_type(add.map([1, 2], return_state=True), list[State[int]])
    assert_type(daily.submit("monday"), Future[float])
    assert_type(daily.map(["monday"]), MappedFutures[float])
    assert_type([each.result() for each in as_completed([add.submit(1)], timeout=3)], list[int])
    wait([add.submit(1)], timeout=1)
    add.submit(1, wait_for=add.submit(2))
    assert_type(Shop().price.submit(2), Future[float])


async def coroutines() -> None:
    assert_type(await aadd(1), int)
    assert_type(await adaily("monday"), float)
    assert_type(await aadd(1, return_state=True), State[int])
    assert_type(await (await aadd(1, return_state=True)).result(fetch=True), int)
    assert_type(aadd.submit(1), AsyncFuture[int])
    assert_type(await aadd.submit(1).result(), int)
    assert_type(await aadd.submit(1, return_state=True), State[int])
    assert_type(aadd.map([1]), AsyncMappedFutures[int])
    assert_type(await aadd.map([1]).result(), list[int])
    assert_type(await adaily.submit("monday").result(), float)
    await aadd("1")  # type: ignore[call-overload]


def definitions() -> None:
    assert_type(add.with_options(retries=2), "Task[[int, int], int]")  # type: ignore[assert-type] # its names count
    assert_type(add.with_options(retries=2)(1), int)
    assert_type(daily.with_options(name="other")("monday"), float)
    takes_flow(daily)
    takes_task(text)
    takes_task(add)  # type: ignore[arg-type]
    task(retries="3")  # type: ignore[call-overload]
    task(unknown=3)  # type: ignore[call-overload]
    flow(result_storage_key="key")  # type: ignore[call-overload]


def client(client: Client) -> None:
    assert_type(client.flow_run("id"), FlowRunModel)
    assert_type(client.task_runs(flow_run="id", state=["FAILED"], limit=3), Iterator[TaskRunModel])
    assert_type(client.events(), Iterator[Event])
    client.flow_runs(flows="daily")  # type: ignore[call-arg]
    client.flow_runs(limit="3")  # type: ignore[arg-type]


def blocks() -> None:
    S3(bucket_path="results", access_key_id=SecretStr("ada"), secret_access_key=SecretStr("sesame"), timeout_seconds=9)
    S3(bucket="results")  # type: ignore[call-arg]


async def async_client(client: AsyncClient) -> None:
    assert_type(await client.wait("id", timeout_seconds=3), FlowRunModel)
    assert_type(client.task_runs(flow_run="id"), AsyncIterator[TaskRunModel])
    assert_type(client.events(), AsyncIterator[Event])


def takes_flow(_: Flow[[str], float]) -> None: ...


def takes_task(_: Task[[int], str]) -> None: ...


def returned(call: Coroutine[Any, Any, int]) -> None: ...


returned(aadd(1))
