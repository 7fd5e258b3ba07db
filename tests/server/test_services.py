import json
import os
import signal
import subprocess
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from perdure import flow, session, settings, suspend_flow_run, task
from perdure._blocks.secrets import encrypt
from perdure._platform.ids import new_id
from perdure._platform.public_addresses import is_public
from perdure._rooms.events.event_signatures import signature
from perdure._rooms.events.notification_delivery import hook_context, shown_url
from perdure._rooms.events.port import EventFilter, Hook, Service
from perdure._server.services import SERVICES, Services, deliveries, end_lost_runs
from perdure._server.services.deliveries import deliver
from perdure._server.services.events import Events
from perdure._server.services.late_runs import find_late
from perdure._server.services.loop import Loop, Outcome
from perdure._server.services.runtime import ServiceRuntime
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.protocol import Orchestrator
from perdure._store.sql.postgresql import PostgreSQL
from perdure._store.sql.sqlite import SQLite
from perdure.records import Limit, RunFilter, Slot
from perdure.states import StateType
from perdure.testing._sample_records import flow_run, state
from tests.postgresql_server import new_database
from tests.prepared import Prepared
from tests.server.receiver import receiving
from tests.server.running import running


@pytest.fixture
def known() -> Orchestrator:
    return session.current().orchestrator


@pytest.fixture
def runtime(known: Orchestrator) -> ServiceRuntime:
    return ServiceRuntime(known, settings.current())


def hook(url: str, kinds: str = "flow-run.*", private: bool = True, flow_name: str | None = None) -> Hook:
    id = new_id()
    hidden, secret = encrypt(url.encode(), hook_context(id, "url")), encrypt(b"shared", hook_context(id, "secret"))
    return Hook(id, "webhook", url, hidden, secret, kinds, flow_name, private, created=0)


