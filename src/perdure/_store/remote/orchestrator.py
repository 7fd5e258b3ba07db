"""The orchestrator on a server: reports go there in batches, and queries are answered there."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from perdure import _rooms
from perdure._model.errors import OrchestratorUnreachable
from perdure._model.records import BlockRecord, Owner, Record, Standing
from perdure._platform.ids import new_id
from perdure._rooms.results.port import Pruning
from perdure._store import open_orchestrators, wire
from perdure._store.protocol import Orchestrator
from perdure._store.remote.known_blocks import KnownBlocks
from perdure._store.remote.sender import Sender
from perdure._store.remote.transport import Transport

P = TypeVar("P")
_PAGE = 2_000  # rows that one answer has at most, of what can be asked in pages
# What is answered while the server is away, and patience is over: a cache key is missing and may be computed, nobody
# wants anything of a run. Whatever is not here needs its answer, and fails.
_MEANWHILE: dict[str, Callable[..., object]] = {
    **dict.fromkeys(("find_cached", "claim_of", "cancellation"), lambda *_: None),
    **dict.fromkeys(("claim_key", "take_over_key"), lambda *_: True),
    "note_wait": lambda *_: None,
}
# Of these, what is not worth waiting for: who needs to know asks again.
_AT_ONCE = frozenset({"cancellation", "emit", "note_wait"})
# What is asked in the middle of runs: only what was reported of keys and blocks has to be there before.
_APART = frozenset({"find_cached", "claim_key", "claim_of", "cancellation", "block"})
_left_to_parents: list[Transport] = []  # closing connections that were made before a fork would end the parent's


class RemoteOrchestrator:
    """An `Orchestrator` by its server's address. Its methods are those of the protocol, called there.

    What cannot be delivered is kept in `folder`, a directory for this server, and delivered later; see `Sender` for
    `locally`. `patience_seconds` is how long those who need an answer wait for a server that went away. `carried`
    gives headers that say what a request belongs to.
    """

    is_shared = True  # others may write to a server's database

    def __init__(
        self,
        url: str,
        folder: Path,
        *,
        token: str | None = None,
        locally: bool = False,
        patience_seconds: float = 30.0,
        report_interval_seconds: float = 0.1,
        carried: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._new_transport = partial(Transport, url, token, patience_seconds, carried)
        self._transport = self._new_transport()
        self._sender = Sender(self._transport, folder, report_interval_seconds, locally)
        self._blocks = KnownBlocks(folder / "blocks.json")
        self._lanes: list[tuple[str, int]] = []  # who calls, and how often it did: one for each call at a time
        self._sender.deliver_left_behind()
        open_orchestrators.keep(self)

    def report(self, records: Iterable[Record]) -> None:
        """Take the records and return at once; they are sent soon, in order."""
        self._sender.report(records)

    def commit(self, records: Iterable[Record]) -> None:
        """Take the records and return when they, and all reported before them, are committed: see `Sender`."""
        self._sender.commit(records)

    def flush(self) -> None:
        """Return when all that was reported is committed."""
        self._sender.flush()

    def own(self, owner: Owner) -> None:
        """Write what is reported of a flow run under a claim, from now on."""
        self._sender.own(owner)

    def disown(self, flow_run_id: str) -> None:
        """The flow run has ended here, and all that was reported of it is committed."""
        self._sender.disown(flow_run_id)

    def hear_of_lost(self, hear: Callable[[Owner], None]) -> None:
        """Have a function called with each claim that was found to be lost."""
        self._sender.when_lost = hear

    def standing(self, flow_run_id: str) -> Standing | None:
        """How a flow run stands, for the process that runs it; None while the server is away.

        It is requested on the side, and not waited for: so a process knows soon after a network has come back.
        """
        method = wire.method(Orchestrator, "standing")
        try:
            body = self._transport.ask("standing", method.encode_call((flow_run_id,), {}))
        except OrchestratorUnreachable:
            return None
        self._sender.hurry()
        found: Standing | None = method.decode_answer(body)
        return found

    def close(self) -> None:
        """Flush, close connections and files, and end threads. Calling it again does nothing."""
        if self._sender.closed:
            return
        self._sender.deliver_left_behind()
        try:
            self._sender.part()
        finally:
            self._sender.close()

    def abandon(self) -> None:
        """Close, as a killed process does: what was reported and is neither sent nor on disk is lost."""
        self._sender.abandon()

    def pruning(self) -> Pruning:
        """What removing old results needs; close it when it is done."""
        self._sender.settle(eagerly=True)
        opened: Pruning = _Session(self._transport, Pruning, "pruning")
        return opened

    def block(self, id: str) -> BlockRecord | None:
        """A block by its id; while the server is away, as it was known here."""
        return self._block(id, patiently=True)

    def has_block(self, id: str) -> bool:
        """Whether a block is known; while the server is away, here."""
        return self._block(id, patiently=False) is not None

    def _block(self, id: str, patiently: bool) -> BlockRecord | None:
        known = self._blocks.find(id)
        try:
            found: BlockRecord | None = self._ask("block", id, patiently=patiently and known is None)
        except OrchestratorUnreachable:
            return known
        self._blocks.remember(() if found is None else (found,))
        return found

    def blocks(self, type: str | None = None, name: str | None = None) -> Sequence[BlockRecord]:
        """The saved blocks, or those of a type, or of a name; while the server is away, those that are known here."""
        known = self._blocks.named(type, name)
        try:
            found: Sequence[BlockRecord] = self._ask("blocks", type, name, patiently=not known)
        except OrchestratorUnreachable:
            if not known:
                raise
            return known
        self._blocks.remember(found)
        return found

    def __getattr__(self, name: str) -> object:
        if name in wire.own_methods(Orchestrator):
            return partial(self._ask, name)
        port = _rooms.port_of(name)
        if port is None:
            raise AttributeError(f"An orchestrator has no {name!r}.")
        return _Part(self._ask, name, port)

    def room(self, port: type[P]) -> P:
        """What is done for the room that a port is of."""
        found: P = getattr(self, _rooms.name_of(port))
        return found

    def _ask(self, name: str, *args: object, patiently: bool = True, **options: object) -> Any:
        patiently = patiently and name not in _AT_ONCE
        if name not in _APART or self._sender.holds_keyed or self._sender.undelivered:
            self._sender.settle(eagerly=name not in _MEANWHILE, patiently=patiently)
        try:
            if args and "older_than" in getattr(args[0], "_fields", ()):
                return list(self._rows(name, args[0]))
            return self._call(name, *args, patiently=patiently, **options)
        except OrchestratorUnreachable:
            if name not in _MEANWHILE:
                raise
            return _MEANWHILE[name](*args)

    def _rows(self, name: str, filter: Any) -> Iterator[object]:
        """All rows that a filter lets through, asked for page by page."""
        left = filter.limit
        while left is None or left > 0:
            asked = _PAGE if left is None else min(_PAGE, left)
            page = self._call(name, filter._replace(limit=asked))
            yield from page
            if len(page) < asked:
                return
            left = None if left is None else left - asked
            filter = filter._replace(older_than=page[-1][0])

    def _call(self, name: str, *args: object, patiently: bool = True, **options: object) -> Any:
        method = wire.method(Orchestrator, name)
        source, count = self._lanes.pop() if self._lanes else (new_id(), 0)
        place = source, count + 1
        try:
            body = method.encode_call(args, options)
            return method.decode_answer(self._transport.call(name, body, place, patiently=patiently))
        finally:
            self._lanes.append(place)

    def begin_in_fork(self) -> None:
        """Leave the parent's connections, files, locks and records to the parent."""
        _left_to_parents.append(self._transport)
        self._transport = self._new_transport()
        self._lanes = []
        self._sender.begin_in_fork(self._transport)


