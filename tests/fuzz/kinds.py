"""The kinds of cases: of each, one is made from a random generator, and always the same one from the same seed."""

import functools
import json
import random
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import pandas as pd

from perdure import flow, session, settings
from perdure._engine.recovery import kept_values as kept
from perdure._results.payload_reader import StoredPayload
from perdure._results.payload_writer import PayloadWriter
from perdure._serializers.text import to_base64
from perdure._store import wire
from perdure._store.embedded import EmbeddedOrchestrator
from perdure.errors import PerdureError
from perdure.filesystems import LocalFileSystem
from perdure.results import PersistedResultBlob
from perdure.serializers import Serializer, new_key
from perdure.testing._sample_records import block, flow_run, literal, persisted, state, task_run
from tests.fuzz import mutating
from tests.fuzz.watching import Case
from tests.server.serving import serving_on

KEYS = new_key("fuzz")
ALLOWED = "numpy.*, pandas.*, myapp.models.*"
PLAIN = {"a": [1, 2.5, None, True], "b": "é", "c": {"d": [[]]}}
VALUES: Mapping[str, Any] = {
    "json": {**PLAIN, "day": date(2024, 1, 2), "set": {1, 2}, "error": ValueError("x")},
    "pickle": {**PLAIN, "day": date(2024, 1, 2), "array": [1j, (2,), frozenset({3})]},
    "compressed/json": PLAIN,
    "compressed/pickle": PLAIN,
    "encrypted/json": PLAIN,
    "encrypted/compressed/pickle": PLAIN,
    "numpy": np.arange(20.0),
    "arrow": pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}),
    "parquet": pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}),
}


class Honest(NamedTuple):
    """A document as it was written."""

    name: str
    value: Any
    fields: PersistedResultBlob
    unsigned: bytes
    signed: bytes


def _under(keys: bool) -> Any:
    """The settings of a process that loads, with signing keys or without."""
    return settings.temporary_settings(
        results_allowed_classes=ALLOWED, results_encryption_keys=KEYS, results_signing_keys=KEYS if keys else None
    )


@functools.cache
def _documents() -> list[Honest]:
    from perdure._results import signing

    made = []
    with _under(keys=True):
        ring = signing.ring()
        assert ring is not None
        for name, value in VALUES.items():
            serializer = Serializer.from_name(name)
            fields = PersistedResultBlob(serializer.describe(), serializer.dumps(value))
            document = fields.to_bytes()
            made.append(Honest(name, value, fields, document, signing.signed(ring, document, "a/key")))
    return made


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, in all their parts and types."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    return bool(one.equals(other)) if isinstance(one, pd.DataFrame) else repr(one) == repr(other)


def _loading(document: bytes, keys: bool) -> Callable[[], Any]:
    def act() -> Any:
        with _under(keys):
            return PersistedResultBlob.from_bytes(document, key="a/key").load()

    return act


def document(chance: random.Random) -> Case:
    """A document whose bytes were changed, or that somebody made up from the parts of one."""
    honest = chance.choice(_documents())
    keys = chance.random() < 0.4
    if chance.random() < 0.4:
        changed = mutating.bytes_like(chance, honest.signed if keys else honest.unsigned)
        return Case(_loading(changed, keys), lambda value: same(value, honest.value))
    forged = _forged(chance, honest)
    return Case(_loading(forged, keys), lambda _: not keys)


def _forged(chance: random.Random, honest: Honest) -> bytes:
    """A document with right digests and a right checksum, and all else of the forger's choice; it is not signed."""
    serializer, data = honest.fields.serializer, honest.fields.data
    way = chance.randrange(5)
    if way == 0:
        serializer = mutating.json_like(chance, serializer)
    elif way == 1:
        data = mutating.bytes_like(chance, data)
    elif way == 2:
        serializer, data = {"type": "json"}, mutating.dumped(mutating.json_value(chance))
    elif way == 3:
        serializer, data = {"type": "pickle"}, to_base64(mutating.pickled(chance))
    else:
        libraries = ("picklelib", "jsonlib", "compressionlib", "object_decoder")
        serializer = {**serializer, chance.choice(libraries): chance.choice(["evil_plugin", "os.system", "pickle", ""])}
    if not isinstance(serializer, dict):
        serializer = {"type": serializer}
    return PersistedResultBlob(serializer, data).to_bytes()


@functools.cache
def _payloads() -> tuple[LocalFileSystem, Any, bytes]:
    storage = LocalFileSystem(basepath=tempfile.mkdtemp(prefix="perdure-fuzz-"))
    content = bytes(range(256)) * 200
    with PayloadWriter(storage, lambda: "p.payload") as payload:
        payload.write(content)
        payload.add_buffer(memoryview(content))
        layout = payload.finish()
    return storage, layout, Path(storage.describe("p.payload")).read_bytes()


def payload(chance: random.Random) -> Case:
    """A payload whose bytes or layout were changed."""
    storage, layout, content = _payloads()
    place = Path(storage.describe("p.payload"))
    fields = {**layout.describe(), "fingerprint": None}
    if chance.random() < 0.5:
        place.write_bytes(mutating.bytes_like(chance, content))
    else:
        place.write_bytes(content)
        fields = mutating.json_like(chance, fields)
    digest = layout.digest()

    def act() -> Any:
        body = json.dumps(fields)
        text = f'{{"serializer": {{"type": "pickle"}}, "data": "", "digest": "{digest}", "payload": {body}'
        from perdure._results.document import sealed

        found = PersistedResultBlob.from_bytes(sealed(text.encode(), None), key="p")
        assert found.payload is not None
        stored = StoredPayload(storage, found.payload, lambda: "It", distrusted=chance.random() < 0.5)
        return stored.view().tobytes() + b"".join(each.tobytes() for each in stored.buffers())

    return Case(act, lambda found: found == bytes(range(256)) * 400)


