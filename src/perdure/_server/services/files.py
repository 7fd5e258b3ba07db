"""Looking for the files that automations wait for. Each becomes an event, whose id is made of the file's version: so it
is the same event whoever finds it, and however often."""

import json
import time
from collections.abc import Iterator
from fnmatch import fnmatchcase

from perdure._automations.definition import AutomationDefinition, FileTrigger
from perdure._automations.evaluation import APPEARED
from perdure._blocks.block import from_record
from perdure._model.errors import AutomationError, PerdureError
from perdure._platform.clock import Micros, to_datetime
from perdure._platform.ids import dated_id, id_of
from perdure._rooms.automations.port import Automation, Automations, WatchedFile
from perdure._rooms.events.port import NO_RUN, Event
from perdure._server.services.events import new_deliveries
from perdure._server.services.loop import Outcome
from perdure._server.services.runtime import ServiceRuntime
from perdure._storages.allowed import Allowed
from perdure._storages.local import LocalFileSystem
from perdure._storages.storage import Entry, Storage


class Files:
    """The service: looks for the files of each automation as often as it says."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}  # by automation

    def __call__(self, runtime: ServiceRuntime, _: int | None) -> Outcome:
        """Look where it is time to."""
        every = [each for each in runtime.orchestrator.room(Automations).all() if each.paused is None]
        said = {each.id: json.loads(each.definition)["trigger"] for each in every if '"file"' in each.definition}
        found, failures = 0, list[str]()
        for each in every:
            if said.get(each.id, {}).get("type") != "file" or time.monotonic() < self._next.get(each.id, 0.0):
                continue
            try:
                trigger = AutomationDefinition.model_validate_json(each.definition).trigger
                assert isinstance(trigger, FileTrigger)
                self._next[each.id] = time.monotonic() + trigger.every
                found += _look(each, trigger, runtime)
            except (PerdureError, ValueError) as error:
                failures.append(f"{each.name}: {error}"[:300])
        self._next = {id: when for id, when in self._next.items() if id in said}
        return Outcome("; ".join([f"{found} files appeared", *failures]))


def _look(of: Automation, trigger: FileTrigger, runtime: ServiceRuntime) -> int:
    """Look for the files of an automation; how many have appeared."""
    room = runtime.orchestrator.room(Automations)
    place = WatchedFile(of.id, "", json.dumps([trigger.storage, trigger.prefix, trigger.pattern]), "reported")
    known = {each.key: each for each in room.files(of.id)}
    storage = _storage(trigger, runtime)
    entries = {each.key: each for each in _entries(storage, trigger)}
    if known.get("") != place:  # the first look there
        there = [WatchedFile(of.id, key, _version(each), "reported") for key, each in entries.items()]
        room.note_files(of.id, [place, *there], [key for key in known if key and key not in entries])
        return 0
    seen, reported = list[WatchedFile](), list[Entry]()
    for key, entry in entries.items():
        before, version = known.get(key), _version(entry)
        is_as_before = before is not None and before.version == version
        if is_as_before and before is not None and before.phase == "reported":
            continue
        is_whole = is_as_before or not isinstance(storage, LocalFileSystem)
        reported += [entry] if is_whole else []
        seen.append(WatchedFile(of.id, key, version, "reported" if is_whole else "new"))
    now = runtime.clock()
    events = [_event(of, storage, each, now) for each in reported]
    # First: what is killed in between finds the same events again.
    runtime.orchestrator.services.add_events(events, new_deliveries(events, runtime))
    gone = [key for key in known if key and key not in entries]
    if seen or gone:
        room.note_files(of.id, seen, gone)
    return len(reported)


def _storage(trigger: FileTrigger, runtime: ServiceRuntime) -> Storage:
    if trigger.is_folder:  # whoever makes automations is an administrator
        return LocalFileSystem(basepath=trigger.storage)
    kind, _, name = trigger.storage.partition("/")
    records = runtime.orchestrator.blocks(kind, name)
    if not records:
        raise AutomationError(f"There is no saved storage {trigger.storage!r}. `perdure block ls` lists what there is.")
    storage = from_record(records[0])
    if not isinstance(storage, Storage):
        raise AutomationError(f"The block {trigger.storage!r} is no storage.")
    why = Allowed().refusal(storage)
    if why is not None:
        raise AutomationError(why)
    return storage


def _entries(storage: Storage, trigger: FileTrigger) -> Iterator[Entry]:
    for entry in storage.entries(trigger.prefix):
        if entry.key and fnmatchcase(entry.key.removeprefix(trigger.prefix), trigger.pattern):
            yield entry


def _version(entry: Entry) -> str:
    return f"{entry.size} {entry.modified}"


def _event(of: Automation, storage: Storage, entry: Entry, now: Micros) -> Event:
    id = dated_id(id_of(f"{of.id} {entry.key} {_version(entry)}"), entry.modified or 0)
    payload = {
        "automation": of.name,
        "key": entry.key,
        "url": storage.describe(entry.key),
        "size": entry.size,
        "modified": None if entry.modified is None else to_datetime(entry.modified).isoformat(),
    }
    document = {
        "id": id,
        "kind": APPEARED,
        "time": to_datetime(now).isoformat(),
        "run": {},
        "state": {},
        "resource": {"perdure.resource.id": payload["url"]},
        "related": [],
        "payload": payload,
    }
    return Event(id, now, APPEARED, NO_RUN, None, json.dumps(document, ensure_ascii=False))
