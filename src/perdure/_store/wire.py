"""The protocol as HTTP carries it: its methods and records as JSON, derived from the protocol itself.

A method that is added to `Orchestrator`, or a record to `Record`, is carried without a line here. A record is
`[its class's name, [its fields]]`. What comes from a client is checked down to each text that must be an id or JSON,
so that a server keeps nothing that its readers could not read.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property, partial
from inspect import Parameter, Signature, signature
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    TypeAdapter,
    ValidationError,
    create_model,
)
from pydantic_core import CoreSchema, core_schema, from_json, to_json

from perdure._model.errors import RecordRefused, reasons
from perdure._model.records import CacheRecord, OwnersRecord, Record, ResultRecord
from perdure._rooms.deployments.port import Deployments
from perdure._store.protocol import Orchestrator

VERSION = 2  # of the protocol; a higher one has records or methods that this server cannot know
OLDEST = 1  # the oldest one that is served
VERSION_HEADER = "Perdure-Protocol"
SOURCE_HEADER = "Perdure-Source"  # who delivers: an id
SEQUENCE_HEADER = "Perdure-Sequence"  # of a batch or a call: one more than that of the one before
GAP_HEADER = "Perdure-Gap"  # "known": what is missing before this batch will not come

# The methods that change nothing, which a token that may only read can call; all others need one that may write.
READING = frozenset(
    {
        *(
            "flow_runs",
            "task_runs",
            "states",
            "run_counts",
            "logs",
            "results",
            "inputs_of",
            "uses_of",
            "decisions",
            "source",
        ),
        *("find_cached", "claim_of", "cache_entries", "block", "blocks", "process", "start", "cancellation", "waits"),
        *("standing",),
        *("finished_steps", "begun_steps", "items", "unfinished_roots"),
        *(f"transactions.{name}" for name in ("unfinished", "steps", "committed_steps", "values")),
        *(f"transactions.{name}" for name in ("of_key", "run_of_key", "key_of_run")),
        *(f"deployments.{name}" for name in ("all", "one", "named", "versions", "schedules", "due_schedules")),
        *(f"deployments.{name}" for name in ("expired", "queued", "pools", "queues", "workers")),
        *("log_lines", "artifacts", "variable", "variables", "limits.all", "limits.slots"),
    }
)
# What batches of records do, and whom they are of.
_TOLD = ("report", "commit", "flush", "close", "own", "disown", "hear_of_lost", "has_block")
_MOST_ITEMS = 30_000  # of a list among a call's arguments: a database takes as many parameters
_KINDS: Mapping[str, Any] = {kind.__name__: kind for kind in (*get_args(Record), OwnersRecord)}


class InvalidRecords(RecordRefused):
    """Records that are not what they should be; `refused` says why, by their places in the batch."""

    def __init__(self, refused: Mapping[int, str]) -> None:
        place, why = next(iter(refused.items()))
        super().__init__(f"{len(refused)} records are not valid; the one at {place}: {why}")
        self.refused = refused


# Texts


def _is_json(*kinds: type) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not isinstance(_decoded(text), kinds):
            raise ValueError(f"JSON of another type than {' or '.join(kind.__name__ for kind in kinds)}")  # noqa: TRY004
        return text

    return check


def _decoded(text: str) -> Any:
    """What JSON text stands for, if all of its readers can read it: not all take numbers of any length."""
    if len(text) > _MOST_DIGITS and _LONG_NUMBER.search(text) is not None:
        raise ValueError(f"a number of more than {_MOST_DIGITS} digits")
    return from_json(text, allow_inf_nan=False)


def _is_tags(text: str) -> str:
    if text != "[]":
        _TAGS.validate_json(text)
    return text


def _is_epochs(text: str) -> str:
    _EPOCHS.validate_json(text)
    return text


def _is_answer(text: str) -> str:
    if text:  # nothing says that nobody answered in time
        _decoded(text)
    return text


def _is_staged(text: str) -> str:
    pair = _decoded(text)
    if not isinstance(pair, list) or len(pair) != 2:
        raise ValueError("not a list of a result and of a cache entry or null")
    result, cached = pair
    _adapter(ResultRecord).validate_python(result)
    if cached is not None:
        _adapter(CacheRecord).validate_python(cached)
    return text


def _has_no_nul(text: str) -> str:
    if "\0" in text:  # PostgreSQL has none
        raise ValueError("a text with a NUL character")
    return text


_MOST_DIGITS = 4_300  # what Python reads by default
_LONG_NUMBER = re.compile(rf"\d{{{_MOST_DIGITS + 1}}}")
_TAGS = TypeAdapter(list[str])
_ID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
Id = Annotated[str, Field(pattern=f"^{_ID}$")]
_ID_ANSWER = TypeAdapter(Id)
_EPOCHS = TypeAdapter(dict[Id, Annotated[int, Field(ge=1, lt=2**62)]])
is_id = re.compile(_ID).fullmatch
_IDS = ("block", "item_of")  # beside those whose names say so
_object = AfterValidator(_is_json(dict))
# Of records, the fields whose text is JSON. All others that are no ids may hold any text.
_JSON: Mapping[str, AfterValidator] = {
    "tags": AfterValidator(_is_tags),
    "value": AfterValidator(_is_json(object)),
    "staged": AfterValidator(_is_staged),
    **dict.fromkeys(("parameters", "serializer", "step", "retention", "preview", "components", "parts"), _object),
    **dict.fromkeys(("data", "asks", "payload"), _object),
    "ArtifactRecord.data": AfterValidator(_is_json(object)),
    "ArtifactChangeRecord.data": AfterValidator(_is_json(object)),
    "answer": AfterValidator(_is_answer),
    "epochs": AfterValidator(_is_epochs),
    "DecisionRecord.arguments": _object,
    "StartRecord.entry_point": _object,
}
_ANY_TEXT = {"ValueRecord.value"}  # packed
_SMALL = {"level", "pid", "waits", "attempts"}  # what the database keeps in 32 bits
_Small = Annotated[int, Field(ge=0, lt=2**31)]
_Large = Annotated[int, Field(ge=0, lt=2**63)]


def _field_type(kind: type, name: str, hint: Any) -> Any:
    """The type of a record's field, with what its name says of it."""
    if hint is int:
        return _Small if name in _SMALL else _Large
    if hint is not str:
        return _over_parts(hint, lambda part: _field_type(kind, name, part))
    place = f"{kind.__name__}.{name}"
    if name == "id" or name.endswith("_id") or name in _IDS:
        return Id
    check = _JSON.get(place) or _JSON.get(name)
    return str if check is None or place in _ANY_TEXT else Annotated[str, check]


