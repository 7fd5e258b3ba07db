"""Automations, the events that they have not seen yet, and the log of what each one saw, did, and why not.

An event that is kept is put into an inbox in the same transaction, if there is an automation. Whoever decides what
follows from it commits that with the event's leaving the inbox: so each event is decided once, by however many servers.
What an automation is to do is a line of its log that is not done yet; each action is known by the line, and done once.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Protocol

from perdure._model.fields import Id, JsonObject
from perdure._model.filters import CURSOR, Parameter, Rows
from perdure._model.ports import administers, reads
from perdure._platform.clock import Micros
from perdure._platform.named import NamedTuple

Outcome = Literal["acts", "waits", "ignored", "limited", "loop", "missed", "failed"]


class Automation(NamedTuple):
    """What is done when an event comes, or does not come in time."""

    id: Id
    name: str
    definition: JsonObject  # see `perdure._automations.definition`
    paused: Micros | None  # since when somebody has it see nothing
    since: Micros  # from when on it has seen all events
    due: Micros | None  # when it is to be looked at, whatever comes; None if it waits for events only
    memory: JsonObject  # what it has counted, and waits for
    turn: int  # how often its memory has changed: who changes it says which one was read
    created: Micros
    updated: Micros


class Details(NamedTuple):
    """More of a line of the log: `details`, the text that is kept, is made and read here alone."""

    chain: Sequence[str] = ()  # the automations that led to the event, the latest last
    actions: Sequence[Mapping[str, object]] = ()  # what each action came to: a run, an event, an error

    def text(self) -> str:
        """As it is stored."""
        return json.dumps(self._asdict())

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Details":
        """Of the kept JSON; a part that it lacks is empty."""
        return cls(kept.get("chain", ()), kept.get("actions", ()))


class LogEntry(NamedTuple):
    """What an automation did about an event, or at a time; or why it did nothing."""

    id: Id
    automation_id: Id
    time: Micros
    event_id: Id | None
    event_kind: str | None
    outcome: Outcome
    reason: str
    phase: Literal["acting", "done"]
    details: JsonObject  # see `Details`


class LogFilter(NamedTuple):
    """Which lines of the log, newest first. A field that is None or empty does not filter."""

    automation_id: Annotated[str | None, Rows("automation_id = {}")] = None
    outcomes: Annotated[tuple[Outcome, ...], Rows("outcome IN ({})"), Parameter("outcome", most=10)] = ()
    phase: Annotated[str | None, Rows("phase = {}")] = None
    older_than: Annotated[Id | None, Rows("id < {}"), CURSOR] = None
    limit: int | None = None


class WatchedFile(NamedTuple):
    """A file that an automation looks for, as it was seen last. The one whose key is empty says where was looked."""

    automation_id: Id
    key: str
    version: str  # another one as soon as it changes
    phase: Literal["new", "reported"]  # new: it may still be being written


class Automations(Protocol):
    """The automations of a database. Any thread may use it."""

    @administers
    def put(self, automation: Automation) -> Automation:
        """Make an automation, or change the one with its name; what is kept now.

        Its id, when it was created and whether it is paused stay. What it has counted and waits for stays if its
        definition is as before.
        """

    @reads
    def all(self) -> Sequence[Automation]:
        """All automations, sorted by name."""

    @reads
    def named(self, name: str) -> Automation | None:
        """An automation by its name."""

    @administers
    def pause(self, id: str, paused: bool, now: Micros) -> bool:
        """Have an automation see nothing, or see what comes from now on; False if there is none.

        What it waited for is forgotten: what came meanwhile was not missed, but paused.
        """

    @administers
    def delete(self, id: str) -> bool:
        """Forget an automation with its log; False if there is none."""

    @administers
    def inbox(self, limit: int) -> Sequence[str]:
        """The ids of events that have not been decided, oldest first."""

    @administers
    def settle(self, events: Sequence[str], changed: Sequence[Automation], entries: Sequence[LogEntry]) -> bool:
        """Take events out of the inbox, keep what automations remember by now, and add to their log; all or nothing.

        False if an event has been decided by somebody else, or an automation's memory is not of the turn before.
        """

    @reads
    def log(self, filter: LogFilter) -> Sequence[LogEntry]:
        """Lines of the log, newest first."""

    @administers
    def note(self, entry: LogEntry) -> bool:
        """Note what became of a line of the log that was acting; False if that has been noted."""

    @administers
    def files(self, automation_id: str, keys: Sequence[str]) -> Sequence[WatchedFile]:
        """Those of some files that an automation has seen, in any order."""

    @administers
    def files_after(self, automation_id: str, key: str, limit: int) -> Sequence[WatchedFile]:
        """The files that an automation has seen and whose keys come after one, sorted by key."""

    @administers
    def note_files(self, automation_id: str, seen: Sequence[WatchedFile], gone: Sequence[str]) -> None:
        """Note files that an automation has seen, and forget those that are gone."""

    @administers
    def forget_log(self, before: Micros) -> int:
        """Delete older lines of the log, but those that are acting; how many."""


PORT = Automations
