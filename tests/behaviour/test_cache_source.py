"""`TASK_SOURCE`: which changes of code make a task run again, and which do not."""

import importlib
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from perdure._engine.identity.class_members import members_not_said
from perdure._engine.identity.source import digests_of_source
from perdure._engine.identity.source_files import body_of_class

Digests = Callable[..., tuple[str, str]]

LOAD = """
    import helpers
    from helpers import clean

    LIMIT = 10

    def load(day, most=3):
        return clean(day)[:LIMIT]
"""
HELPERS = """
    SEPARATOR = ","

    def clean(text):
        return [strip(each) for each in text.split(SEPARATOR)]

    def strip(text):
        return text.strip()

    def unused(text):
        return text.upper()
"""


@pytest.fixture
def digests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Digests]:
    """The digests of the function `load` of a script, as a new process sees it with some text replaced."""
    before = set(sys.modules)
    count = 0

    def forget() -> None:
        for name in set(sys.modules) - before:
            if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]

    def write(load: str = LOAD, helpers: str = HELPERS, *replaced: tuple[str, str]) -> tuple[str, str]:
        nonlocal count
        count += 1
        forget()
        project = tmp_path / f"project-{count}"
        project.mkdir()
        for name, text in {"script": load, "helpers": helpers}.items():
            text = textwrap.dedent(text)
            for old, new in replaced:
                text = text.replace(old, new)
            (project / f"{name}.py").write_text(text)
        monkeypatch.syspath_prepend(str(project))
        return digests_of_source(importlib.import_module("script").load)

    yield write
    forget()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    return clean", "    # a comment\n\n    return clean"),
        ("    return clean", "    '''A docstring.'''\n    return clean"),
        ("(day, most=3)", "(\n    day,\n    most=3,\n)"),
        ("def load", "\n\n\ndef load"),
        ('","', "','"),
        ("text.upper()", "text.lower()"),  # of what is not used
        ("def unused", "def renamed"),
    ],
)
def test_what_changes_nothing_does_not_count(digests: Digests, old: str, new: str) -> None:
    assert digests(LOAD, HELPERS, (old, new)) == digests()


@pytest.mark.parametrize(
    ("old", "new", "differs"),
    [
        ("clean(day)", "clean(day.lower())", (True, False)),
        ("most=3", "most=4", (True, False)),
        ("LIMIT = 10", "LIMIT = 11", (False, True)),
        ('","', '";"', (False, True)),  # a constant of a helper
        ("text.strip()", "text.lstrip()", (False, True)),  # a helper of a helper
        ("from helpers import clean", "from helpers import unused as clean", (False, True)),
    ],
)
def test_what_changes_a_result_counts(digests: Digests, old: str, new: str, differs: tuple[bool, bool]) -> None:
    one, other = digests(), digests(LOAD, HELPERS, (old, new))
    assert tuple(a != b for a, b in zip(one, other, strict=True)) == differs


@pytest.mark.parametrize(
    "load",
    [
        "import helpers\ndef load(day):\n    return helpers.clean(day)\n",
        "def load(day):\n    from helpers import clean\n    return clean(day)\n",
        "from helpers import clean\n"
        "REGISTRY = {'clean': [clean]}\ndef load(day):\n    return REGISTRY['clean'][0](day)\n",
        "import functools\nfrom helpers import clean\n"
        "f = functools.partial(clean)\ndef load(day):\n    return f(day)\n",
        "import functools\nfrom helpers import clean\nf = functools.cache(clean)\ndef load(day):\n    return f(day)\n",
        "from perdure import task\nimport helpers\nf = task(helpers.clean)\ndef load(day):\n    return f(day)\n",
        "from helpers import clean\nload = (lambda f: lambda day: f(day))(clean)\n",
        "from helpers import clean\n"
        "class A:\n    def do(self):\n        return clean('')\ndef load(day):\n    A().do()\n",
        "from helpers import clean\nclass A:\n    do = clean\nclass B(A): ...\ndef load(day):\n    B().do()\n",
        "import helpers\ndef load(day):\n    return [helpers.clean(each) for each in day]\n",
    ],
)
def test_a_helper_is_found_however_it_is_reached(digests: Digests, load: str) -> None:
    assert digests(load) == digests(load)
    assert digests(load) != digests(load, HELPERS, ("text.strip()", "text.lstrip()"))


def test_a_data_class_counts_with_its_fields(digests: Digests) -> None:
    load = "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int = 1\ndef load():\n    return A()\n"
    assert digests(load) == digests(load)
    assert digests(load) != digests(load, HELPERS, ("x: int = 1", "x: int = 2"))


def test_functions_that_call_each_other_come_to_an_end(digests: Digests) -> None:
    load = "def even(n):\n    return n == 0 or odd(n - 1)\ndef odd(n):\n    return n and even(n - 1)\nload = even\n"
    assert digests(load) == digests(load)
    assert digests(load) != digests(load, HELPERS, ("n and", "n > 0 and"))


def test_swapped_helpers_count(digests: Digests) -> None:
    load = "def a(): return 1\ndef b(): return 2\nA, B = a, b\ndef load():\n    return A() - B()\n"
    assert digests(load) != digests(load, HELPERS, ("A, B = a, b", "A, B = b, a"))


def test_what_cannot_be_pickled_counts_by_its_type(digests: Digests) -> None:
    load = "import threading\nlock = threading.Lock()\ndef load():\n    with lock:\n        return 1\n"
    assert digests(load) == digests(load)


def test_what_others_wrote_counts_by_its_name(digests: Digests) -> None:
    load = "import json, textwrap\ndef load(x):\n    return json.dumps(textwrap.dedent(x))\n"
    assert digests(load) == digests(load)
    assert digests(load) != digests(load, HELPERS, ("import json, textwrap", "import pickle as json, textwrap"))


