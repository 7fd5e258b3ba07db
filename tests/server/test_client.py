"""`perdure.client`: programs that read and control runs, by a real server."""

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from perdure import flow, get_run_logger, pause_flow_run, task
from perdure._platform.ids import new_id
from perdure.client import AccessRefused, AsyncClient, Client, ClientError, NotFound
from perdure.errors import OrchestratorUnreachable, SettingError, SteeringError
from tests.server.proxy import Proxy
from tests.server.receiver import receiving
from tests.server.serving import Serving, serving


@task
def double(x: int) -> int:
    get_run_logger().info("doubling %d", x)
    return 2 * x


@flow
def doubling(count: int) -> int:
    return sum(double(x) for x in range(count))


@pytest.fixture
def server(home: Path) -> Iterator[Serving]:
    """A server on the database that flows of this process write to."""
    with serving(home) as found:
        yield found


@pytest.fixture
def client(server: Serving) -> Iterator[Client]:
    with Client(server.address) as found:
        yield found


def run_of_three(client: Client) -> str:
    """The id of a flow run that has ended, and is known to the server."""
    state = doubling(3, return_state=True)
    return client.wait(state.run_id or "", timeout_seconds=10).id


def test_a_program_lists_runs_results_logs_and_states(client: Client) -> None:
    id = run_of_three(client)
    (run,) = client.flow_runs(flow="doubling", state="COMPLETED")
    assert (run.id, run.parameters, run.state and run.state.type) == (id, {"count": 3}, "COMPLETED")
    tasks = list(client.task_runs(flow_run=id, sort="created"))
    assert [each.task_name for each in tasks] == ["double"] * 3
    assert client.task_run(tasks[0].id) == tasks[0]
    assert [state.name for state in client.task_run_states(tasks[0].id)] == ["Pending", "Running", "Completed"]
    assert [line.message for line in client.logs(flow_run=id, text="doubling ")] == [f"doubling {x}" for x in range(3)]
    assert {each.run_id for each in client.results(flow_run=id)} == {id, *(each.id for each in tasks)}
    assert client.result(id).type == "builtins.int"
    assert client.count_task_runs(flow_run=id).count == 3


@pytest.mark.slow
def test_iterating_goes_through_all_pages_or_as_far_as_was_asked(client: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr("perdure._client.requests._PAGE", 2)
    id = run_of_three(client)
    assert len(list(client.task_runs(flow_run=id))) == 3
    assert len(list(client.task_runs(flow_run=id, limit=1))) == 1
    assert list(client.task_runs(flow_run=id, limit=0)) == []
    assert list(client.flow_runs(created_after=datetime.now(UTC))) == []


def test_coroutines_have_the_same_client(client: Client, server: Serving) -> None:
    id = run_of_three(client)

    async def read() -> tuple[Any, list[Any]]:
        async with AsyncClient(server.address) as found:
            return await found.flow_run(id), [each async for each in found.task_runs(flow_run=id)]

    assert asyncio.run(read()) == (client.flow_run(id), list(client.task_runs(flow_run=id)))


def test_both_clients_do_the_same() -> None:
    def named(kind: type[Any]) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")}

    assert named(Client) == named(AsyncClient)


def test_what_is_not_there_or_cannot_be_done_raises_what_perdure_raises(client: Client) -> None:
    id = run_of_three(client)
    with pytest.raises(NotFound, match="No flow run has the id"):
        client.flow_run(new_id())
    with pytest.raises(SteeringError):
        client.cancel_flow_run(id)
    with pytest.raises(ClientError, match="name: "):
        list(client.flow_runs(name=""))
    with pytest.raises(ClientError, match="no time zone"):
        list(client.flow_runs(created_after=datetime(2024, 1, 1)))


@pytest.mark.slow
def test_a_paused_run_is_continued_and_waited_for(client: Client) -> None:
    @flow
    def asking() -> int:
        return int(pause_flow_run(wait_for_input=int, timeout=60))

    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(asking()))
    thread.start()
    while not (paused := list(client.flow_runs(flow="asking", state="PAUSED"))):
        time.sleep(0.02)
    with pytest.raises(TimeoutError, match="is still Paused after 0.1 seconds"):
        client.wait(paused[0].id, timeout_seconds=0.1)
    client.continue_flow_run(paused[0].id, input=7)
    assert client.wait(paused[0].id).state.name == "Completed"  # type: ignore[union-attr]
    thread.join()
    assert answers == [7]


