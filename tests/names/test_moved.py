"""What is in one module now and was in another one before is found by each of its names."""

import importlib
import pickle
import sys
from collections.abc import Iterator

import pytest

from perdure import settings
from perdure._engine.identity.names import name_of
from perdure._platform import moved, moved_names
from perdure._serializers.text import to_base64
from perdure.errors import ResultUntrusted
from perdure.results import Retention
from perdure.serializers import JSONSerializer, PickleSerializer

OLD, BETWEEN, NOW = "perdure.old.retention", "perdure._old.retention", Retention.__module__


@pytest.fixture(autouse=True)
def tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if two modules had had other names."""
    monkeypatch.setattr(moved_names, "MODULES", {"perdure.old": "perdure._model", OLD: NOW})
    monkeypatch.setattr(moved_names, "RENAMED", {BETWEEN: NOW, "perdure._model.new": "perdure._model.states"})
    monkeypatch.setattr(moved_names, "SPLIT", {})
    monkeypatch.setattr(moved_names, "PUBLIC", {"perdure.open": {"Retention": OLD}})
    moved._tables.cache_clear()
    moved.find_former_modules()
    yield
    moved._tables.cache_clear()
    for name in ("perdure.old", OLD):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("module", [OLD, BETWEEN, NOW, "perdure.open"])
def test_each_of_its_names_leads_to_the_one_of_today_and_to_the_first(module: str) -> None:
    path = f"{module}.Retention.of"
    assert moved.current(path) == f"{NOW}.Retention.of"
    assert moved.first(path) == f"{OLD}.Retention.of"
    assert moved.all_names(path) == {f"{each}.Retention.of" for each in (OLD, NOW, "perdure.open", module)}


@pytest.mark.parametrize("module", ["perdure._model.new", "perdure._model.states"])
def test_a_module_that_came_under_a_private_name_keeps_that_as_its_first(module: str) -> None:
    path = f"{module}.Fetchable"
    assert (moved.current(path), moved.first(path)) == (
        "perdure._model.states.Fetchable",
        "perdure._model.new.Fetchable",
    )


def test_names_of_others_stay() -> None:
    for path in ("collections.OrderedDict", "perdure.unknown.Thing", "perdure"):
        assert moved.current(path) == moved.first(path) == path


def test_digests_name_a_class_as_it_was_named_first() -> None:
    assert name_of(Retention) == f"{OLD}.Retention"


def test_importing_a_former_module_warns_and_has_all_that_the_one_of_today_has() -> None:
    with pytest.warns(DeprecationWarning, match="has moved") as warned:
        module = importlib.import_module(OLD)
    assert "The module perdure.old.retention has moved. Import from perdure.open." in [str(w.message) for w in warned]
    assert module.Retention is Retention
    assert "Retention" in dir(module)


def of_old(value: object) -> bytes:
    """A pickle that names the class as it was named before."""
    return pickle.dumps(value, 2).replace(NOW.encode(), OLD.encode())


def test_pickles_in_documents_are_read_without_a_warning() -> None:
    document = to_base64(of_old(Retention()))
    assert type(PickleSerializer().loads(document)) is Retention


@pytest.mark.parametrize("allowed", [f"{OLD}.*", "perdure.open.*", f"{NOW}.Retention"])
def test_an_allow_list_takes_each_of_its_names(allowed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_RESULTS_ALLOWED_CLASSES", allowed)
    settings.reload()
    assert type(PickleSerializer().loads(to_base64(of_old(Retention())))) is Retention


def test_an_allow_list_without_any_of_its_names_refuses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_RESULTS_ALLOWED_CLASSES", "perdure._model.records.*")
    settings.reload()
    with pytest.raises(ResultUntrusted):
        PickleSerializer().loads(to_base64(of_old(Retention())))


def test_json_finds_a_class_by_its_former_name() -> None:
    text = JSONSerializer().dumps(ValueError("x")).replace(b"builtins", b"perdure.old.retention")
    with pytest.raises(Exception, match=r"perdure\.old\.retention\.ValueError"):  # it looked there, and found none
        JSONSerializer().loads(text)


def test_a_plain_pickle_is_read_with_a_warning() -> None:
    with pytest.warns(DeprecationWarning, match="has moved"):
        assert type(pickle.loads(of_old(Retention()))) is Retention


def test_a_public_module_names_what_it_exports_and_was_private() -> None:
    kind = type("Kind", (), {"__module__": "perdure._private"})
    exported = type("Exported", (), {"__module__": "perdure.states"})
    moved.export({"__name__": "perdure.open", "__all__": ["Kind", "Exported"], "Kind": kind, "Exported": exported})
    assert (kind.__module__, exported.__module__) == ("perdure.open", "perdure.states")