def scaled(factor: Any) -> Callable[[int], int]:
    def scale(x: int) -> int:
        return x * factor

    return scale


def test_what_a_closure_holds_counts() -> None:
    assert digests_of_source(scaled(2)) == digests_of_source(scaled(2))
    assert digests_of_source(scaled(2)) != digests_of_source(scaled(3))
    assert digests_of_source(scaled([2])) != digests_of_source(scaled([3]))
    digests_of_source(scaled(threading.Lock()))


rate = 2
rates = {"eur": 1}


def convert(x: int) -> int:
    return x * rate * rates["eur"]


def test_a_name_that_comes_to_stand_for_something_else_counts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    before = digests_of_source(convert)
    monkeypatch.setitem(globals(), "rate", 3)
    assert digests_of_source(convert) != before
    monkeypatch.undo()
    assert digests_of_source(convert) == before
    monkeypatch.setitem(rates, "eur", 2)
    assert digests_of_source(convert) != before


def test_the_source_is_what_runs_and_not_what_the_file_has_become(tmp_path: Path) -> None:
    file = tmp_path / "changing.py"

    def imported(text: str) -> Any:
        namespace: dict[str, Any] = {"__name__": "changing", "__file__": str(file)}
        exec(compile(text, str(file), "exec"), namespace)
        return namespace["load"]

    first, second = "def load():\n    return 1\n", "def load():\n    return 2\n"
    file.write_text(first)
    running = imported(first)
    file.write_text(second)

    assert digests_of_source(running) != digests_of_source(imported(second))


def test_functions_without_a_file_count_by_what_they_do() -> None:
    def made(text: str) -> Any:
        namespace: dict[str, Any] = {"__name__": "__nowhere__"}
        exec(text, namespace)
        return namespace["load"]

    one = "def helper():\n    return 1\ndef load():\n    return helper()\n"
    assert digests_of_source(made(one)) == digests_of_source(made(one))
    assert digests_of_source(made(one)) != digests_of_source(made(one.replace("return 1", "return 2")))


def test_callables_that_are_no_functions_have_a_source_too() -> None:
    class Scale:
        def __init__(self, factor: int) -> None:
            self.factor = factor

        def __call__(self, x: int) -> int:
            return x * self.factor

    assert digests_of_source(Scale(1)) == digests_of_source(Scale(1))
    digests_of_source(len)


GENERIC = """
    import functools

    @functools.singledispatch
    def shown(value):
        return ""

    @shown.register
    def _(value: int):
        return value

    class Shop:
        rate = 1
        names = {"a", "b"}
        limit = len("four")

        @functools.singledispatchmethod
        def price(self, value):
            return 0

    @Shop.price.register
    def _(self, value: int):
        return value + 1

    def outside(self):
        return 5

    Shop.rate = 2
    Shop.extra = [1]
    Shop.method = outside

    def load(day, by=shown):
        return shown(day), Shop().price(day), Shop.rate
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return value\n", "return -value\n"),
        ("return value + 1", "return value + 2"),
        ("Shop.rate = 2", "Shop.rate = 3"),
        ("Shop.extra = [1]", "Shop.extra = [2]"),
        ("return 5", "return 6"),
        ("Shop.method = outside", "Shop.other = outside"),
        ('len("four")', 'len("three")'),
        ("register\ndef _(value: int)", "register\ndef _(value: str)"),
    ],
)
def test_what_is_added_from_outside_counts(digests: Digests, old: str, new: str) -> None:
    assert digests(GENERIC) == digests(GENERIC)
    assert digests(GENERIC) != digests(GENERIC, HELPERS, (textwrap.dedent(old), textwrap.dedent(new)))


ARGUMENTS = """
    import functools

    def double(x):
        return 2 * x

    def load(day, by=double, part=functools.partial(double, 1), others={"a": (double,)}):
        return by(day)
"""


@pytest.mark.parametrize("kept", ["by=double", "part=functools.partial(double, 1)", 'others={"a": (double,)}'])
def test_functions_in_defaults_and_partials_count(digests: Digests, kept: str) -> None:
    others = [
        each for each in ("by=double", "part=functools.partial(double, 1)", 'others={"a": (double,)}') if each != kept
    ]
    source = ARGUMENTS
    for each in others:
        source = source.replace(each, each.partition("=")[0] + "=None")
    assert digests(source) != digests(source, HELPERS, ("2 * x", "3 * x"))


def test_a_class_counts_as_it_did_where_its_source_says_all(digests: Digests) -> None:
    plain = """
        class Shop:
            rate = -1
            names = ["a", ("b", 2.5)]

            def price(self):
                return self.rate

        def load(day):
            return Shop().price()
    """
    digests(plain)
    kind = sys.modules["script"].Shop
    assert [name for name, _ in members_not_said(kind, body_of_class(kind))] == []


def test_a_member_that_is_set_later_counts_at_once(digests: Digests) -> None:
    first = digests(GENERIC)
    script = sys.modules["script"]
    for change in (
        lambda: setattr(script.Shop, "rate", 9),
        lambda: setattr(script.Shop, "newer", 1),
        lambda: script.shown.register(str, script.outside),
        lambda: script.shown.register(int, script.outside),
    ):
        change()
        now = digests_of_source(script.load)
        assert now != first
        first = now


@pytest.mark.slow
def test_sets_in_lambdas_count_alike_whatever_the_hash_seed() -> None:
    program = (
        "from perdure._engine.identity.source import digests_of_source\n"
        "print(digests_of_source(lambda x: x in {'a', 'b', 'c'} or x in ({'d', 'e'}, {'f', 'g'})))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(found) == 1
