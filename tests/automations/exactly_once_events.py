"""Events, and servers that see them at once and fail anywhere: each event is acted on once.

`python -m tests.automations.exactly_once_events 2000` does so with that many events, and counts what is missing and
what is there twice.
"""

import random
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from perdure._automations.definition import AutomationDefinition
from perdure._model.errors import OrchestratorError
from perdure._platform.clock import system_clock
from perdure._platform.ids import new_id
from perdure._rooms.automations.definition_json import new_automation
from perdure._rooms.automations.port import Automations, LogFilter
from perdure._rooms.deployments.definition import Definition
from perdure._rooms.deployments.port import Deployment, DeploymentVersion, QueueFilter, WorkPool
from perdure._rooms.events.emission import made_event
from perdure._rooms.events.port import EventFilter
from perdure._rooms.runs.records import RunFilter
from perdure._server.services.automations import AutomationService
from perdure._server.services.runtime import ServiceRuntime
from perdure._settings import settings
from perdure._store.embedded import EmbeddedOrchestrator

_SERVERS = 3
_FAILS = 0.15  # of the statements that write
SCHEMA = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}


class Counted(NamedTuple):
    """What a story came to."""

    events: int
    missing: int
    twice: int
    failures: int  # that were raised in servers


class Killed(BaseException):
    """A server ends here, as if it were killed."""


class _Failing:
    """A port, some of whose calls fail: before they do anything, or after all of it."""

    def __init__(self, port: Any, chance: random.Random, count: Counter[str]) -> None:
        self._port, self._chance, self._count = port, chance, count

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if name not in ("settle", "note", "enqueue", "emit"):
            return method

        def call(*arguments: Any) -> Any:
            when = self._chance.random()
            if when < _FAILS / 2:
                self._count["failures"] += 1
                raise Killed
            answer = method(*arguments)
            if when > 1 - _FAILS / 2:
                self._count["failures"] += 1
                raise Killed
            return answer

        return call


class _FailingOrchestrator:
    """An orchestrator with ports that fail."""

    def __init__(self, known: EmbeddedOrchestrator, chance: random.Random, count: Counter[str]) -> None:
        self._known, self._chance, self._count = known, chance, count
        self.deployments = _Failing(known.deployments, chance, count)

    def room(self, port: Any) -> Any:
        return _Failing(self._known.room(port), self._chance, self._count)

    def emit(self, event: Any) -> bool:
        emitted: bool = _Failing(self._known, self._chance, self._count).emit(event)
        return emitted

    def __getattr__(self, name: str) -> Any:
        return getattr(self._known, name)


def story(opened: Callable[[], EmbeddedOrchestrator], events: int, seed: int) -> Counted:
    """Events are emitted while several servers decide and act, and are killed; then all of it is counted."""
    known, count = opened(), Counter[str]()
    _prepare(known)
    ended = threading.Event()
    servers = [
        threading.Thread(target=_serve, args=(opened(), random.Random(f"{seed}-{number}"), count, ended))
        for number in range(_SERVERS)
    ]
    for each in servers:
        each.start()
    for number in range(events):
        _, event = made_event("order.shipped", {"perdure.resource.id": "o"}, None, (), {"number": number}, None)
        known.emit(event)
        known.emit(event)  # whoever emitted it was not sure
    ended.set()
    for each in servers:
        each.join(300)
    runs = Counter(run.parameters for run in known.flow_runs(RunFilter(of="load")))
    places = known.deployments.queued(QueueFilter())
    assert len(places) == sum(runs.values())
    reported = Counter(event.kind for event in known.services.events(EventFilter()))["automation.orders"]
    lines = known.room(Automations).log(LogFilter())
    assert len(lines) == events, (len(lines), events)
    known.close()
    twice = sum(each - 1 for each in runs.values()) + max(0, reported - events)
    return Counted(events, 2 * events - len(runs) - min(reported, events), twice, count["failures"])


def _prepare(known: EmbeddedOrchestrator) -> None:
    now = system_clock()
    known.deployments.put_pool(WorkPool("default", "process", None, None, "{}", now))
    text = Definition(entry_point={"target": "x.py:load"}, schema=SCHEMA).as_json()
    made = Deployment(new_id(), "load", "orders", 1, "default", None, 100, None, "queue", None, text, now, now)
    known.deployments.put(made, DeploymentVersion(made.id, 1, "d", text, now, "tests"))
    said = {
        "trigger": {"type": "event", "expect": "order.*"},
        "actions": [
            {"do": "run-deployment", "deployment": "load/orders", "parameters": {"number": "{event.payload.number}"}},
            {"do": "notify"},
        ],
    }
    known.room(Automations).put(new_automation("orders", AutomationDefinition.model_validate(said), now))


def _serve(known: EmbeddedOrchestrator, chance: random.Random, count: Counter[str], ended: threading.Event) -> None:
    failing: Any = _FailingOrchestrator(known, chance, count)
    runtime = ServiceRuntime(failing, settings.current())
    while True:
        last = ended.is_set()
        try:
            outcome = AutomationService()(runtime, None)  # a new one: it began again
        except (Killed, OrchestratorError):
            continue
        room = known.room(Automations)
        if last and outcome.is_done and not room.inbox(1) and not room.log(LogFilter(phase="acting", limit=1)):
            break
        ended.wait(0.01)
    known.close()


def main() -> None:
    """Tell one story in a SQLite file."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    with tempfile.TemporaryDirectory() as folder:
        counted = story(lambda: EmbeddedOrchestrator(Path(folder, "perdure.db")), events, seed=0)
    print(counted)
    sys.exit(bool(counted.missing or counted.twice))


if __name__ == "__main__":
    main()
