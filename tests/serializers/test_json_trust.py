"""Loading JSON imports nothing, calls no code of a class that is not listed, and changes nothing for later loads."""

import contextlib
import copyreg
import json
import re
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import trusting_types
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import AnyUrl, NameEmail, PostgresDsn, TypeAdapter

from perdure import settings
from perdure._platform.memory import uncollected
from perdure._serializers import base, modules
from perdure._serializers.json_classes import path_of
from perdure._serializers.json_types import READERS
from perdure._serializers.json_urls import URL_READERS
from perdure.errors import ResultCorrupt, ResultUnreadable, ResultUntrusted
from perdure.filesystems import LocalFileSystem, RemoteFileSystem
from perdure.results import PersistedResultBlob
from perdure.serializers import JSONSerializer

SERIALIZER = JSONSerializer()
OURS = __name__, "trusting_types"


def load(value: Any) -> Any:
    return SERIALIZER.loads(json.dumps(value).encode())


def tag(kind: type | str, data: Any = None, **more: Any) -> dict[str, Any]:
    return {"__class__": kind if isinstance(kind, str) else path_of(kind), "data": data, **more}


@pytest.fixture(autouse=True)
def a_module_that_nobody_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "evil_plugin.py").write_text("dumps = loads = compress = decompress = lambda *_: None\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    trusting_types.ran.clear()


SERIALIZER_TYPES = {
    "perdure.serializers.json.JSONSerializer": "jsonlib",
    "perdure.serializers.pickle.PickleSerializer": "picklelib",
    "perdure.serializers.compressed.CompressedSerializer": "compressionlib",
    "perdure.serializers.JSONSerializer": "jsonlib",
}


@pytest.mark.parametrize("exact", [{}, {"exact": True}])
@pytest.mark.parametrize("path", SERIALIZER_TYPES)
def test_no_serializer_is_made_from_json(path: str, exact: dict[str, bool]) -> None:
    with pytest.raises(ResultUntrusted, match="not made from JSON"):
        load(tag(path, {SERIALIZER_TYPES[path]: "evil_plugin"}, **exact))
    assert "evil_plugin" not in sys.modules


def test_a_storage_that_opens_what_it_names_is_not_made_from_json_but_plain_ones_are() -> None:
    with pytest.raises(ResultUntrusted):
        load(tag(RemoteFileSystem, {"basepath": "reference://x"}))
    storage = LocalFileSystem(basepath="/a")
    assert SERIALIZER.loads(SERIALIZER.dumps(storage)) == storage


CODE = {
    "validator": (trusting_types.Validated, {"x": 1}),
    "validator within": (trusting_types.Holds, {"inner": {"x": 1}}),
    "import by name": (trusting_types.Imports, {"plugin": "evil_plugin"}),
    "serializer within": (trusting_types.HoldsSerializer, {"serializer": {"type": "json", "jsonlib": "evil_plugin"}}),
    "__init__": (trusting_types.Initialised, {"x": 1}),
    "__post_init__": (trusting_types.PostInitialised, {"x": 1}),
}


@pytest.mark.parametrize("name", CODE)
def test_code_of_a_class_is_not_called_with_what_a_document_holds(name: str) -> None:
    kind, data = CODE[name]
    with pytest.raises(ResultUntrusted, match=f"add '{path_of(kind)}' to that setting"):
        load(tag(kind, data))
    assert not trusting_types.ran
    assert "evil_plugin" not in sys.modules


def test_it_is_called_where_the_class_is_listed() -> None:
    with settings.temporary_settings(results_allowed_classes="trusting_types.*"):
        assert load(tag(trusting_types.Validated, {"x": 1})) == trusting_types.Validated(x=1)


def test_a_listed_class_chooses_no_library_for_later_loads() -> None:
    description = {"type": "json", "jsonlib": "evil_plugin"}
    with (
        settings.temporary_settings(results_allowed_classes="trusting_types.*"),
        pytest.raises((ResultUnreadable, ResultCorrupt)),
    ):
        load(tag(trusting_types.HoldsSerializer, {"serializer": description}))
    assert "evil_plugin" not in sys.modules
    with pytest.raises(ResultUnreadable, match="not chosen"):
        PersistedResultBlob(description, b"1").load()


def test_enums_and_exceptions_are_had_without_their_own_code() -> None:
    assert load(tag(trusting_types.Lenient, 1)) is trusting_types.Lenient.ONE
    with pytest.raises(ResultUnreadable, match="no member 2"):
        load(tag(trusting_types.Lenient, 2))
    error = load({"__exc_type__": "trusting_types.Loud", "message": "x", "args": ["a", 1]})
    assert (type(error), error.args) == (trusting_types.Loud, ("a", 1))
    assert not trusting_types.ran


@pytest.mark.parametrize("name", ["trusting_types.Plain", "trusting_types.Lenient", "trusting_types.Loud"])
def test_with_a_list_json_makes_only_what_it_names(name: str) -> None:
    value = {"__exc_type__": name, "message": "x"} if name.endswith("Loud") else tag(name, {"x": 1}, exact=True)
    value = tag(name, 1) if name.endswith("Lenient") else value
    with settings.temporary_settings(results_allowed_classes="myapp.models.*"):
        with pytest.raises(ResultUntrusted, match=f"add '{name}'"):
            load(value)
        assert isinstance(load({"__exc_type__": "builtins.ValueError", "message": "x"}), ValueError)
    with settings.temporary_settings(results_allowed_classes="myapp.models.*,trusting_types.*"):
        assert path_of(type(load(value))) == name


class _Nameless(type):
    """Some compiled classes of classes have a property where others have the name of their module."""

    __module__ = property(lambda _: "x")  # type: ignore[assignment]


def test_a_class_that_does_not_say_where_it_is_from_is_refused() -> None:
    with pytest.raises(ResultUnreadable, match="is no class of values"):
        load({"__class__": f"{__name__}._Nameless", "data": 1})
    with pytest.raises(ResultUnreadable):
        load({"__exc_type__": f"{__name__}._Nameless", "message": "x"})


def test_what_prefect_wrote_is_validated_by_pydantic_alone() -> None:
    assert load(tag(trusting_types.Plain, {"x": "3"})) == trusting_types.Plain(x=3)


@pytest.mark.parametrize(
    "value",
    [
        TypeAdapter(AnyUrl).validate_python("https://a.example/x?y"),
        PostgresDsn("postgres://u:p@h:1/db"),
        NameEmail(name="Ada L", email="ada@example.org"),
        NameEmail(name="a@b", email="ada@example.org"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_addresses_come_back(value: Any) -> None:
    loaded = load(tag(type(value), str(value)))
    assert (type(loaded), str(loaded)) == (type(value), str(value))


# Work: about as much as there are characters

ENDLESS = tag("builtins.range", [0, 10**15, 1])
ALIKE = [each * (2**61 - 1) for each in range(1, 20_000)]
HEAVY = {
    "fraction": tag("fractions.Fraction", "1e99999999"),
    "fraction of a decimal": tag("fractions.Fraction", tag("decimal.Decimal", "1e99999999")),
    "int of a decimal": tag("builtins.int", tag("decimal.Decimal", "1e99999999")),
    "long int": tag("builtins.int", "9" * 100_000),
    "plain long int": [int("9" * 4_300)] * 2,
    "list of a range": tag("builtins.list", ENDLESS),
    "tuple of a range": tag("builtins.tuple", ENDLESS),
    "set of a range": tag("builtins.set", ENDLESS),
    "deque of a range": tag("collections.deque", ENDLESS),
    "counter of a range": tag("collections.Counter", ENDLESS),
    "model of a range": tag(trusting_types.Plain, {"x": [ENDLESS]}),
    "arguments of a range": {"__exc_type__": "builtins.ValueError", "message": "", "args": ENDLESS},
    "group of a range": {"__exc_type__": "builtins.ExceptionGroup", "message": "", "args": ["x", ENDLESS]},
    "set of one hash": tag("builtins.set", ALIKE),
    "dict of one hash": tag("builtins.dict", [[each, 0] for each in ALIKE]),
    "defaultdict of one hash": tag("collections.defaultdict", [[each, 0] for each in ALIKE]),
    "pattern": tag("re.Pattern", "[\0-\U0010ffff]" * 3_000, flags=2),
    "pattern of escapes": tag("re.Pattern", r"(?i)[\x00-\U0010ffff]" * 3_000),
    "pattern that prints": tag("re.Pattern", "a", flags=128),
    "duration": tag("datetime.timedelta", f"P{'9' * 4_000}D"),
    "time of a decimal": tag("numpy.datetime64", tag("decimal.Decimal", "1e99999999"), unit=["D", 1]),
    "zone": tag("zoneinfo.ZoneInfo", "a.b/c"),
}


@pytest.mark.parametrize("name", HEAVY)
def test_a_few_characters_do_not_stand_for_much_work(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    data = json.dumps(HEAVY[name]).encode()
    began = time.thread_time()
    with uncollected(), contextlib.suppress(ResultCorrupt, ResultUnreadable):  # there may be much of other tests
        value = SERIALIZER.loads(data)
        assert name == "plain long int", value
    assert time.thread_time() - began < 2
    assert not capfd.readouterr().out


def test_what_honest_values_need_is_read() -> None:
    honest = [
        Fraction(-3, 4),
        range(10**15),
        re.compile("[\u0430-\u044f]+", re.IGNORECASE),
        set(range(100_000)),
        {(1, 2): 3},
    ]
    loaded = SERIALIZER.loads(SERIALIZER.dumps(honest))
    assert loaded == honest


# The property

_KNOWN = [*READERS, *URL_READERS, *SERIALIZER_TYPES, *(f"trusting_types.{name}" for name in vars(trusting_types))]
_ABSENT = ["antigravity.geohash", "evil_plugin.X", "this.s", "idlelib.idle.x", "turtle.Turtle", "", ".", "a..b", "os"]


def _imported() -> list[str]:
    """Classes of all kinds that this process has imported, under each name that a module has for them."""
    found = []
    for module in list(sys.modules.values()):
        for name, each in list(vars(module).items()):
            if isinstance(each, type) and module.__name__.partition(".")[0] not in ("pytest", "_pytest", "hypothesis"):
                found.append(f"{module.__name__}.{name}")
    return sorted(set(found))


NAMES = st.sampled_from(_KNOWN) | st.sampled_from(_ABSENT) | st.sampled_from(_imported())
TEXTS = st.sampled_from(["evil_plugin", "pickle", "evil_plugin.X", "1e9", "2024-01-01", "a@b.c", "UTC", "json"])
FIELDS = st.sampled_from(
    ["data", "message", "args", "exact", "state", "extra", "fields_set", "zone", "flags", "x", "jsonlib", "type"]
)


def _tags(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    fields = st.dictionaries(FIELDS, inner, max_size=4)
    classes = st.tuples(fields, NAMES, inner).map(lambda each: each[0] | {"__class__": each[1], "data": each[2]})
    errors = st.tuples(fields, NAMES).map(lambda each: each[0] | {"__exc_type__": each[1], "message": ""})
    return st.lists(inner, max_size=3) | fields | classes | errors


DOCUMENTS = st.recursive(st.none() | st.booleans() | st.integers() | TEXTS, _tags, max_leaves=6)


def registries() -> tuple[Any, ...]:
    return set(modules._chosen), dict(base._types), dict(copyreg.dispatch_table), dict(copyreg._extension_registry)


@pytest.mark.slow
@given(DOCUMENTS)
@hypothesis_settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_document_imports_a_module_or_changes_what_a_later_one_may_do(value: Any) -> None:
    before, known = registries(), set(sys.modules)
    with contextlib.suppress(ResultCorrupt, ResultUnreadable, ResultUntrusted):
        load(value)
    # pydantic imports parts of itself where it needs them first; the names of zones may lie in a package of theirs.
    new = {name for name in sys.modules if name not in known and not name.startswith(("pydantic", "tzdata"))}
    assert not new
    assert registries() == before
    assert not trusting_types.ran
