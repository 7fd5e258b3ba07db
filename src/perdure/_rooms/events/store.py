"""Services, events and deliveries in the database."""

from collections.abc import Sequence

from perdure._platform.clock import Micros
from perdure._rooms.events.port import Delivery, Event, EventFilter, Hook, SeenResult, SeenState, Service
from perdure._rooms.events.tables import DELIVERY, EVENT, HOOK, RESULT_VERSION, SERVICE
from perdure._store.sql.access import Access
from perdure._store.sql.database import Connection


class _Outdated(Exception):
    """Somebody else has settled them meanwhile."""


# Of the run that a row `s` is about: it is found by its id, whatever it is.
_RUN = (
    "f.id, f.flow_name, t.task_name, coalesce(t.tags, f.tags, '[]'),"
    " CASE WHEN d.id IS NULL THEN NULL ELSE d.flow_name || '/' || d.name END, q.partition"
)
_NAME = "coalesce(t.name, f.name, '')"
_OF_RUN = (
    " LEFT JOIN task_run AS t ON t.id = s.run_id AND s.of_task"
    " LEFT JOIN flow_run AS f ON f.id = CASE WHEN s.of_task THEN t.flow_run_id ELSE s.run_id END"
    " LEFT JOIN queued_run AS q ON q.flow_run_id = f.id LEFT JOIN deployment AS d ON d.id = q.deployment_id"
)