def wait_until(there: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@flow
def fine() -> int:
    return 1


@flow
def broken() -> None:
    @task
    def fail() -> None:
        raise ValueError("no")

    fail()


def test_states_of_flow_runs_and_failures_of_tasks_become_events_once(
    known: Orchestrator, runtime: ServiceRuntime
) -> None:
    events = Events()
    cursor = events(runtime, None).cursor
    fine()
    broken(return_state=True)
    known.flush()
    assert events(runtime, cursor).text == "7 new"
    assert events(runtime, cursor).text == Events()(runtime, cursor).text == "0 new"
    found = known.services.events(EventFilter())
    assert {event.kind for event in found if event.flow_name == "broken"} == {
        *("flow-run.pending", "flow-run.running", "flow-run.failed", "task-run.failed")
    }
    (failed,) = known.services.events(EventFilter(kind="task-run.*"))
    payload = json.loads(failed.payload)
    assert payload["id"] == failed.id
    assert payload["state"]["message"] == "Task run encountered an exception ValueError: no"


def test_old_events_are_forgotten_with_their_deliveries(known: Orchestrator, runtime: ServiceRuntime) -> None:
    events = Events()
    known.services.put_hook(hook("https://example.org"))
    cursor = events(runtime, None).cursor
    fine()
    known.flush()
    events(runtime, cursor)
    assert known.services.forget_events(runtime.clock() + 1) == 3
    assert known.services.events(EventFilter()) == known.services.deliveries(None, None, 10) == []


def test_runs_that_are_late_or_stuck_are_found_once(known: Orchestrator, runtime: ServiceRuntime) -> None:
    late, stuck, ended = flow_run(), flow_run(), flow_run()
    known.commit([late, state(late, StateType.PENDING), stuck, state(stuck, StateType.RUNNING)])
    known.commit([ended, state(ended, StateType.COMPLETED)])
    assert find_late(runtime, None) == Outcome("2 late or stuck, 2 of them new")
    assert find_late(runtime, None) == Outcome("2 late or stuck, 0 of them new")
    found = {event.run_id: event.kind for event in known.services.events(EventFilter())}
    assert found == {late.id: "flow-run.late", stuck.id: "flow-run.stuck"}


def killed_flow(directory: Path) -> None:
    """Kill a process in the middle of its flow."""
    code = """
        import time
        from pathlib import Path
        from perdure import flow, task

        @task
        def wait():
            Path("ready").touch()
            time.sleep(60)

        @flow
        def waits():
            wait()

        waits()
    """
    directory.mkdir()
    (directory / "program.py").write_text(textwrap.dedent(code))
    process = Prepared("program.py", cwd=directory, stderr=subprocess.DEVNULL)
    wait_until((directory / "ready").exists)
    time.sleep(0.3)  # what was reported is committed
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def test_suspended_runs_that_nobody_continued_in_time_are_failed(known: Orchestrator, runtime: ServiceRuntime) -> None:
    @flow
    def asks(timeout: float) -> None:
        suspend_flow_run(timeout=timeout)

    asks(60, return_state=True)
    asks(0, return_state=True)
    assert end_lost_runs(runtime, None) == Outcome("0 marked Crashed, 0 slots freed, 1 not continued in time")
    assert end_lost_runs(runtime, None) == Outcome("0 marked Crashed, 0 slots freed, 0 not continued in time")
    overdue, waiting = known.flow_runs(RunFilter())
    assert (overdue.state_type, waiting.state_name) == (StateType.FAILED, "Suspended")
    assert overdue.state_message is not None
    assert overdue.state_message.startswith("It was not continued by ")
    runtime.close()


@pytest.mark.slow
def test_runs_whose_process_is_gone_are_crashed_with_all_below(
    known: Orchestrator, runtime: ServiceRuntime, tmp_path: Path
) -> None:
    killed_flow(tmp_path / "killed")
    known.limits.put(Limit("db", 1, None, 0))
    known.limits.take(Slot(new_id(), "db", 1, new_id(), None, 0), 0)  # of a process that nobody knows
    assert end_lost_runs(runtime, None) == Outcome("1 marked Crashed, 1 slots freed, 0 not continued in time")
    assert end_lost_runs(runtime, None) == Outcome("0 marked Crashed, 0 slots freed, 0 not continued in time")
    runs = [*known.flow_runs(RunFilter()), *known.task_runs(RunFilter())]
    assert [run.state_type for run in runs] == [StateType.CRASHED, StateType.CRASHED]
    runtime.close()


@pytest.mark.slow
def test_of_several_servers_one_does_a_service(known: Orchestrator) -> None:
    runtimes = [ServiceRuntime(known, settings.current()) for _ in range(4)]
    done: list[str] = []

    def work(runtime: ServiceRuntime, _: int | None) -> Outcome:
        done.append(runtime.process_id)
        return Outcome("done")

    loops = [Loop("lost", 0.05, work, runtime) for runtime in runtimes]
    for loop in loops:
        loop.start()
    time.sleep(0.4)
    for loop in loops:
        loop.stop()
    for loop, runtime in zip(loops, runtimes, strict=True):
        loop.join()
        runtime.close()
    assert 3 <= len(done) <= 12  # of 32, if each did it
    (service,) = known.services.all()
    assert service.outcome == "done"


def test_a_service_whose_server_is_gone_is_done_by_another_at_once(
    known: Orchestrator, runtime: ServiceRuntime
) -> None:
    assert known.services.claim(Service("lost", new_id(), runtime.clock() + 10**12), runtime.clock(), None)
    done = threading.Event()
    loop = Loop("lost", 0.05, lambda *_: (done.set(), Outcome("done"))[1], runtime)
    loop.start()
    assert done.wait(60)
    loop.stop()
    loop.join()
    runtime.close()


def delivered(known: Orchestrator, runtime: ServiceRuntime, answer: Hook) -> None:
    """Run a flow, and try to tell the hook of it."""
    known.services.put_hook(answer)
    events = Events()
    cursor = events(runtime, None).cursor
    fine()
    known.flush()
    events(runtime, cursor)
    deliver(runtime, None)


def test_a_webhook_is_notified_of_its_events_signed_and_with_an_id(
    known: Orchestrator, runtime: ServiceRuntime
) -> None:
    with receiving() as receiver:
        delivered(known, runtime, hook(receiver.url, "flow-run.completed"))
    ((headers, body),) = receiver.got
    time_sent = int(headers["Perdure-Signature"].partition(",")[0].removeprefix("t="))
    assert headers["Perdure-Signature"] == signature("shared", time_sent, body)
    assert json.loads(body)["kind"] == headers["Perdure-Event"] == "flow-run.completed"
    (delivery,) = known.services.deliveries(None, None, 10)
    assert (delivery.state, delivery.outcome, delivery.id) == ("delivered", "HTTP 204", headers["Perdure-Delivery"])


def test_a_webhook_of_another_flow_is_not_notified(known: Orchestrator, runtime: ServiceRuntime) -> None:
    with receiving() as receiver:
        delivered(known, runtime, hook(receiver.url, flow_name="other"))
    assert receiver.got == []


def test_a_delivery_that_fails_is_tried_again_later(known: Orchestrator, runtime: ServiceRuntime) -> None:
    with receiving() as receiver:
        receiver.status = 500
        delivered(known, runtime, hook(receiver.url, "flow-run.completed"))
    (delivery,) = known.services.deliveries(None, "waiting", 10)
    assert (delivery.attempts, delivery.outcome) == (1, "HTTP 500")
    assert 3_000_000 < delivery.due - runtime.clock() < 7_000_000


def test_a_redirect_is_not_followed(known: Orchestrator, runtime: ServiceRuntime) -> None:
    with receiving() as receiver, receiving() as inner:
        receiver.status, receiver.headers = 307, {"Location": inner.url}
        delivered(known, runtime, hook(receiver.url, "flow-run.completed"))
    assert inner.got == []
    (delivery,) = known.services.deliveries(None, "waiting", 10)
    assert delivery.outcome == "HTTP 307: redirects are not followed; give the URL that it leads to."


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.imghdr. is deprecated:DeprecationWarning")  # what Apprise imports
def test_a_notification_is_sent_by_apprise(known: Orchestrator, runtime: ServiceRuntime) -> None:
    with receiving() as receiver:
        url = receiver.url.replace("http", "json")
        delivered(known, runtime, hook(url, "flow-run.completed")._replace(way="notification"))
    ((_, body),) = receiver.got
    answer = json.loads(body)
    assert answer["title"].endswith("of 'fine': completed")
    (delivery,) = known.services.deliveries(None, None, 10)
    assert delivery.id in answer["message"]
    assert delivery.state == "delivered"


def test_an_address_that_is_not_public_is_asked_only_where_that_is_allowed(
    known: Orchestrator, runtime: ServiceRuntime
) -> None:
    with receiving() as receiver:
        delivered(
            known, runtime, hook(receiver.url.replace("127.0.0.1", "localhost"), "flow-run.completed", private=False)
        )
    assert receiver.got == []
    (delivery,) = known.services.deliveries(None, "waiting", 10)
    assert "localhost has an address that is not public" in (delivery.outcome or "")


_INSIDE = """127.0.0.1 10.0.0.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 255.255.255.255
    ::1 :: fe80::1 fd00::1 ::ffff:127.0.0.1 64:ff9b::7f00:1 2002:7f00:1::"""


@pytest.mark.parametrize("address", _INSIDE.split())
def test_addresses_inside_are_not_public(address: str) -> None:
    assert not is_public(address)


def test_public_addresses_are_public() -> None:
    assert is_public("93.184.215.14")
    assert is_public("2606:2800:21f:cb07:6820:80da:af6b:8b2c")


def test_what_is_secret_in_a_url_is_not_shown() -> None:
    shown = shown_url("https://user:pass@hooks.example.org:8443/services/T0/SECRET?token=1")
    assert shown == "https://hooks.example.org:8443/service…"


def test_services_that_are_switched_off_do_nothing(known: Orchestrator) -> None:
    off = {f"service_{name}_seconds": 0 for name in ("lost", "late", "schedules", "events", "automations", "hooks")}
    with settings.temporary_settings(**off):
        services = Services(ServiceRuntime(known, settings.current()))
        services.start()
        services.stop()
    assert known.services.all() == []


@pytest.mark.slow
def test_events_reach_a_receiver_that_is_down_for_a_while_and_a_server_that_is_killed(
    known: Orchestrator, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "_FIRST", 0.2)
    monkeypatch.setattr(deliveries, "_LONGEST", 0.2)
    with receiving() as receiver:
        port = int(receiver.url.rsplit(":", 1)[1].partition("/")[0])
    known.services.put_hook(hook(receiver.url, "flow-run.completed"))
    code = (
        "import sys; from perdure._server.services import deliveries; deliveries._FIRST = deliveries._LONGEST = 0.2;"
        "from perdure.cli import app; app(['server', 'start', '--port=0'])"
    )
    ran: list[str] = []
    for turn in range(3):  # servers that are killed; nobody listens at first
        server = Prepared("-c", code, stdout=subprocess.PIPE)
        assert server.stdout is not None
        server.stdout.readline()
        wait_until(lambda: any(each.name == "events" and each.ended for each in known.services.all()))
        for _ in range(5):
            fine()
        known.flush()
        ran = [run.id for run in known.flow_runs(RunFilter())]
        time.sleep(1.5 if turn == 0 else 0.1)
        server.kill()
        server.communicate()
    with receiving(port) as receiver, running(str(home / "perdure.db")):
        wait_until(lambda: len({json.loads(body)["run"]["id"] for _, body in receiver.got}) == len(ran))
        wait_until(lambda: not known.services.deliveries(None, "waiting", 100))
    ids = [headers["Perdure-Delivery"] for headers, _ in receiver.got]
    assert len(set(ids)) == len(ran) == 15
    assert {json.loads(body)["run"]["id"] for _, body in receiver.got} == set(ran)


@pytest.mark.slow
def test_new_states_are_found_by_an_index_on_both_databases(known: Orchestrator, home: Path, postgresql: str) -> None:
    fine()
    known.flush()
    database = SQLite(home / "perdure.db", 5).connect()
    states = EmbeddedOrchestrator(home / "perdure.db").services._states
    plan = str(database.execute(f"EXPLAIN QUERY PLAN {states}", (0, 10)).fetchall())
    database.close()
    assert "state_by_arrival" in plan
    with new_database(postgresql) as url:
        answer = EmbeddedOrchestrator(PostgreSQL(url))
        answer.flush()
        connection = PostgreSQL(url).connect()
        connection.execute("SET enable_seqscan = off")  # the tables are empty
        plan = str(connection.execute(f"EXPLAIN {answer.services._states}", (0, 10)).fetchall())
        connection.close()
        answer.close()
    assert "state_by_arrival" in plan


@pytest.mark.slow
def test_a_server_on_postgresql_does_all_its_services(postgresql: str) -> None:
    with new_database(postgresql) as url:
        answer = EmbeddedOrchestrator(PostgreSQL(url))
        with running(url):
            wait_until(lambda: {each.name for each in answer.services.all() if each.ended} == set(SERVICES))
            run = flow_run()
            answer.commit([run, state(run, StateType.RUNNING), state(run, StateType.FAILED)])
            wait_until(lambda: len(answer.services.events(EventFilter(run_id=run.id))) == 2)
        assert not any("failed" in (each.outcome or "") for each in answer.services.all())
        answer.close()
