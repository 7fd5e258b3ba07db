"""Hooks do not hold up one another, whatever their receivers do, and what can be no hook is refused when it is made."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from perdure import session, settings
from perdure._platform.ids import new_id
from perdure._rooms.events import notification_delivery, webhook_delivery
from perdure._rooms.events.hooks import webhook
from perdure._rooms.events.port import Delivery, Event, EventFilter
from perdure._server.services import deliveries as module
from perdure._server.services.deliveries import Deliveries
from perdure._server.services.runtime import ServiceRuntime
from perdure._store.protocol import Orchestrator
from perdure.errors import HookError
from tests.server.receiver import Receiver, receiving


@pytest.fixture
def known() -> Orchestrator:
    return session.current().orchestrator


@pytest.fixture
def runtime(known: Orchestrator) -> ServiceRuntime:
    return ServiceRuntime(known, settings.current())


@contextmanager
def stuck(answer: bytes = b"") -> Iterator[str]:
    """The URL of a receiver that takes connections, and answers a byte at a time, or never."""
    ended = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def drip(connection: socket.socket) -> None:
        with connection:
            for byte in answer:
                connection.send(bytes([byte]))
                if ended.wait(0.05):
                    return
            ended.wait()

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=drip, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        ended.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def deliveries_at(receiver: Receiver) -> set[str]:
    """Which have arrived, some perhaps more than once."""
    return {headers["Perdure-Delivery"] for headers, _ in receiver.got}


def notified(known: Orchestrator, urls: list[str], count: int) -> list[str]:
    """Make a hook of each URL, and events that all of them are to be notified of; the hooks' ids."""
    hooks = [webhook(url, None, ["flow-run.failed"], None, private=True) for url in urls]
    for hook in hooks:
        known.services.put_hook(hook)
    events = [Event(new_id(), 0, "flow-run.failed", new_id(), "f", "{}") for _ in range(count)]
    made = [Delivery(new_id(), hook.id, event.id, "waiting", 0) for event in events for hook in hooks]
    known.services.add_events(events, made)
    assert len(known.services.events(EventFilter())) == count
    return [hook.id for hook in hooks]


@pytest.mark.slow
def test_receivers_that_never_answer_hold_up_nobody_else(
    known: Orchestrator, runtime: ServiceRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notification_delivery, "SECONDS", 300)
    with receiving() as receiver, stuck() as silent, stuck(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 9_999) as slow:
        notified(known, [*[silent] * 10, *[slow] * 10, receiver.url], 15)
        deliveries = Deliveries()
        deliveries(runtime, None)
        deadline = time.monotonic() + 60
        while len(deliveries_at(receiver)) < 15 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(deliveries_at(receiver)) == 15


def test_an_attempt_takes_no_longer_than_it_may_however_slowly_the_answer_comes(
    known: Orchestrator, runtime: ServiceRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notification_delivery, "SECONDS", 0.3)
    with stuck(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 9_999) as slow:
        notified(known, [slow], 1)
        deliveries = Deliveries()
        deliveries(runtime, None)
        deliveries.join(10)
    (delivery,) = known.services.deliveries(None, "waiting", 10)
    assert (delivery.attempts, delivery.outcome) == (1, "It did not answer within 0.3 s.")


@pytest.mark.slow
def test_more_hooks_than_threads_all_have_their_turn(
    known: Orchestrator, runtime: ServiceRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notification_delivery, "SECONDS", 0.2)
    monkeypatch.setattr(module, "_AT_ONCE", 3)
    with receiving() as receiver, stuck() as silent:
        notified(known, [*[silent] * 6, receiver.url], 5)
        deliveries = Deliveries()
        deadline = time.monotonic() + 120  # on a busy machine some take more than one attempt
        while len(deliveries_at(receiver)) < 5 and time.monotonic() < deadline:
            deliveries(runtime, None)
            deliveries.join(1)
    assert len(deliveries_at(receiver)) == 5


@pytest.mark.parametrize("error", [ValueError("odd"), UnicodeError("odd"), KeyError("odd"), RuntimeError("odd")])
def test_an_error_of_any_kind_is_an_attempt_that_failed(
    known: Orchestrator, runtime: ServiceRuntime, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> str:
        raise error

    monkeypatch.setattr(webhook_delivery, "post", fail)
    notified(known, ["http://127.0.0.1/"], 2)
    deliveries = Deliveries()
    deliveries(runtime, None)
    deliveries.join(10)
    tried = known.services.deliveries(None, "waiting", 10)
    assert [(each.attempts, each.outcome) for each in tried] == [(1, f"{type(error).__name__}: {error}")] * 2


def test_two_servers_notify_a_hook_once(known: Orchestrator, runtime: ServiceRuntime) -> None:
    with receiving() as receiver:
        notified(known, [receiver.url], 20)
        both = [Deliveries(), Deliveries()]
        for deliveries in both:
            deliveries(runtime, None)
        for deliveries in both:
            deliveries.join(20)
    ids = [headers["Perdure-Delivery"] for headers, _ in receiver.got]
    assert len(ids) == len(set(ids)) == 20


def test_deliveries_of_a_hook_that_was_deleted_are_given_up(known: Orchestrator, runtime: ServiceRuntime) -> None:
    event = Event(new_id(), 0, "flow-run.failed", new_id(), "f", "{}")
    known.services.add_events([event], [Delivery(new_id(), new_id(), event.id, "waiting", 0)])
    Deliveries()(runtime, None)
    (delivery,) = known.services.deliveries(None, "failed", 10)
    assert delivery.outcome == "Its hook was deleted."


@pytest.mark.parametrize(
    "url",
    [
        *("http://0177.0.0.1/", "http://0x7f.1/", "http://127.1/", "http://2130706433/", "http://1.2.3.4.5/"),
        *("http://256.1.1.1/", "http://[::1", "http://[fe80::1%25eth0]x/", "http://a b/", "http://\x00/", "http://host:99999/"),
        *("http://xn--\u00ff/", "http://" + "a" * 70 + ".example/", "http:///path", "ftp://example.org/", "http://u:p@example.org/"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("private", [True, False])
def test_what_is_no_url_for_a_webhook_is_refused_when_it_is_made(url: str, private: bool) -> None:
    with pytest.raises(HookError):
        webhook(url, None, ["flow-run.failed"], None, private)


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "[::1]", "[::ffff:10.0.0.1]", "169.254.169.254"])
def test_an_address_inside_is_refused_when_a_webhook_is_made_unless_that_is_allowed(host: str) -> None:
    with pytest.raises(HookError, match="not public"):
        webhook(f"http://{host}/", None, ["flow-run.failed"], None, private=False)
    webhook(f"http://{host}/", None, ["flow-run.failed"], None, private=True)


@pytest.mark.parametrize(
    "url", ["https://example.org/x", "http://93.184.215.14:80/", "https://3com.com", "http://ex.1a/"]
)
def test_names_and_public_addresses_are_taken(url: str) -> None:
    webhook(url, "shared", ["flow-run.failed"], None, private=False)
