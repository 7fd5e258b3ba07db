"""Classes of a program in pickles: by name where the reader has the program, else as a copy."""

import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from perdure._platform import programs
from perdure._serializers import references
from perdure.errors import ResultUnreadable
from perdure.serializers import JSONSerializer, PickleSerializer

SOURCE = """
import enum
from dataclasses import dataclass

class Colour(enum.Enum):
    RED = 1

@dataclass
class Order:
    colour: Colour
    number: int = 1
"""
FILE = Path("/somewhere/shop/orders.py")


@dataclass
class Loaded:
    """A program that was loaded by its path, as long as the test has it."""

    module: ModuleType


def loaded(source: str = SOURCE, file: Path = FILE, name: str = "orders_of_test") -> ModuleType:
    """A module as loading a file by its path makes it."""
    module = ModuleType(name)
    module.__file__ = str(file)
    sys.modules[name] = module
    programs.note_loaded(module, file.stem)
    exec(compile(source, str(file), "exec"), vars(module))
    return module


def forget(module: ModuleType) -> None:
    del sys.modules[module.__name__], programs._loaded[module.__name__]


@pytest.fixture
def orders() -> Iterator[ModuleType]:
    module = loaded()
    yield module
    if module.__name__ in sys.modules:
        forget(sys.modules[module.__name__])
    references._said.clear()


def test_the_class_of_a_program_is_itself_again(orders: ModuleType) -> None:
    value = orders.Order(orders.Colour.RED)
    for serializer in (PickleSerializer(), PickleSerializer(picklelib="pickle"), JSONSerializer()):
        read = serializer.loads(serializer.dumps(value))
        assert type(read) is orders.Order
        assert read.colour is orders.Colour.RED


def test_the_program_under_another_name_in_the_process_is_the_same_one(orders: ModuleType) -> None:
    serializers = (PickleSerializer(), JSONSerializer())
    written = [each.dumps(orders.Colour.RED) for each in serializers]
    forget(orders)
    again = loaded(name="orders_program_of_test")
    try:
        for serializer, data in zip(serializers, written, strict=True):
            assert serializer.loads(data) is again.Colour.RED
    finally:
        forget(again)


