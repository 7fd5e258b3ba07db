"""Flows in the handlers of FastAPI (Starlette) and Django, with real servers where these matter."""

import asyncio
import inspect
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import BackgroundTasks, FastAPI

from perdure import flow, task
from perdure.records import RunFilter
from perdure.session import current


@task
async def fetch(number: int) -> int:
    await asyncio.sleep(0)
    return number


@flow
async def awaited(number: int) -> int:
    return await fetch(number)


@flow
def plain(number: int) -> int:
    return fetch(number)


class Shop:
    @flow
    async def method(self) -> int:
        return await fetch(1)


def states() -> dict[str, str]:
    """Of each flow, the state of its last run."""
    return {run.flow_name: str(run.state_name) for run in current().orchestrator.flow_runs(RunFilter())[::-1]}


def answers(app: FastAPI, method: str, path: str) -> Any:
    async def ask() -> Any:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://app") as client:
            return (await client.request(method, path)).raise_for_status().json()

    return asyncio.run(ask())


def test_flows_run_as_background_tasks_of_a_request() -> None:
    app = FastAPI()

    @app.post("/")
    async def order(after: BackgroundTasks) -> str:
        after.add_task(plain, 1)
        after.add_task(awaited, 2)
        after.add_task(Shop().method)
        return "accepted"

    assert answers(app, "POST", "/") == "accepted"
    assert states() == {"plain": "Completed", "awaited": "Completed", "method": "Completed"}


def test_flows_may_be_the_handlers_themselves() -> None:
    app = FastAPI()
    app.get("/plain")(plain)
    app.get("/awaited")(awaited)
    assert [answers(app, "GET", f"/{path}?number=3") for path in ("plain", "awaited")] == [3, 3]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="inspect has no marks before Python 3.12")
@pytest.mark.parametrize("of", [awaited, fetch, awaited.with_options(name="x"), Shop().method, Shop.method])
def test_coroutine_flows_and_tasks_are_coroutine_functions_to_inspect(of: Any) -> None:
    assert inspect.iscoroutinefunction(of)
    assert not inspect.iscoroutinefunction(plain)


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="asyncio's own function is deprecated since Python 3.14")
@pytest.mark.parametrize("of", [awaited, fetch, awaited.with_options(name="x"), Shop().method, Shop.method])
def test_coroutine_flows_and_tasks_are_coroutine_functions_to_asyncio(of: Any) -> None:
    assert asyncio.iscoroutinefunction(of)
    assert not asyncio.iscoroutinefunction(plain)


def test_generator_flows_are_no_coroutine_functions() -> None:
    @flow
    async def items() -> Any:
        yield 1

    assert not inspect.iscoroutinefunction(items)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@contextmanager
def program(directory: Path, code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    (directory / "app.py").write_text(code)
    process = subprocess.Popen([sys.executable, "-m", *arguments], cwd=directory, env=os.environ | {"PYTHONPATH": ""})
    try:
        yield process
    finally:
        process.kill()
        process.wait(20)


def wait_for(condition: Any) -> Any:
    end = time.monotonic() + 30
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


ASGI = """
import asyncio, time
from contextlib import asynccontextmanager
from pathlib import Path
from fastapi import BackgroundTasks, FastAPI
from perdure import flow, task

@task
def wait(name):
    Path(f"{name}.began").touch()
    while not Path("go").exists():
        time.sleep(0.01)

@flow
def plain(name: str):
    wait.submit(name).result()
    return name

@flow
async def awaited(name: str):
    await asyncio.to_thread(wait, name)
    return name

@flow
async def endless():
    await asyncio.sleep(1000)

@asynccontextmanager
async def lifespan(app):
    beside = asyncio.create_task(endless())
    yield
    beside.cancel()
    await asyncio.gather(beside, return_exceptions=True)

app = FastAPI(lifespan=lifespan)

@app.get("/ready")
def ready(): return True

@app.get("/plain")
def get_plain(): return plain("plain")

@app.get("/awaited")
async def get_awaited(): return await awaited("awaited")

@app.get("/after")
async def get_after(after: BackgroundTasks): after.add_task(plain.with_options(name="after"), "after")
"""


def is_up(address: str) -> bool:
    try:
        return httpx.get(f"{address}/ready", timeout=5).is_success
    except httpx.TransportError:
        return False


@pytest.mark.slow
def test_a_server_that_is_stopped_lets_the_flows_of_its_requests_end(tmp_path: Path) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with program(tmp_path, ASGI, "uvicorn", "app:app", "--port", str(port)) as server, ThreadPoolExecutor(3) as pool:
        wait_for(lambda: is_up(address))
        asked = [pool.submit(httpx.get, f"{address}/{path}", timeout=30) for path in ("plain", "awaited", "after")]
        wait_for(lambda: len(list(tmp_path.glob("*.began"))) == 3)
        server.send_signal(signal.SIGTERM)
        time.sleep(0.2)  # it would end now if it did not wait for them
        assert server.poll() is None
        (tmp_path / "go").touch()
        assert all(each.result(30).status_code == 200 for each in asked)
        server.wait(30)
    assert states() == dict.fromkeys(["plain", "awaited", "after"], "Completed") | {"endless": "Crashed"}


WSGI = """
import sys, time
from pathlib import Path
from django.conf import settings
settings.configure(DEBUG=True, ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="x")
from django.http import HttpResponse
from django.urls import path
from perdure import flow, task

@task
def wait(seconds):
    Path("began").touch()
    time.sleep(seconds)

@flow
def plain(seconds: float):
    wait(seconds)

def view(request, seconds):
    plain(float(seconds))
    return HttpResponse("done")

urlpatterns = [path("ready", lambda request: HttpResponse("yes")), path("<str:seconds>", view)]

if __name__ == "__main__":
    from django.core.management import execute_from_command_line
    execute_from_command_line(["app.py", *sys.argv[1:]])
"""


@pytest.mark.slow
def test_a_run_that_djangos_autoreload_ends_is_lost_and_the_next_one_completes(tmp_path: Path) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with (
        program(tmp_path, WSGI, "app", "runserver", f"127.0.0.1:{port}") as server,
        ThreadPoolExecutor(1) as pool,
    ):
        wait_for(lambda: is_up(address))
        cut = pool.submit(httpx.get, f"{address}/600", timeout=30)
        wait_for((tmp_path / "began").exists)
        (tmp_path / "app.py").touch()
        assert isinstance(cut.exception(30), httpx.TransportError)
        wait_for(lambda: is_up(address))
        assert httpx.get(f"{address}/0", timeout=30).text == "done"
        os.kill(int(subprocess.check_output(["pgrep", "-P", str(server.pid)])), signal.SIGKILL)
    found = current().orchestrator.flow_runs(RunFilter())
    assert [run.state_name for run in found] == ["Completed", "Running"]