class _Answered(PerdureError):
    """The server refused."""


@functools.cache
def _batch() -> tuple[EmbeddedOrchestrator, list[Any]]:
    known = EmbeddedOrchestrator(Path(tempfile.mkdtemp(prefix="perdure-fuzz-")) / "perdure.db")
    run = flow_run()
    task = task_run(flow_run_id=run.id)
    reported = [run, task, state(run, "RUNNING"), literal(run, "[1]"), persisted(task), block("dev")]  # type: ignore[arg-type]
    return known, json.loads(wire.encode_records(reported))


def batch(chance: random.Random) -> Case:
    """A batch of records as a client sends it: kept, and read as it was sent, or refused."""
    known, honest = _batch()
    body = mutating.dumped(mutating.json_like(chance, honest))
    if chance.random() < 0.3:
        body = mutating.bytes_like(chance, body)

    def act() -> Any:
        try:
            records = wire.decode_records(body)
        except ValueError as error:  # which the server answers with what is wrong
            raise _Answered(str(error)) from error
        known.commit(records)
        return records

    return Case(act, lambda records: wire.decode_records(wire.encode_records(records)) == records)


@functools.cache
def _server() -> tuple[httpx.Client, dict[str, Any]]:
    """A server in this process, and what its lists and links honestly are."""
    exits = ExitStack()
    ids = [str(flow(persist_result=True)(lambda: [1, 2])(return_state=True).flow_run_id) for _ in range(3)]
    session.close()
    database = EmbeddedOrchestrator(Path(settings.current().database))
    server = exits.enter_context(serving_on(database, serve_values=True, request_rate=1e9))
    client = exits.enter_context(server.client())
    pages = {}
    for path in ("flow-runs", "task-runs", "results", "flows", "events", "artifacts"):
        answer = client.get(f"/api/{path}", params={"limit": 1})
        if answer.is_success:
            pages[path] = answer.json().get("next") or ids[0]
    link = client.post(f"/api/results/{ids[0]}/link").raise_for_status().json()["url"]
    _exits.append(exits)
    return client, {"pages": pages, "link": link, "ids": ids}


_exits: list[ExitStack] = []


def close() -> None:
    """Stop the server of the cases."""
    while _exits:
        _exits.pop().close()
    _server.cache_clear()


def _asked(client: httpx.Client, path: str, **params: Any) -> httpx.Response:
    try:
        answer = client.get(path, params=params or None)
    except (httpx.InvalidURL, UnicodeEncodeError) as error:
        raise _Answered(str(error)) from error
    if answer.status_code >= 500:
        raise AssertionError(f"{answer.status_code}: {answer.text:.200}")
    if not answer.is_success:
        raise _Answered(answer.text)
    return answer


def cursor(chance: random.Random) -> Case:
    """A page of a list that continues after a cursor that nobody gave out."""
    client, honest = _server()
    path = chance.choice(list(honest["pages"]))
    text = mutating.text_like(chance, honest["pages"][path])

    def act() -> Any:
        return _asked(client, f"/api/{path}", cursor=text, limit=2).json()

    return Case(act, lambda found: isinstance(found["items"], list) and len(found["items"]) <= 2)


def link(chance: random.Random) -> Case:
    """A link to the bytes of a result that the server did not make."""
    client, honest = _server()
    path, _, query = honest["link"].partition("?")
    given = dict(each.split("=") for each in query.split("&"))
    name = chance.choice([*given, "id"])
    if name == "id":
        path = path.replace(honest["ids"][0], chance.choice(honest["ids"][1:]))
    else:
        given[name] = mutating.text_like(chance, given[name])
    is_honest = f"{path}?expires={given['expires']}&signature={given['signature']}" == honest["link"]
    return Case(lambda: _asked(client, path, **given), lambda answer: is_honest or answer.status_code != 200)


@functools.cache
def _starts() -> list[tuple[str, dict[str, Any]]]:
    values: list[dict[str, Any]] = [{"day": "monday"}, {"days": [date(2024, 1, 2)]}, {"x": 1j}]
    with _under(keys=True):
        return [(kept.packed(each, "here") or "", each) for each in values]


def start(chance: random.Random) -> Case:
    """What the database keeps of a run's arguments, changed or made up."""
    text, value = chance.choice(_starts())
    keys = chance.random() < 0.6
    way = chance.randrange(4)
    if way == 0:
        text = mutating.text_like(chance, text)
    elif way == 1:
        text = f"pickle:{to_base64(mutating.pickled(chance)).decode()}"
    elif way == 2:
        text = f"{chance.choice(['json', 'tagged', 'encrypted', ''])}:{json.dumps(mutating.json_value(chance))}"
    else:
        text = f"{text[: text.index(':', 12)]}:pickle:{to_base64(mutating.pickled(chance)).decode()}"

    def act() -> Any:
        with _under(keys):
            return kept.unpacked(text, "here", "They")

    return Case(act, lambda found: same(found, value) if keys else type(found) is dict)


KINDS: Mapping[str, tuple[Callable[[random.Random], Case], float]] = {  # and the part of all cases that each has
    "documents": (document, 0.40),
    "payloads": (payload, 0.15),
    "batches": (batch, 0.15),
    "starts": (start, 0.20),
    "cursors": (cursor, 0.05),
    "links": (link, 0.05),
}