class SqlServices:
    """The services of all servers on a database."""

    def __init__(self, access: Access) -> None:
        self._access, self._writer, self._read = access, access.writer, access.read
        self._sql = sql = access.sql
        self._mark = mark = sql.mark
        self._claim = sql.insert(SERVICE) + (
            " ON CONFLICT (name) DO UPDATE SET process_id = excluded.process_id, due = excluded.due"
            f" WHERE service.due <= {mark} OR service.process_id = {mark}"
        )
        self._finish = (
            f"UPDATE service SET due = {mark}, ended = {mark}, outcome = {mark}, cursor = {mark}"
            f" WHERE name = {mark} AND process_id = {mark}"
        )
        self._states = (
            f"SELECT s.run_id, s.arrival, s.of_task, s.type, s.name, s.message, s.time, {_NAME}, {_RUN}"
            f" FROM state AS s{_OF_RUN} WHERE s.arrival > {mark} AND (NOT s.of_task OR s.type IN ('FAILED', 'CRASHED'))"
            f" ORDER BY s.arrival LIMIT {mark}"
        )
        self._results = (
            "SELECT s.arrival, s.run_id, s.of_task, s.storage_id, s.storage_key, s.digest, s.type, s.size, s.created,"
            f" v.digest, {_NAME}, {_RUN} FROM named_result AS s{_OF_RUN}"
            " LEFT JOIN result_version AS v ON v.storage_id = s.storage_id AND v.storage_key = s.storage_key"
            f" ORDER BY s.arrival, s.run_id LIMIT {mark}"
        )
        self._put_version = sql.upsert(RESULT_VERSION)
        self._forget_result = f"DELETE FROM named_result WHERE arrival = {mark} AND run_id = {mark}"
        self._sign = (
            f"SELECT MAX(at) FROM (SELECT MAX(time) AS at FROM log WHERE flow_run_id = {mark}"
            f" UNION ALL SELECT MAX(state_time) FROM task_run WHERE flow_run_id = {mark}) AS signs"
        )
        self._add_event = sql.insert(EVENT) + " ON CONFLICT DO NOTHING"
        self._add_delivery = sql.insert(DELIVERY) + " ON CONFLICT DO NOTHING"
        self._to_automations = (
            f"INSERT INTO automation_inbox (event_id) SELECT CAST({mark} AS text)"
            " WHERE EXISTS (SELECT 1 FROM automation WHERE paused IS NULL)"
        )
        self._put_hook = sql.insert(HOOK)
        self._due = sql.select(DELIVERY, f"state = 'waiting' AND due <= {mark}")
        self._claim_delivery = (
            f"UPDATE hook_delivery SET due = {mark} WHERE id = {mark} AND state = 'waiting' AND due = {mark}"
        )
        self._note = (
            f"UPDATE hook_delivery SET state = {mark}, due = {mark}, attempts = {mark}, outcome = {mark}"
            f" WHERE id = {mark}"
        )

    def claim(self, service: Service, now: Micros, instead_of: str | None) -> bool:
        """Have a process do a service until `due`; False if another one does, or it is not due."""
        return self._writer.execute_apart(self._claim, (*service, now, instead_of or "")) == 1

    def finish(self, service: Service) -> bool:
        """Note what a service came to, and when it is due; False if another process has it by now."""
        row = (service.due, service.ended, service.outcome, service.cursor, service.name, service.process_id)
        return self._writer.execute_apart(self._finish, row) == 1

    def all(self) -> Sequence[Service]:
        """All services that were ever done, sorted by name."""
        return self._access.all(Service, f"{self._sql.select(SERVICE)} ORDER BY name")

    def states_after(self, arrival: int, limit: int) -> Sequence[SeenState]:
        """States of flow runs, and failures of task runs, that came after one, in order."""
        return self._access.all(SeenState, self._states, arrival, limit)

    def last_sign(self, flow_run_id: str) -> Micros | None:
        """When a flow run last logged something, or a task run of it came to a state."""
        found: Micros | None = self._read(self._sign, (flow_run_id, flow_run_id))[0][0]
        return found

    def add_events(self, events: Sequence[Event], deliveries: Sequence[Delivery]) -> int:
        """Add events with their deliveries, in one transaction; how many are new."""
        return self._writer.transact(lambda it: self._add(it, events, deliveries)) if events else 0

    def _add(self, connection: Connection, events: Sequence[Event], deliveries: Sequence[Delivery]) -> int:
        new = {event.id for event in events if connection.execute(self._add_event, event).rowcount == 1}
        for delivery in deliveries:
            if delivery.event_id in new:
                connection.execute(self._add_delivery, delivery)
        connection.executemany(self._to_automations, [(id,) for id in sorted(new)])
        return len(new)

    def named_results(self, limit: int) -> Sequence[SeenResult]:
        """Results under users' keys of which no events have been made, in the order in which they were committed."""
        return self._access.all(SeenResult, self._results, limit)

    def settle_results(
        self, seen: Sequence[SeenResult], events: Sequence[Event], deliveries: Sequence[Delivery]
    ) -> bool:
        """Add the events of results, and note these as the versions of their keys; all or nothing."""

        def work(connection: Connection) -> bool:
            for each in seen:
                if connection.execute(self._forget_result, (each.arrival, each.run_id)).rowcount != 1:
                    raise _Outdated
            versions = {(each.storage_id, each.storage_key): each for each in seen}  # the last one of each
            rows = [(*key, each.digest, each.run_id) for key, each in sorted(versions.items())]
            connection.executemany(self._put_version, rows)
            self._add(connection, events, deliveries)
            return True

        try:
            return self._writer.transact(work)
        except _Outdated:
            return False

    def events(self, filter: EventFilter) -> Sequence[Event]:
        """Events, newest first."""
        return self._access.filtered(EVENT, filter, "id DESC")

    def forget_events(self, before: Micros) -> int:
        """Delete older events, and their deliveries; how many."""
        mark = self._mark

        def work(connection: Connection) -> int:
            old = f"SELECT id FROM event WHERE time < {mark}"
            connection.execute(f"DELETE FROM hook_delivery WHERE event_id IN ({old})", (before,))
            return connection.execute(f"DELETE FROM event WHERE time < {mark}", (before,)).rowcount

        return self._writer.transact(work)

    def put_hook(self, hook: Hook) -> None:
        """Add a hook."""
        self._writer.execute_apart(self._put_hook, hook)

    def hooks(self) -> Sequence[Hook]:
        """All hooks, oldest first."""
        return self._access.all(Hook, f"{self._sql.select(HOOK)} ORDER BY id")

    def delete_hook(self, id: str) -> bool:
        """Forget a hook, with its deliveries; whether there was one."""

        def work(connection: Connection) -> bool:
            connection.execute(f"DELETE FROM hook_delivery WHERE hook_id = {self._mark}", (id,))
            return connection.execute(f"DELETE FROM hook WHERE id = {self._mark}", (id,)).rowcount == 1

        return self._writer.transact(work)

    def deliveries(self, hook_id: str | None, state: str | None, limit: int) -> Sequence[Delivery]:
        """Deliveries, newest first."""
        chosen = {"hook_id": hook_id, "state": state}
        given = {column: value for column, value in chosen.items() if value is not None}
        where = " AND ".join(["1 = 1", *(f"{column} = {self._mark}" for column in given)])
        query = f"{self._sql.select(DELIVERY, where)} ORDER BY id DESC LIMIT {self._mark}"
        return self._access.all(Delivery, query, *given.values(), limit)

    def due_deliveries(
        self, now: Micros, limit: int, *, of: str | None = None, besides: Sequence[str] = ()
    ) -> Sequence[Delivery]:
        """Deliveries that wait and are due, longest due first: of one hook, or of all besides some hooks."""
        query, values = self._due, (now, *(() if of is None else (of,)), *besides, limit)
        query += "" if of is None else f" AND hook_id = {self._mark}"
        query += f" AND hook_id NOT IN ({', '.join(self._mark for _ in besides)})" if besides else ""
        return self._access.all(Delivery, f"{query} ORDER BY due, id LIMIT {self._mark}", *values)

    def claim_delivery(self, delivery: Delivery, until: Micros) -> bool:
        """Have nobody else try a delivery before a time; False if somebody else has claimed or tried it."""
        return self._writer.execute_apart(self._claim_delivery, (until, delivery.id, delivery.due)) == 1

    def note_delivery(self, delivery: Delivery) -> None:
        """Note what an attempt came to."""
        row = (delivery.state, delivery.due, delivery.attempts, delivery.outcome, delivery.id)
        self._writer.execute_apart(self._note, row)


STORE = SqlServices