def test_variables_are_set_read_and_forgotten(client: Client) -> None:
    client.set_variable("rate_eur", {"usd": 1.1})
    assert client.variable("rate_eur").value == {"usd": 1.1}
    assert [each.name for each in client.variables()] == ["rate_eur"]
    client.delete_variable("rate_eur")
    assert client.variables() == []


@pytest.mark.slow
def test_tokens_are_made_and_revoked_by_administrators_alone(home: Path) -> None:
    with serving(home, authenticated=True) as server:
        with Client(server.address, token=server.tokens["admin"]) as client:
            made = client.create_token("robot", "read", expires_seconds=60)
            assert made.name in [each.name for each in client.tokens()]
            with Client(server.address, token=made.token) as robot:
                assert list(robot.flow_runs()) == []
                with pytest.raises(AccessRefused, match="scope"):
                    robot.set_variable("x", 1)
            assert [each.name for each in client.revoke_token("robot")] == ["robot"]
        with Client(server.address) as nobody, pytest.raises(AccessRefused, match="token"):
            nobody.variables()


@pytest.mark.slow
def test_events_report_a_run_and_what_it_logs(client: Client) -> None:
    @flow
    def waiting() -> None:
        pause_flow_run(timeout=60)
        get_run_logger().info("on")

    thread = threading.Thread(target=waiting)
    thread.start()
    while not (paused := list(client.flow_runs(flow="waiting", state="PAUSED"))):
        time.sleep(0.02)
    states: list[str] = []
    lines: list[str] = []
    threading.Timer(0.2, lambda: client.continue_flow_run(paused[0].id)).start()
    for event in client.events(flow_run=paused[0].id):
        if event.log is not None:
            lines.append(event.log.message)
        if event.flow_run is not None and event.flow_run.state is not None:
            states.append(event.flow_run.state.name)
        if states[-1:] == ["Completed"] and "on" in lines:
            break
    thread.join()


@pytest.mark.slow
def test_a_client_outlasts_a_server_that_is_away_for_a_while(home: Path) -> None:
    with serving(home) as server:
        proxy = Proxy(server.port)
        with Client(proxy.address) as client:
            client.set_variable("x", 1)
            proxy.cut()
            threading.Timer(0.5, proxy.mend).start()
            assert client.variable("x").value == 1
        proxy.cut()
        with Client(proxy.address, patience_seconds=0.3) as client, pytest.raises(OrchestratorUnreachable):
            client.variables()
        proxy.close()


def happen(proxy: Proxy, happened: threading.Event) -> None:
    """Flow runs before a break of the network, during it, and after it; the first ones until somebody listens."""
    while not happened.wait(0.1):
        doubling(0)
    doubling(1)
    proxy.cut()
    doubling(2)
    proxy.mend()
    doubling(3)


@pytest.mark.slow
def test_events_continue_after_a_break(home: Path) -> None:
    with serving(home) as server:
        proxy = Proxy(server.port)
        with Client(proxy.address) as client:
            seen: set[int] = set()
            happened = threading.Event()
            thread = threading.Thread(target=happen, args=(proxy, happened))
            thread.start()
            for event in client.events():
                if event.flow_run is not None:
                    seen.add(event.flow_run.parameters["count"])
                    happened.set()
                if {1, 2, 3} <= seen:
                    break
            thread.join()
        proxy.close()


def test_the_settings_say_where_the_server_is(server: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    from perdure import settings

    with pytest.raises(SettingError, match="No server address is set"):
        Client()
    with pytest.raises(SettingError, match="no server's address"):
        Client("localhost:4747")
    monkeypatch.setenv("PERDURE_API_URL", server.address)
    settings.reload()
    with Client() as client:
        assert client.variables() == []


def test_what_is_no_server_of_perdures_is_reported_as_such() -> None:
    with receiving() as other, Client(other.url) as client, pytest.raises(ClientError, match="no server of Perdure's"):
        client.variables()


def test_the_address_may_be_that_of_the_api(server: Serving) -> None:
    with Client(f"{server.address}/api/") as client:
        assert client.variables() == []
