"""Events of results that users have named: one for each version under a key, and none for the same bytes again.

A result under a `result_storage_key` is noted in the transaction that commits it. What is noted is taken away in the
transaction that adds the event: so each version is one event, whatever is killed, and nothing else is looked at.
"""

import json
from collections.abc import Iterator, Sequence

from perdure._blocks.block import from_record
from perdure._model.errors import OrchestratorError, OrchestratorUnreachable
from perdure._platform.clock import LAST_TIME, to_datetime
from perdure._platform.ids import exactly_dated_id, id_of
from perdure._rooms.events.port import Event, SeenResult, deliveries_of
from perdure._server.services.runtime import ServiceRuntime
from perdure._storages.storage import Storage

CREATED = "result.created"  # the kind of these events
_PAGE = 1_000  # results


def events_of_results(runtime: ServiceRuntime) -> int:
    """Make events of the results that were noted; how many."""
    services, made, page = runtime.orchestrator.services, 0, _PAGE
    while page == _PAGE:
        seen = services.named_results(_PAGE)
        page = len(seen)
        if not seen:
            break
        places = dict.fromkeys(each.storage_id for each in seen)
        storages = {id: _storage(id, runtime) for id in places}
        events = [_event(each, before, storages[each.storage_id]) for each, before in _new(seen)]
        deliveries = deliveries_of(events, services.hooks(), runtime.clock()) if events else []
        if not services.settle_results(seen, events, deliveries):  # another server did
            break
        made += len(events)
    return made


def _new(seen: Sequence[SeenResult]) -> Iterator[tuple[SeenResult, str | None]]:
    """The results that are other than the version before, with the digest of that."""
    digests: dict[tuple[str, str], str | None] = {}
    for each in seen:
        key = (each.storage_id, each.storage_key)
        before = digests.get(key, each.before)
        digests[key] = each.digest
        if before != each.digest:
            yield each, before


def _storage(id: str, runtime: ServiceRuntime) -> Storage | None:
    """The storage with an id; None if it cannot be made here."""
    try:
        record = runtime.orchestrator.block(id)
        storage = None if record is None else from_record(record)
    except (OrchestratorError, OrchestratorUnreachable):
        raise
    except Exception:  # of a type, or with secrets, that this machine does not have: the event has no address then
        return None
    return storage if isinstance(storage, Storage) else None


def _url(storage: Storage | None, key: str) -> str | None:
    try:
        return None if storage is None else storage.describe(key)
    except Exception:  # a key that leaves the storage, as this machine sees it
        return None


def _event(result: SeenResult, before: str | None, storage: Storage | None) -> Event:
    time = min(result.created, LAST_TIME)
    parts = (result.run_id, result.storage_id, result.storage_key, result.digest, result.arrival)
    id = exactly_dated_id(id_of(repr(parts)), time)  # versions within a millisecond are events in their order
    payload = {
        "key": result.storage_key,
        "storage": result.storage_id,
        "url": _url(storage, result.storage_key),
        "digest": result.digest,
        "previous_digest": before,
        "type": result.type,
        "size": result.size,
    }
    document = {
        "id": id,
        "kind": CREATED,
        "time": to_datetime(time).isoformat(),
        "run": {
            "id": result.run_id,
            "name": result.run_name,
            "flow_run_id": result.flow_run_id,
            "flow_name": result.flow_name,
            "task_name": result.task_name,
            "tags": json.loads(result.tags),
            "deployment": result.deployment,
            "partition": result.partition,
        },
        "state": {},
        "resource": {"perdure.resource.id": payload["url"] or result.storage_key},
        "related": [],
        "payload": payload,
    }
    return Event(id, time, CREATED, result.run_id, result.flow_name, json.dumps(document, ensure_ascii=False))
