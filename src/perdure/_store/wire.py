"""The protocol as HTTP carries it: its methods and records as JSON, derived from the protocol itself.

A method that is added to `Orchestrator`, or a record to `Record`, is carried without a line here. A record is
`[its class's name, [its fields]]`. What comes from a client is checked down to each text that must be an id or JSON,
so that a server keeps nothing that its readers could not read.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property, partial
from inspect import Parameter, Signature, signature
from types import NoneType, UnionType
from typing import Annotated, Any, Protocol, TypeGuard, Union, get_args, get_origin, get_type_hints

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

from perdure import _rooms
from perdure._model import fields, records
from perdure._model.errors import RecordRefused, reasons
from perdure._model.fields import word_of
from perdure._model.filters import choices_of
from perdure._model.ports import needed_by
from perdure._model.records import CacheRecord, OwnersRecord, Record, ResultRecord
from perdure._platform.clock import Micros
from perdure._platform.named import NamedTuple
from perdure._rooms.events.port import Event
from perdure._rooms.results.port import Pruning
from perdure._store.field_checks import CHECKS, EPOCHS, Id, decoded, has_no_nul
from perdure._store.protocol import Orchestrator
from perdure._store.spelled_records import HALF_IN_JSON, spelled_record, spelled_value

VERSION = 3  # of the protocol; a higher one has records or methods that this server cannot know
OLDEST = 1  # the oldest one that is served
VERSION_HEADER = "Perdure-Protocol"
SOURCE_HEADER = "Perdure-Source"  # who delivers: an id
SEQUENCE_HEADER = "Perdure-Sequence"  # of a batch or a call: one more than that of the one before
GAP_HEADER = "Perdure-Gap"  # "known": what is missing before this batch will not come

# What batches of records do, and whom they are of.
_NOT_CALLS = ("report", "commit", "flush", "close", "own", "disown", "hear_of_lost", "has_block", "room")
# What the protocol of orchestrators only names, so that who only runs flows need not import it.
_NAMED = {**vars(records), **vars(fields), "Callable": Callable, "Iterable": Iterable, "Sequence": Sequence}
for _room in _rooms.parts("records").values():
    _NAMED |= vars(_room)
_NAMED |= {"Event": Event, "Pruning": Pruning, "Micros": Micros}
_MOST_ITEMS = 30_000  # of a list among a call's arguments: a database takes as many parameters
_KINDS: Mapping[str, type[NamedTuple]] = {kind.__name__: kind for kind in (*get_args(Record), OwnersRecord)}


class InvalidRecords(RecordRefused):
    """Records that are not what they should be; `refused` says why, by their places in the batch."""

    def __init__(self, refused: Mapping[int, str]) -> None:
        place, why = next(iter(refused.items()))
        super().__init__(f"{len(refused)} records are not valid; the one at {place}: {why}")
        self.refused = refused


# Fields


def _is_staged(text: str) -> str:
    pair = decoded(text)
    if not isinstance(pair, list) or len(pair) != 2:
        raise ValueError("not a list of a result and of a cache entry or null")
    result, cached = pair
    _adapter(ResultRecord).validate_python(result)
    if cached is not None:
        _adapter(CacheRecord).validate_python(cached)
    return text


_CHECKS = {**CHECKS, "staged": AfterValidator(_is_staged)}


def _field_type(hint: object) -> Any:
    """The type of a record's field, with what is beside it."""
    word = word_of(hint)
    if word is not None:
        return Annotated[get_args(hint)[0], _CHECKS[word]]
    return Annotated[int, Field(ge=0, lt=2**63)] if hint is int else _over_parts(hint, _field_type)


def _argument_type(hint: object) -> Any:
    """The type of a call's argument, or of a filter's field."""
    word = word_of(hint)
    if hint is str or word == "id":
        return Annotated[str, AfterValidator(has_no_nul)]
    if hint is int or word == "time":
        return Annotated[int, Field(ge=-(2**31), lt=2**63)]
    if word is not None:
        return _field_type(hint)
    if hint == Record:
        return Annotated[object, _Checked(_record)]
    if _is_record(hint):
        return Annotated[object, _Checked(partial(_made, hint))]
    return _over_parts(hint, _argument_type)


