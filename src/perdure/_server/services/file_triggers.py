"""Looking for the files that automations wait for. Each becomes an event, whose id is made of the file's version: so it
is the same event whoever finds it, and however often.

A place may hold a million objects, and storages list them in no given order. So a look goes through the listing in
pages, each of which is compared with the rows of its keys and committed; between pages, other automations have
their turn. Only the listing itself lies in memory: what is killed begins it anew, and knows what it had committed.
"""

import json
import time
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import islice

from perdure._automations.definition import AutomationDefinition, FileTrigger
from perdure._automations.evaluation import APPEARED
from perdure._blocks.block import from_record
from perdure._model.errors import AutomationError, OrchestratorError, OrchestratorUnreachable, PerdureError
from perdure._platform.clock import Micros, to_datetime
from perdure._platform.ids import dated_id, id_of, new_id
from perdure._platform.redaction import shortened
from perdure._results.storage_by_name import storage_at
from perdure._rooms.automations.port import Automation, Automations, Details, LogEntry, LogFilter, WatchedFile
from perdure._rooms.automations.port import Outcome as Logged
from perdure._rooms.events.port import NO_RUN, Event
from perdure._server.services.events import new_deliveries
from perdure._server.services.loop import Outcome
from perdure._server.services.runtime import ServiceRuntime
from perdure._storages.allowed_storages import Allowed
from perdure._storages.local import LocalFileSystem
from perdure._storages.object_store import ObjectStore
from perdure._storages.remote import RemoteFileSystem, keeps_whole
from perdure._storages.storage import Entry, Storage

_PAGE = 1_000  # objects that are compared with what is known, and committed, at a time
_AT_ONCE = 10_000  # objects of an automation that are looked at until others have their turn
_ATTEMPTS, _TIMEOUT_SECONDS = 2, 20.0  # of a request to an object store: it is looked at again anyway
_REST = 10  # how many times as long as a failed look took, it is not tried again: others wait meanwhile
_SHOWN = 100  # characters of a name in the log
_FAILED_LOOK = "cannot look for files: "


