"""`TASK_SOURCE` sees what a task reaches by way of objects, classes and imports of all kinds."""

import importlib
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from perdure._engine.identity.source import digests_of_source


class Change(NamedTuple):
    """A project's files, by name; in which of them a text is replaced; and where the task is."""

    files: dict[str, str]
    file: str
    before: str
    after: str
    task: str = "job"


CONF = """
    import dataclasses, enum, functools, types
    @dataclasses.dataclass
    class Conf:
        n: int
        def scaled(self, x=1): return self.n * x
        def __call__(self, x): return self.n + x
    class Mode(enum.Enum):
        FAST = 1
        def cost(self): return 10
    class Registry:
        def __init__(self): self.functions = []
        def add(self, function):
            self.functions.append(function)
            return function
    class Wrapped:
        def __init__(self, function): functools.update_wrapper(self, function)
        def __call__(self, x): return self.__wrapped__(x) + 10
"""
TWO = """
    import os
    if os.name:
        class Reader:
            def read(self): return 1
    else:
        class Reader:
            def read(self): return 2
    def f(x): return Reader().read()
"""
MADE = """
    def make(n):
        class Scale:
            def by(self): return n
        return Scale
    Scale = make(3)
    def f(x): return Scale().by()
"""
METHOD = """
    class Base:
        RATE = 5
        def below(self): return 1
    class Job(Base):
        def f(self): return self.step() + self.below() + self.RATE
        def step(self): return 2
    f = Job.f
"""
AGAIN = """
    class Job:
        def first(self): return 1
    Plain = Job
    class Job(Plain):
        def second(self): return 2
    def f(x): return Job().first()
"""
DEFAULT = "from conf import *\ndef f(x, t=Conf(1)): return t"
HELD = "def g(x): return 1\nT = types.MappingProxyType({'g': g})"
DEEP = {
    "p/__init__": "",
    "p/a/__init__": "",
    "p/a/near": "def load(): return 1",
    "p/a/b/__init__": "",
    "p/near": "def load(): return 5",
}


def using(line: str, **more: str) -> dict[str, str]:
    """A task of the module `job` that uses the constant T, which a line makes."""
    return {"conf": CONF, "job": f"from conf import *\n{line}\ndef f(x): return T", **more}


def deep(line: str, call: str) -> dict[str, str]:
    """A task of a module deep in packages that imports when it runs."""
    return {**DEEP, "p/a/b/job": f"def f(x):\n    {line}\n    return {call}"}


CHANGES = {
    "class of a dataclass": Change(using("T = Conf(1)"), "conf", "self.n * x", "self.n / x"),
    "class of a default": Change({"conf": CONF, "job": DEFAULT}, "conf", "* x", "/ x"),
    "class of an enum": Change(using("T = Mode.FAST"), "conf", "return 10", "return 11"),
    "value of an enum": Change(using("T = Mode.FAST"), "conf", "FAST = 1", "FAST = 2"),
    "class of a list's item": Change(using("T = [(Conf(1),)]"), "conf", "self.n * x", "self.n / x"),
    "partial of an object": Change(using("T = functools.partial(Conf(1))"), "job", "Conf(1)", "Conf(2)"),
    "class of a partial's object": Change(using("T = functools.partial(Conf(1))"), "conf", "self.n + x", "self.n - x"),
    "function in an object": Change(using("T = Registry()\n@T.add\ndef g(x): return 1"), "job", "return 1", "return 2"),
    "lambda in an object": Change(using("T = Registry(); T.add(lambda x: 1)"), "job", "x: 1", "x: 2"),
    "function below a wrapper": Change(using("@Wrapped\ndef T(x): return 1"), "job", "return 1", "return 2"),
    "class of a wrapper": Change(using("@Wrapped\ndef T(x): return 1"), "conf", "+ 10", "+ 11"),
    "function in a read-only dict": Change(using(HELD), "job", "return 1", "return 2"),
    "number in a read-only dict": Change(using("T = types.MappingProxyType({'g': 1})"), "job", "'g': 1", "'g': 2"),
    "how a lambda is called": Change(using("T = lambda x: x"), "job", "lambda x:", "lambda *x:"),
    "keyword of a lambda": Change(using("T = lambda x, y: x"), "job", "x, y:", "x, *, y:"),
    "first of two classes": Change({"job": TWO}, "job", "return 1", "return 3"),
    "class below one of its name": Change({"job": AGAIN}, "job", "return 1", "return 3"),
    "closure of a class": Change({"job": MADE}, "job", "make(3)", "make(4)"),
    "method beside": Change({"job": METHOD}, "job", "return 2", "return 3"),
    "method of a class above": Change({"job": METHOD}, "job", "return 1", "return 3"),
    "constant of a class above": Change({"job": METHOD}, "job", "RATE = 5", "RATE = 6"),
    "import from above": Change(deep("from ..near import load", "load()"), "p/a/near", "1", "2", "p.a.b.job"),
    "import of a module above": Change(deep("from .. import near", "near.load()"), "p/a/near", "1", "2", "p.a.b.job"),
    "import from three above": Change(deep("from ...near import load", "load()"), "p/near", "5", "6", "p.a.b.job"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _forget_modules(tmp_path: Path) -> Iterator[None]:
    yield
    forget(tmp_path)


def forget(folder: Path) -> None:
    """As if what is in the folder had not been imported."""
    for name, module in list(sys.modules.items()):
        if str(folder) in str(getattr(module, "__file__", "")):
            del sys.modules[name]


def write(folder: Path, files: dict[str, str]) -> Path:
    """A folder with modules."""
    for name, text in files.items():
        file = folder / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text) + "\n")
    return folder