def _over_parts(hint: object, change: Callable[[object], object]) -> Any:
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

    check: Callable[[object], object]

    def __get_pydantic_core_schema__(self, _: object, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.check)


def _made(kind: type[NamedTuple], fields: object) -> object:
    """A record of its fields, which a call was given."""
    try:
        return _adapter(kind).validate_python(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(_reason(kind, {**first, "loc": (0, *first["loc"])})) from None


def _is_record(hint: object) -> TypeGuard[type[NamedTuple]]:
    return isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields")


@cache
def _adapter(kind: type[NamedTuple]) -> TypeAdapter[object]:
    """What makes a record of a list of its fields."""
    is_filter = kind.__name__.endswith("Filter")
    defaults = kind._field_defaults
    parameters = []
    hints = {choice.name: choice.hint for choice in choices_of(kind)}
    for name, hint in hints.items():
        field = _argument_type(hint) if is_filter else _field_type(hint)
        schema = TypeAdapter(field).core_schema
        if name in defaults:
            schema = core_schema.with_default_schema(schema, default=defaults[name])
        parameters.append(core_schema.arguments_parameter(name, schema, mode="positional_only"))
    schema = core_schema.call_schema(core_schema.arguments_schema(parameters), kind)
    if kind is ResultRecord:
        schema = core_schema.no_info_after_validator_function(_holds_no_document, schema)
    return TypeAdapter(Annotated[object, _Schema(schema)])


def _holds_no_document(record: ResultRecord) -> ResultRecord:
    if record.kind == "persisted" and record.value is not None:  # others would load what its writer has made
        raise ValueError("a document is in no record that is sent; results of clients lie in storages")
    return record


class _Schema(NamedTuple):
    schema: CoreSchema

    def __get_pydantic_core_schema__(self, _: object, __: GetCoreSchemaHandler) -> CoreSchema:
        return self.schema


@cache
def _list_adapter(kind: type[NamedTuple]) -> TypeAdapter[list[object]]:
    return TypeAdapter(list[Annotated[object, _Schema(_adapter(kind).core_schema)]])


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
        encoded = json.dumps(_tagged(records), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        encoded = b""
    if encoded and HALF_IN_JSON not in encoded:
        return encoded
    return json.dumps(_tagged(map(spelled_record, records)), ensure_ascii=False).encode()


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
    return TypeAdapter(Id).validate_json(body)


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
        return EPOCHS.validate_json(first.epochs), rest
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
    places: dict[type[NamedTuple], list[int]] = {}
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


def _reason(kind: type[NamedTuple], error: Mapping[str, Any]) -> str:
    fields = error["loc"][1:]
    is_known = bool(fields) and isinstance(fields[0], int) and fields[0] < len(kind._fields)  # it may have too many
    at = f".{kind._fields[fields[0]]}" if is_known else ""
    return f"{kind.__name__}{at}: {error['msg'].removeprefix('Value error, ')}"


def _record(value: object) -> object:
    (record,) = decode_records(to_json([value]))
    if isinstance(record, OwnersRecord):
        raise InvalidRecords({0: "OwnersRecord: only the first record of a batch is one"})
    return record


# Methods


class Method:
    """A method of the protocol: how its arguments and its answer are JSON."""

    def __init__(self, name: str, function: Callable[..., object], protocol: object) -> None:
        self.name = name
        self.needs = needed_by(function)
        parameters = _parameters_of(protocol)
        found = get_type_hints(function, vars(sys.modules[function.__module__]) | _NAMED, include_extras=True)
        hints = {each: _over_variables(hint, parameters) for each, hint in found.items()}
        self.returns = hints.pop("return")
        _, *rest = signature(function).parameters.values()  # without `self`
        self._signature = Signature(rest)
        self._hints = hints
        self._record_parameters = [each for each, hint in hints.items() if hint == Iterable[Record]]
        self.is_paged = get_origin(self.returns) is Iterator
        self._has_results = _mentions(self.returns, ResultRecord)

    @cached_property
    def _arguments(self) -> type[BaseModel]:
        fields: dict[str, Any] = {}
        for each in self._signature.parameters.values():
            default = ... if each.default is Parameter.empty else each.default
            fields[each.name] = _argument_type(self._hints[each.name]), default
        return create_model(self.name, __config__=ConfigDict(extra="forbid"), **fields)

    @cached_property
    def _answer(self) -> TypeAdapter[object]:
        answer: Any = list[get_args(self.returns)[0]] if self.is_paged else self.returns  # type: ignore[misc]
        return TypeAdapter(answer)

    def encode_call(self, args: tuple[object, ...], options: Mapping[str, object]) -> bytes:
        """The arguments of a call, by name."""
        bound = self._signature.bind(*args, **options).arguments
        given = {name: list(bound[name]) for name in self._record_parameters}
        try:
            encoded = json.dumps(bound | {name: _tagged(given[name]) for name in given}, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            encoded = b""
        if encoded and HALF_IN_JSON not in encoded:
            return encoded
        escaped = {name: _tagged(map(spelled_record, given[name])) for name in given}
        others = {name: spelled_value(value, word_of(self._hints[name])) for name, value in bound.items()}
        return json.dumps(others | escaped, ensure_ascii=False).encode()

    def decode_call(self, body: bytes) -> dict[str, object]:
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

    def encode_answer(self, value: object) -> bytes:
        """What the method returned; documents that the database has itself stay here, as files do."""
        return to_json(_without_documents(value) if self._has_results else value)

    def decode_answer(self, body: bytes) -> Any:
        """What the method returned on the server."""
        return self._answer.validate_json(body)


def _mentions(hint: object, kind: type) -> bool:
    return hint is kind or any(_mentions(part, kind) for part in get_args(hint))


def _without_documents(value: object) -> object:
    if isinstance(value, ResultRecord):
        return value._replace(value=None) if value.kind == "persisted" and value.value is not None else value
    return [_without_documents(each) for each in value] if type(value) in (list, tuple) else value  # type: ignore[attr-defined]


def _parameters_of(protocol: object) -> Mapping[object, object]:
    """What stands in a protocol for the variables of the generic ones that it is made from."""
    bases = [base for base in getattr(protocol, "__orig_bases__", ()) if get_origin(base) not in (None, Protocol)]
    return {
        variable: given
        for base in bases
        for variable, given in zip(get_origin(base).__parameters__, get_args(base), strict=True)
    }


def _over_variables(hint: Any, parameters: Mapping[object, object]) -> Any:
    """A type with its variables replaced."""
    if hint in parameters:
        return parameters[hint]
    variables = getattr(hint, "__parameters__", ())
    return hint[tuple(parameters.get(each, each) for each in variables)] if variables and parameters else hint


class InvalidCall(RecordRefused):
    """A call whose arguments do not fit its method."""


@cache
def own_methods(protocol: type) -> Mapping[str, Callable[..., object]]:
    """The functions of a protocol that are called one by one, by name; those of its parts are not among them."""
    bases = [base for base in protocol.__mro__ if base.__module__ != "typing"]
    left_out = _NOT_CALLS if protocol is Orchestrator else ("close",)
    return {
        name: member
        for base in reversed(bases)
        for name, member in vars(base).items()
        if not name.startswith("_") and name not in left_out and callable(member)
    }


def names() -> Sequence[str]:
    """All that can be called of an orchestrator; what a room does for it, as "room.name"."""
    ports = ((f"{name}.", _rooms.port_of(name)) for name in _rooms.PACKAGES)
    parts = ((prefix, port) for prefix, port in ports if port is not None)
    return [prefix + name for prefix, protocol in (("", Orchestrator), *parts) for name in own_methods(protocol)]


@cache
def method(protocol: object, name: str) -> Method:
    """A method of a protocol by its name.

    Raises:
        KeyError: it has none.
    """
    room, _, own = name.rpartition(".")
    of = _rooms.port_of(room) if room else protocol
    if of is None:
        raise KeyError(name)
    return Method(name, own_methods(of)[own], of)


def session_of(name: str) -> type | None:
    """The protocol of what a method of the orchestrator opens, such as a pruning; None for plain methods."""
    returns = method(Orchestrator, name).returns
    return returns if getattr(returns, "_is_protocol", False) else None


__all__ = ["VERSION", "InvalidRecords", "decode_records", "encode_records", "method", "names", "session_of"]