def test_the_main_program_has_what_was_loaded_by_its_path(orders: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    written = [each.dumps(orders.Colour.RED) for each in (PickleSerializer(), JSONSerializer())]
    forget(orders)
    main = ModuleType("__main__")
    main.__file__ = str(FILE)
    exec(compile(SOURCE, str(FILE), "exec"), vars(main))
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert PickleSerializer().loads(written[0]) is main.Colour.RED
    assert JSONSerializer().loads(written[1]) is main.Colour.RED


def test_without_the_program_copies_stand_for_its_classes_and_it_is_said(
    orders: ModuleType, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("perdure"), "propagate", True)
    forget(orders)
    orders = loaded(f"{SOURCE}    said: bool = True\n")  # a definition that no other test has
    written = [PickleSerializer().dumps(orders.Order(orders.Colour.RED))]
    forget(orders)
    another_run = loaded(f"{SOURCE}    said: bool = True\n")
    written.append(PickleSerializer().dumps(another_run.Order(another_run.Colour.RED)))
    forget(another_run)
    one, other = map(PickleSerializer().loads, written)
    assert one == other
    assert type(one).__name__ == "Order"
    said = {id(record): record.getMessage() for record in caplog.records}.values()  # pytest may catch one twice
    assert (
        len([text for text in said if text.startswith("'Order' of the program 'orders' is not in this process")]) == 1
    )


def test_a_class_of_the_same_name_in_another_project_is_not_taken(orders: ModuleType) -> None:
    data = PickleSerializer().dumps(orders.Order(orders.Colour.RED))
    forget(orders)
    other = loaded(SOURCE.replace("number: int = 1", "number: int = 2"), Path("/elsewhere/orders.py"))
    read = PickleSerializer().loads(data)
    assert type(read) is not other.Order
    assert read.number == 1


def cells(*sources: str) -> ModuleType:
    """The main module of a notebook, whose cells were run one after the other."""
    main = ModuleType("__main__")
    for number, source in enumerate(sources):
        exec(compile(source, f"<cell {number}>", "exec"), vars(main))
    return main


@pytest.mark.parametrize(
    ("again", "is_same"), [(SOURCE, True), (SOURCE.replace("RED = 1", "RED = 1\n    BLUE = 2"), False)]
)
def test_a_notebook_has_its_classes_again_if_they_are_defined_alike(
    monkeypatch: pytest.MonkeyPatch, again: str, is_same: bool
) -> None:
    monkeypatch.setitem(sys.modules, "__main__", cells(SOURCE))
    data = PickleSerializer().dumps(sys.modules["__main__"].Colour.RED)
    restarted = cells("x = 1", again)
    monkeypatch.setitem(sys.modules, "__main__", restarted)
    read = PickleSerializer().loads(data)
    assert (read is restarted.Colour.RED) is is_same
    assert read.name == "RED"


def test_a_class_whose_methods_use_what_cannot_be_pickled_is_named_all_the_same() -> None:
    module = loaded("import threading\nlock = threading.Lock()\nclass Guarded:\n    def use(self): return lock\n")
    try:
        data = PickleSerializer().dumps(module.Guarded())
        assert type(PickleSerializer().loads(data)) is module.Guarded
    finally:
        forget(module)
    from perdure.errors import ResultUnreadable

    with pytest.raises(ResultUnreadable, match=r"'Guarded' of the program 'orders', which this process has not loaded"):
        PickleSerializer().loads(data)


def test_an_allow_list_names_classes_of_programs_by_what_they_would_be_imported_by(
    orders: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    from perdure import settings
    from perdure.errors import ResultUntrusted

    data = PickleSerializer().dumps(orders.Order(orders.Colour.RED))
    with settings.temporary_settings(results_allowed_classes="orders.Order, orders.Colour"):
        read: Any = PickleSerializer().loads(data)
        assert type(read) is orders.Order
    with (
        settings.temporary_settings(results_allowed_classes="orders.Order"),
        pytest.raises(ResultUntrusted, match=r"orders\.Colour"),
    ):
        PickleSerializer().loads(data)


def test_a_class_that_a_function_made_is_known_by_the_name_that_the_program_has_for_it() -> None:
    source = (
        "import enum\nfrom collections import namedtuple\n"
        "def make():\n    class Hidden(Exception):\n        pass\n    return Hidden\n"
        "Hidden = make()\nOther = make()\n"
    )
    module = loaded(source)
    try:
        read = PickleSerializer().loads(PickleSerializer().dumps([module.Hidden("x"), module.Other("y")]))
        assert type(read[0]) is module.Hidden
        assert type(read[1]) is module.Other  # a copy, which is the class itself in the process that made it
    finally:
        forget(module)


GENERIC = """
import enum
from typing import Generic, TypeVar
import pydantic
T = TypeVar("T")
class Colour(enum.Enum):
    RED = 1
class Page(pydantic.BaseModel, Generic[T]):
    items: list[T]
class Pages(pydantic.BaseModel, Generic[T]):
    pages: list[Page[T]]
"""


def test_a_generic_model_of_a_program_has_the_class_that_its_parameters_give(orders: ModuleType) -> None:
    module = loaded(GENERIC, FILE.with_name("pages.py"), "pages_of_test")
    try:
        page = module.Page[module.Colour](items=[module.Colour.RED])
        value = {"page": page, "pages": module.Pages[module.Colour](pages=[page]), "of": module.Page[list[int]]}
        found = PickleSerializer().loads(PickleSerializer().dumps(value))
    finally:
        forget(module)

    assert found == value
    assert type(found["page"]) is type(page)
    assert found["page"].items[0] is module.Colour.RED
    assert type(found["pages"].pages[0]) is type(page)
    assert found["of"] is module.Page[list[int]]


def test_only_a_generic_model_is_given_parameters() -> None:
    with pytest.raises(ResultUnreadable, match="not a generic model"):
        references.parametrized_model(dict, (int,))