def digests_in(folder: Path, task: str) -> tuple[str, str]:
    """The digests of a task `f`, as a process sees it that starts in the folder."""
    forget(folder.parent)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        return digests_of_source(importlib.import_module(task).f)
    finally:
        sys.path.remove(str(folder))


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_a_change_of_what_a_task_reaches_changes_its_source(change: Change, tmp_path: Path) -> None:
    changed = {**change.files, change.file: change.files[change.file].replace(change.before, change.after)}
    assert changed != change.files
    one, again = (write(tmp_path / name, change.files) for name in ("one", "again"))
    other = write(tmp_path / "other", changed)

    reported = digests_in(one, change.task)

    assert digests_in(again, change.task) == reported
    assert digests_in(other, change.task) != reported


LOADED = """
    class Named:
        def own(self): return type(self).__name__, __name__, __file__, self.__doc__
    def f(x): return Named().own(), f.__name__
"""


@pytest.mark.slow
def test_a_script_and_the_module_that_it_is_imported_as_have_one_source(tmp_path: Path) -> None:
    reported = digests_in(write(tmp_path / "here", {"job": LOADED}), "job")
    ask = "from perdure._engine.identity.source import digests_of_source\nprint(digests_of_source(f))"
    script = write(tmp_path / "there", {"job": f"{textwrap.dedent(LOADED)}\n{ask}"}) / "job.py"

    as_script = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True).stdout

    assert as_script.strip() == str(reported)


class Limits:
    MOST = 3
    NAMES = ["a"]  # noqa: RUF012

    def most(self) -> int:
        return self.MOST

    @staticmethod
    def least() -> int:
        return 0


def of_limits(x: int) -> Any:
    return Limits().most(), Limits.least(), Limits.NAMES


def named(x: int) -> int:
    return x


def by_name(x: int, more: int = 1) -> int:
    return named(x) + more


@pytest.mark.parametrize(
    ("function", "owner", "name", "value"),
    [
        (of_limits, Limits, "MOST", 4),
        (of_limits, Limits, "NAMES", ["a", "b"]),
        (of_limits, Limits, "most", lambda self: 5),
        (of_limits, Limits, "least", staticmethod(lambda: 5)),
        (by_name, by_name, "__defaults__", (2,)),
        (by_name, named, "__code__", (lambda x: -x).__code__),
    ],
    ids=["constant", "list", "method", "static method", "defaults", "code"],
)
def test_what_is_set_on_a_class_or_function_after_the_first_call_counts(
    function: Any, owner: Any, name: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digests_of_source(function)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, value)
        assert digests_of_source(function) != before

    assert digests_of_source(function) == before


SETS = """
    NAMES = {%s}
    class Held:
        GROUPS = {"all": {%s}, "pair": [{%s}]}
        def __init__(self): self.names = set(NAMES)
    def first(x): return 1
    def second(x): return 2
    HELD, FUNCTIONS = Held(), {first, second, Held}
    def f(x): return HELD, FUNCTIONS, Held.GROUPS
"""


@pytest.mark.slow
def test_sets_among_what_a_task_reaches_are_the_same_in_every_process(tmp_path: Path) -> None:
    names = ", ".join(f"'name {number}'" for number in range(20))
    folder = write(tmp_path, {"job": SETS % (names, names, names)})
    code = "from perdure._engine.identity.source import digests_of_source; import job; print(digests_of_source(job.f))"

    reported = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=folder,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }

    assert len(reported) == 1