class _Look:
    """A look through a place, page by page."""

    def __init__(self, of: Automation, trigger: FileTrigger, runtime: ServiceRuntime) -> None:
        self.definition = of.definition
        self.trigger = trigger
        self.found = 0
        self.unnamed: list[str] = []  # files that were passed over, since their names are no text
        self._of = of
        self._runtime = runtime
        self._room = runtime.orchestrator.room(Automations)
        self._storage = _storage(trigger, runtime)
        self._is_whole = _is_whole(self._storage)
        self._place = WatchedFile(of.id, "", json.dumps([trigger.storage, trigger.prefix, trigger.pattern]), "reported")
        self._is_first = list(self._room.files(of.id, [""])) != [self._place]
        root = self._storage.basepath if isinstance(self._storage, LocalFileSystem) else None
        if not self._is_first and root is not None and not root.is_dir():  # else all in it would be new when it is back
            raise AutomationError(f"There is no folder {str(root)!r}. It was there before: mount it, or make it again.")
        # Whatever does not match is counted as well: one file among a million others takes as long to find.
        self._entries: Iterator[Entry] = iter(self._storage.entries(trigger.prefix))
        self._seen = set[int]()  # hashes of keys, which take a tenth of the memory of these

    def look_on(self) -> bool:
        """Look at the next objects; whether that was all."""
        for _ in range(_AT_ONCE // _PAGE):
            page = list(islice(self._entries, _PAGE))
            self._compare([each for each in page if self._wants(each)])
            if len(page) < _PAGE:
                self._end()
                return True
        return False

    def _wants(self, entry: Entry) -> bool:
        trigger = self.trigger
        return bool(entry.key) and fnmatchcase(entry.key.removeprefix(trigger.prefix), trigger.pattern)

    def _named(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Those whose names are text. Names of files may be any bytes, and neither events nor parameters hold these."""
        self.unnamed += [each.key for each in entries if not _is_text(each.key)]
        return [each for each in entries if _is_text(each.key)] if self.unnamed else entries

    def _compare(self, entries: Sequence[Entry]) -> None:
        entries = self._named(entries)
        if not entries:
            return
        self._seen.update(hash(each.key) for each in entries)
        known = {each.key: each for each in self._room.files(self._of.id, [each.key for each in entries])}
        noted, reported = list[WatchedFile](), list[Entry]()
        for entry in entries:
            before, version = known.get(entry.key), _version(entry)
            is_as_before = before is not None and before.version == version
            if is_as_before and before is not None and before.phase == "reported":
                continue
            is_whole = self._is_first or is_as_before or self._is_whole
            reported += [entry] if is_whole and not self._is_first else []
            noted.append(WatchedFile(self._of.id, entry.key, version, "reported" if is_whole else "new"))
        now = self._runtime.clock()
        events = [_event(self._of, self._storage, each, now) for each in reported]
        # First: what is killed in between finds the same events again.
        self._runtime.orchestrator.services.add_events(events, new_deliveries(events, self._runtime))
        if noted:
            self._room.note_files(self._of.id, noted, ())
        self.found += len(reported)

    def _end(self) -> None:
        """Forget what is gone, and from now on count what is new."""
        after: str | None = ""
        while after is not None:
            known = self._room.files_after(self._of.id, after, _PAGE)
            gone = [each.key for each in known if hash(each.key) not in self._seen]
            if gone:
                self._room.note_files(self._of.id, (), gone)
            after = known[-1].key if len(known) == _PAGE else None
        if self._is_first:
            self._room.note_files(self._of.id, [self._place], ())


class Files:
    """The service: looks for the files of each automation as often as it says."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}  # by automation
        self._looks: dict[str, _Look] = {}  # that have not come to their end, by automation
        self._failing = set[str]()  # automations whose log says that their place cannot be looked at
        self._unnamed: dict[str, list[str]] = {}  # files without a name that is text, which the log has, by automation

    def __call__(self, runtime: ServiceRuntime, _: int | None) -> Outcome:
        """Look where it is time to."""
        every = {
            each.id: each
            for each in runtime.orchestrator.room(Automations).all()
            if each.paused is None and json.loads(each.definition)["trigger"].get("type") == "file"
        }
        self._next = {id: when for id, when in self._next.items() if id in every}
        self._looks = {
            id: look for id, look in self._looks.items() if id in every and every[id].definition == look.definition
        }
        found, failures = 0, list[str]()
        for each in every.values():
            if each.id not in self._looks and time.monotonic() < self._next.get(each.id, 0.0):
                continue
            began = time.monotonic()
            try:
                found += self._look(each, runtime)
            except (OrchestratorError, OrchestratorUnreachable):  # the database is away, and no place
                raise
            except Exception as error:  # whatever it is: it must not keep others from being looked at
                ended = time.monotonic()
                self._next[each.id] = ended + max(_every(each), _REST * (ended - began))
                why = str(error) if isinstance(error, PerdureError) else f"{type(error).__name__}: {error}"
                failures.append(shortened(f"{each.name}: {why}", 300))
                self._say(each, "failed", shortened(f"{_FAILED_LOOK}{why}", 1_000), runtime)
        return Outcome("; ".join([f"{found} files appeared", *failures]), is_done=not self._looks)

    def _look(self, of: Automation, runtime: ServiceRuntime) -> int:
        """Begin a look, or continue it; how many files have appeared."""
        look = self._looks.pop(of.id, None)
        if look is None:
            trigger = AutomationDefinition.model_validate_json(of.definition).trigger
            assert isinstance(trigger, FileTrigger)
            look = _Look(of, trigger, runtime)
        before = look.found
        if look.look_on():
            self._next[of.id] = time.monotonic() + look.trigger.every
            if of.id in self._failing:
                self._say(of, "waits", "files can be looked for again", runtime)
            self._say_unnamed(of, sorted(look.unnamed), runtime)
        else:
            self._looks[of.id] = look
        return look.found - before

    def _say(self, of: Automation, outcome: Logged, reason: str, runtime: ServiceRuntime) -> None:
        """Say in the automation's log that its place cannot be looked at, or can be again: once, not at each look."""
        has_failed = outcome == "failed"
        is_said = has_failed and of.id in self._failing
        (self._failing.add if has_failed else self._failing.discard)(of.id)
        room = runtime.orchestrator.room(Automations)
        last = next(iter(room.log(LogFilter(automation_id=of.id, limit=1))), None)
        if is_said or (last is not None and (last.outcome, last.reason) == (outcome, reason)):
            return
        room.settle((), (), [_line(of, outcome, reason, runtime)])

    def _say_unnamed(self, of: Automation, keys: list[str], runtime: ServiceRuntime) -> None:
        """Say in the automation's log, once, which files are passed over for their names."""
        if keys == self._unnamed.get(of.id, []):
            return
        self._unnamed[of.id] = keys
        if keys:
            shown = ", ".join(f"{each[:_SHOWN]!a}" for each in keys[:3]) + (", …" if len(keys) > 3 else "")
            reason = f"{len(keys)} files passed over, whose names are not UTF-8: {shown}. Rename them."
            runtime.orchestrator.room(Automations).settle((), (), [_line(of, "ignored", reason, runtime)])


def _line(of: Automation, outcome: Logged, reason: str, runtime: ServiceRuntime) -> LogEntry:
    return LogEntry(new_id(), of.id, runtime.clock(), None, APPEARED, outcome, reason, "done", Details().text())


def _is_text(key: str) -> bool:
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True


def _every(of: Automation) -> float:
    """Seconds between two looks; of what cannot be read, some."""
    every = json.loads(of.definition)["trigger"].get("every", 10)
    return float(every) if isinstance(every, int | float) else 10.0


def _storage(trigger: FileTrigger, runtime: ServiceRuntime) -> Storage:
    # Whoever makes automations is an administrator: folders and addresses are as that one chose them.
    if trigger.is_folder:
        return LocalFileSystem(basepath=trigger.storage)
    storage = storage_at(trigger.storage) if trigger.is_address else _saved(trigger.storage, runtime)
    if not isinstance(storage, ObjectStore):
        return storage
    attempts, seconds = min(storage.max_attempts, _ATTEMPTS), min(storage.timeout_seconds, _TIMEOUT_SECONDS)
    return storage.model_copy(update={"max_attempts": attempts, "timeout_seconds": seconds})


def _saved(slug: str, runtime: ServiceRuntime) -> Storage:
    kind, _, name = slug.partition("/")
    records = runtime.orchestrator.blocks(kind, name)
    if not records:
        raise AutomationError(f"There is no saved storage {slug!r}. `perdure block ls` lists what there is.")
    storage = from_record(records[0])
    if not isinstance(storage, Storage):
        raise AutomationError(f"The block {slug!r} is no storage.")
    why = Allowed().refusal(storage)
    if why is not None:
        raise AutomationError(why)
    return storage


def _is_whole(storage: Storage) -> bool:
    """Whether what is there was written to its end: in a folder, and whatever is like one, it may still be written."""
    return isinstance(storage, ObjectStore) or (isinstance(storage, RemoteFileSystem) and keeps_whole(storage))


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