class _Part:
    """What is done for a room, by its port."""

    def __init__(self, ask: Callable[..., object], name: str, port: type) -> None:
        self._ask = ask
        self._name = name
        self._port = port

    def __getattr__(self, name: str) -> Callable[..., object]:
        if name not in wire.own_methods(self._port):
            raise AttributeError(f"{self._name} has no {name!r}.")
        return partial(self._ask, f"{self._name}.{name}")


class _Session:
    """What a method opened on the server."""

    def __init__(self, transport: Transport, protocol: type, name: str) -> None:
        self._transport = transport
        self._protocol = protocol
        self._path = f"sessions/{wire.decode_id(transport.call(name))}"

    def close(self) -> None:
        """Have the server close it."""
        self._transport.call(self._path, method="DELETE")

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in wire.own_methods(self._protocol):
            raise AttributeError(f"A {self._protocol.__name__} has no {name!r}.")
        method = wire.method(self._protocol, name)
        return partial(self._pages if method.is_paged else self._call, method)

    def _call(self, method: wire.Method, *args: object, **options: object) -> Any:
        body = method.encode_call(args, options)
        return method.decode_answer(self._transport.call(f"{self._path}/{method.name}", body))

    def _pages(self, method: wire.Method, *args: object, **options: object) -> Iterator[object]:
        pages = self._call(method, *args, **options)
        while pages:
            yield from pages
            pages = method.decode_answer(self._transport.call(f"{self._path}/{method.name}/next"))


def folder_of(home: Path, url: str) -> Path:
    """The spool of a home: the reports for a server."""
    return home / "spool" / hashlib.sha256(url.encode()).hexdigest()[:16]
