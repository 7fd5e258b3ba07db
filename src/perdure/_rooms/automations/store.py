"""Automations in the database."""

from collections.abc import Sequence

from perdure._platform.clock import Micros
from perdure._rooms.automations.port import Automation, LogEntry, LogFilter, WatchedFile
from perdure._rooms.automations.tables import AUTOMATION, FILE, LOG
from perdure._store.sql.access import Access
from perdure._store.sql.database import Connection

_MARKS = 500  # values that one statement is given


class _Outdated(Exception):
    """Somebody else has decided meanwhile."""


class SqlAutomations:
    """The automations of a database."""

    def __init__(self, access: Access) -> None:
        self._access, self._writer, self._sql = access, access.writer, access.sql
        self._mark = mark = access.sql.mark
        fields = ("definition", "paused", "since", "due", "memory", "updated")
        # A changed definition begins anew; the same one is left alone, with what it has counted.
        self._put = (
            access.sql.insert(AUTOMATION)
            + " ON CONFLICT (name) DO UPDATE SET "
            + ", ".join(f"{each} = excluded.{each}" for each in fields if each != "paused")
            + ", turn = automation.turn + 1 WHERE automation.definition <> excluded.definition"
        )
        self._change = (
            f"UPDATE automation SET memory = {mark}, due = {mark}, turn = turn + 1 WHERE id = {mark} AND turn = {mark}"
        )
        self._pause = (
            f"UPDATE automation SET paused = {mark}, since = {mark}, due = {mark}, memory = '{{}}', turn = turn + 1"
            f" WHERE id = {mark} AND (paused IS NULL) = {mark}"
        )

    def put(self, automation: Automation) -> Automation:
        """Make an automation, or change the one with its name; what is kept now."""
        self._writer.execute_apart(self._put, automation)
        kept = self.named(automation.name)
        assert kept is not None, automation.name
        return kept

    def all(self) -> Sequence[Automation]:
        """All automations, sorted by name."""
        return self._access.all(Automation, f"{self._sql.select(AUTOMATION)} ORDER BY name")

    def named(self, name: str) -> Automation | None:
        """An automation by its name."""
        return self._access.one(Automation, self._sql.select(AUTOMATION, f"name = {self._mark}"), name)

    def pause(self, id: str, paused: bool, now: Micros) -> bool:
        """Have an automation see nothing, or see what comes from now on; False if there is none."""
        change = (now if paused else None, now, None if paused else now, id, paused)
        if self._writer.execute_apart(self._pause, change) == 1:
            return True
        return bool(self._access.read(self._sql.select(AUTOMATION, f"id = {self._mark}"), (id,)))

    def delete(self, id: str) -> bool:
        """Forget an automation with its log; False if there is none."""

        def work(connection: Connection) -> bool:
            for table in ("automation_log", "automation_file"):
                connection.execute(f"DELETE FROM {table} WHERE automation_id = {self._mark}", (id,))
            return connection.execute(f"DELETE FROM automation WHERE id = {self._mark}", (id,)).rowcount == 1

        return self._writer.transact(work)

    def inbox(self, limit: int) -> Sequence[str]:
        """The ids of events that have not been decided, oldest first."""
        query = f"SELECT event_id FROM automation_inbox ORDER BY event_id LIMIT {self._mark}"
        return [id for (id,) in self._access.read(query, (limit,))]

    def settle(self, events: Sequence[str], changed: Sequence[Automation], entries: Sequence[LogEntry]) -> bool:
        """Take events out of the inbox, keep what automations remember by now, and add to their log; all or nothing."""
        leave = f"DELETE FROM automation_inbox WHERE event_id = {self._mark}"

        def work(connection: Connection) -> bool:
            # In one order for all, so that two who settle at once wait for each other, and never both.
            for each in sorted(changed, key=lambda one: one.id):
                if connection.execute(self._change, (each.memory, each.due, each.id, each.turn)).rowcount != 1:
                    raise _Outdated
            for id in sorted(events):
                if connection.execute(leave, (id,)).rowcount != 1:
                    raise _Outdated
            for entry in entries:
                connection.execute(self._sql.insert(LOG), entry)
            return True

        try:
            return self._writer.transact(work)
        except _Outdated:
            return False

    def log(self, filter: LogFilter) -> Sequence[LogEntry]:
        """Lines of the log, newest first."""
        found: list[LogEntry] = self._access.filtered(LOG, filter, "id DESC")
        return found

    def note(self, entry: LogEntry) -> bool:
        """Note what became of a line of the log that was acting; False if that has been noted."""
        statement = (
            f"UPDATE automation_log SET outcome = {self._mark}, reason = {self._mark}, phase = {self._mark},"
            f" details = {self._mark} WHERE id = {self._mark} AND phase = 'acting'"
        )
        values = (entry.outcome, entry.reason, entry.phase, entry.details, entry.id)
        return self._writer.execute_apart(statement, values) == 1

    def files(self, automation_id: str, keys: Sequence[str]) -> Sequence[WatchedFile]:
        """Those of some files that an automation has seen, in any order."""
        found = list[WatchedFile]()
        for start in range(0, len(keys), _MARKS):
            some = keys[start : start + _MARKS]
            marks = ", ".join(self._mark for _ in some)
            query = self._sql.select(FILE, f"automation_id = {self._mark} AND key IN ({marks})")
            found += self._access.all(WatchedFile, query, automation_id, *some)
        return found

    def files_after(self, automation_id: str, key: str, limit: int) -> Sequence[WatchedFile]:
        """The files that an automation has seen and whose keys come after one, sorted by key."""
        where = f"automation_id = {self._mark} AND key > {self._mark} ORDER BY key LIMIT {self._mark}"
        return self._access.all(WatchedFile, self._sql.select(FILE, where), automation_id, key, limit)

    def note_files(self, automation_id: str, seen: Sequence[WatchedFile], gone: Sequence[str]) -> None:
        """Note files that an automation has seen, and forget those that are gone."""
        forget = f"DELETE FROM automation_file WHERE automation_id = {self._mark} AND key = {self._mark}"

        def work(connection: Connection) -> None:
            connection.executemany(forget, [(automation_id, key) for key in sorted(gone)])
            connection.executemany(self._sql.upsert(FILE), sorted(seen))

        self._writer.transact(work)

    def forget_log(self, before: Micros) -> int:
        """Delete older lines of the log, but those that are acting; how many."""
        statement = f"DELETE FROM automation_log WHERE time < {self._mark} AND phase = 'done'"
        return self._writer.execute_apart(statement, (before,))


STORE = SqlAutomations