def _argument_type(hint: Any, name: str = "") -> Any:
    """The type of a call's argument, or of a filter's field. One that is called as a field with JSON is JSON."""
    if hint is str:
        return Annotated[str, _JSON.get(name, AfterValidator(_has_no_nul))]
    if hint is int:
        return Annotated[int, Field(ge=-(2**31), lt=2**63)]
    if hint == Record:
        return Annotated[Any, _Checked(_record)]
    if _is_record(hint):
        return Annotated[Any, _Checked(partial(_made, hint))]
    return _over_parts(hint, lambda part: _argument_type(part, name))


def _over_parts(hint: Any, change: Callable[[Any], Any]) -> Any:
    """A type whose parts are changed: those of a union, of a tuple, of a sequence."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return Union[tuple(part if part is NoneType else change(part) for part in parts)]  # noqa: UP007
    if origin is tuple:
        return tuple[tuple(part if part is ... else change(part) for part in parts)]  # type: ignore[misc]
    if origin in (Iterable, Sequence):
        return Annotated[list[change(parts[0])], Field(max_length=_MOST_ITEMS)]  # type: ignore[misc]
    return hint


class _Checked(NamedTuple):
    """A function that returns what is right, and raises ValueError for all else."""

    check: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.check)


def _made(kind: Any, fields: Any) -> Any:
    """A record of its fields, which a call was given."""
    try:
        return _adapter(kind).validate_python(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(_reason(kind, {**first, "loc": (0, *first["loc"])})) from None


def _is_record(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields")


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    """What makes a record of a list of its fields."""
    is_filter = kind.__name__.endswith("Filter")
    defaults = kind._field_defaults
    parameters = []
    for name, hint in get_type_hints(kind).items():
        field = _argument_type(hint) if is_filter else _field_type(kind, name, hint)
        schema = TypeAdapter(field).core_schema
        if name in defaults:
            schema = core_schema.with_default_schema(schema, default=defaults[name])
        parameters.append(core_schema.arguments_parameter(name, schema, mode="positional_only"))
    schema = core_schema.call_schema(core_schema.arguments_schema(parameters), kind)
    return TypeAdapter(Annotated[Any, _Schema(schema)])


class _Schema(NamedTuple):
    schema: CoreSchema

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return self.schema


@cache
def _list_adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(list[Annotated[Any, _Schema(_adapter(kind).core_schema)]])


# Records


def encode_batch(records: Sequence[Record], epochs: Mapping[str, int]) -> bytes:
    """Records as JSON, after the claims under which they were written.

    Raises:
        TypeError: one holds what JSON cannot.
    """
    return b'[["OwnersRecord", [%s]]%s' % (json.dumps(json.dumps(epochs)).encode(), _after_first(records))


def _after_first(records: Sequence[Record]) -> bytes:
    rest = encode_records(records)[1:]
    return rest if rest == b"]" else b", " + rest


def encode_records(records: Sequence[Record]) -> bytes:
    """Records as JSON, whoever they are of.

    Raises:
        TypeError: one holds what JSON cannot.
    """
    try:
        return json.dumps(_tagged(records), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(_tagged(map(_escaped, records)), ensure_ascii=False).encode()


def _tagged(records: Iterable[Record]) -> list[tuple[str, Record]]:
    return [(type(record).__name__, record) for record in records]


def without(body: bytes, places: Iterable[int]) -> bytes:
    """Encoded records, without those at some places."""
    left_out = set(places)
    return json.dumps([each for place, each in enumerate(json.loads(body)) if place not in left_out]).encode()


def shown(body: bytes, place: int) -> str:
    """One of some encoded records, for a message."""
    return json.dumps(json.loads(body)[place])[:500]


def longest(body: bytes) -> int:
    """The place of the longest of some encoded records."""
    lengths = [len(json.dumps(each)) for each in json.loads(body)]
    return lengths.index(max(lengths))


def decode_id(body: bytes) -> str:
    """The id of a session."""
    return _ID_ANSWER.validate_json(body)


def _escaped(record: Any) -> Any:
    """A record with what UTF-8 has no bytes for, such as half of a surrogate pair, spelled out."""
    return record._make(
        value.encode("utf-8", "backslashreplace").decode() if type(value) is str else value for value in record
    )


def decode_batch(body: bytes) -> tuple[Mapping[str, int] | None, list[Record]]:
    """The claims under which a client writes, None if it does not say them, and its records.

    Raises:
        InvalidRecords: some are not what they should be.
        ValueError: the body is not JSON, or not a list.
    """
    first, *rest = decode_records(body) or [None]
    owned = next((place for place, record in enumerate(rest, 1) if isinstance(record, OwnersRecord)), None)
    if owned is not None:
        raise InvalidRecords({owned: "OwnersRecord: only the first record of a batch is one"})
    if isinstance(first, OwnersRecord):
        return _EPOCHS.validate_json(first.epochs), rest
    return None, [] if first is None else [first, *rest]


def decode_records(body: bytes) -> list[Any]:
    """The records of a client.

    Raises:
        InvalidRecords: some are not what they should be.
        ValueError: the body is not JSON, or not a list.
    """
    given = from_json(body, allow_inf_nan=False)
    if not isinstance(given, list):
        raise ValueError("The body is not a list of records.")  # noqa: TRY004
    places: dict[Any, list[int]] = {}
    refused: dict[int, str] = {}
    for place, each in enumerate(given):
        try:
            name, _ = each
            places.setdefault(_KINDS[name], []).append(place)
        except (KeyError, TypeError, ValueError):
            refused[place] = f"not a record; the records are {', '.join(_KINDS)}"
    found: list[Any] = [None] * len(given)
    for kind, at in places.items():
        try:
            made = _list_adapter(kind).validate_python([given[place][1] for place in at])
        except ValidationError as error:
            refused |= {at[int(each["loc"][0])]: _reason(kind, each) for each in error.errors(include_url=False)}
            continue
        for place, record in zip(at, made, strict=True):
            found[place] = record
    if refused:
        raise InvalidRecords(refused)
    return found


def _reason(kind: type[Any], error: Mapping[str, Any]) -> str:
    fields = error["loc"][1:]
    is_known = bool(fields) and isinstance(fields[0], int) and fields[0] < len(kind._fields)  # it may have too many
    at = f".{kind._fields[fields[0]]}" if is_known else ""
    return f"{kind.__name__}{at}: {error['msg'].removeprefix('Value error, ')}"


def _record(value: Any) -> Any:
    (record,) = decode_records(to_json([value]))
    if isinstance(record, OwnersRecord):
        raise InvalidRecords({0: "OwnersRecord: only the first record of a batch is one"})
    return record


# Methods


class Method:
    """A method of the protocol: how its arguments and its answer are JSON."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name = name
        hints = get_type_hints(function)
        self.returns = hints.pop("return")
        _, *rest = signature(function).parameters.values()  # without `self`
        self._signature = Signature(rest)
        self._hints = hints
        self._record_parameters = [each for each, hint in hints.items() if hint == Iterable[Record]]
        self.is_paged = get_origin(self.returns) is Iterator

    @cached_property
    def _arguments(self) -> type[BaseModel]:
        fields: dict[str, Any] = {}
        for each in self._signature.parameters.values():
            default = ... if each.default is Parameter.empty else each.default
            fields[each.name] = _argument_type(self._hints[each.name], each.name), default
        return create_model(self.name, __config__=ConfigDict(extra="forbid"), **fields)

    @cached_property
    def _answer(self) -> TypeAdapter[Any]:
        answer: Any = list[get_args(self.returns)[0]] if self.is_paged else self.returns  # type: ignore[misc]
        return TypeAdapter(answer)

    def encode_call(self, args: tuple[Any, ...], options: Mapping[str, Any]) -> bytes:
        """The arguments of a call, by name."""
        bound = self._signature.bind(*args, **options).arguments
        given = {name: list(bound[name]) for name in self._record_parameters}
        try:
            return json.dumps(bound | {name: _tagged(given[name]) for name in given}, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            escaped = {name: _tagged(map(_escaped, given[name])) for name in given}
            return json.dumps(bound | escaped, ensure_ascii=False).encode("utf-8", "backslashreplace")

    def decode_call(self, body: bytes) -> dict[str, Any]:
        """The arguments that a client gave.

        Raises:
            InvalidCall: they do not fit the method.
        """
        try:
            model = self._arguments.model_validate(from_json(body or b"{}", allow_inf_nan=False))
        except ValidationError as error:
            raise InvalidCall(f"The arguments of {self.name} do not fit: {reasons(error)}.") from None
        except ValueError as error:
            raise InvalidCall(f"The arguments of {self.name} are not JSON: {error}.") from None
        return {name: getattr(model, name) for name in type(model).model_fields}

    def encode_answer(self, value: Any) -> bytes:
        """What the method returned."""
        return to_json(value)

    def decode_answer(self, body: bytes) -> Any:
        """What the method returned on the server."""
        return self._answer.validate_json(body)


class InvalidCall(RecordRefused):
    """A call whose arguments do not fit its method."""


@cache
def methods_of(protocol: Any) -> Mapping[str, Callable[..., Any]]:
    """The functions of a protocol that are called one by one, by name; those of its parts as "part.name"."""
    found: dict[str, Callable[..., Any]] = {}
    for name, member in vars(protocol).items():
        if name.startswith("_") or name in _TOLD:
            continue
        if isinstance(member, property):
            part = get_type_hints(member.fget, localns={"Deployments": Deployments})["return"]
            found |= {f"{name}.{each}": function for each, function in vars(part).items() if not each.startswith("_")}
        elif callable(member):
            found[name] = member
    return found


def parts_of(protocol: Any) -> Sequence[str]:
    """The names of the parts of a protocol that have methods of their own."""
    return [name for name, member in vars(protocol).items() if isinstance(member, property)]


@cache
def method(protocol: Any, name: str) -> Method:
    """A method of a protocol by its name.

    Raises:
        KeyError: it has none.
    """
    return Method(name, methods_of(protocol)[name])


def session_of(name: str) -> type[Any] | None:
    """The protocol of what a method of the orchestrator opens, such as a pruning; None for plain methods."""
    returns = get_type_hints(methods_of(Orchestrator)[name]).get("return")
    return returns if getattr(returns, "_is_protocol", False) else None


__all__ = ["VERSION", "InvalidRecords", "decode_records", "encode_records", "method", "methods_of", "session_of"]
