"""Whatever a process does first, it may do in several threads at once."""

import ast
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import perdure

FOLDER = Path(perdure.__file__).parent
MODULES = {
    ".".join(each.relative_to(FOLDER.parent).with_suffix("").parts).removesuffix(".__init__"): each
    for each in FOLDER.rglob("*.py")
}

pytestmark = pytest.mark.slow  # each has a process of its own

_IN_THREADS = """
import random, sys, threading, traceback
sys.setswitchinterval(1e-6)
errors, barrier = [], threading.Barrier(8)

def in_threads(work):
    def begin(number):
        barrier.wait()
        try:
            work(number)
        except BaseException:
            errors.append(traceback.format_exc())

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
        assert not each.is_alive(), "it hangs"
    print(errors[0][-1500:] if errors else "fine")
"""

FIRST_USES: dict[str, str] = {
    "results": """
        from perdure.results import get_result
        ids = sys.argv[1].split()
        def work(number):
            assert get_result(ids[number]) == [number]
    """,
    "serializers": """
        from perdure.serializers import Serializer
        names = ["pickle", "json", "compressed/pickle", "numpy", "compressed/json", "pickle", "json", "numpy"]
        def work(number):
            Serializer.from_name(names[number])
    """,
    "settings": """
        from perdure import settings
        found = []
        def work(number):
            found.append(settings.current())
            assert settings.current() is found[0]
    """,
    "sessions": """
        from perdure import session
        found = []
        def work(number):
            found.append(session.current())
            assert session.current() is found[0]
    """,
    "flows": """
        from perdure import flow, task
        @task(persist_result=True, result_serializer="json")
        def double(n):
            return 2 * n
        @flow(persist_result=True)
        def doubled(n: int):
            return double(n)
        def work(number):
            assert doubled(number) == 2 * number
    """,
    "submitted tasks": """
        from perdure import task
        @task
        def double(n):
            return 2 * n
        def work(number):
            assert double.submit(number).result() == 2 * number
    """,
    "coroutines": """
        import asyncio
        from perdure import flow, task
        @task
        async def double(n):
            return 2 * n
        @flow
        def sync(n: int):
            return double(n)
        @flow
        async def awaited(n: int):
            return await double(n)
        def work(number):
            assert (sync(number) if number % 2 else asyncio.run(awaited(number))) == 2 * number
    """,
    "storages and blocks": """
        from perdure.blocks import Block
        def work(number):
            from perdure.filesystems import LocalFileSystem
            LocalFileSystem(basepath="here").save(f"block-{number}")
            assert Block.load(f"local-file-system/block-{number}").basepath
    """,
    "cached values": """
        from perdure import flow, task
        @task(persist_result=True, cache_key_fn=lambda _, arguments: f"key-{arguments['i']}")
        def t(i):
            return [i]
        @flow
        def f():
            return sum(each.result()[0] for each in t.map(range(8)))
        def work(number):
            assert f() == 28
    """,
    "lazy names": """
        import perdure
        def work(number):
            for name in perdure.__all__[number:] + perdure.__all__[:number]:
                getattr(perdure, name)
    """,
}


def run(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout.strip() or done.stderr


@pytest.mark.parametrize("use", FIRST_USES)
def test_the_first_use_of_anything_may_be_in_several_threads(use: str) -> None:
    ids = ""
    if use == "results":
        make = "from perdure import task\n@task(persist_result=True)\ndef a(x): return [x]\n"
        ids = run(make + "print(*[a(i, return_state=True).task_run_id for i in range(8)])")

    assert run(_IN_THREADS + textwrap.dedent(FIRST_USES[use]) + "\nin_threads(work)", ids) == "fine"


# A package that imports its own modules has to be imported before one of them is: Python locks a module and then its
# package, and the package then its module, so that of two threads one sees half of what it imports.
_PACKAGES = sorted(each for each, file in MODULES.items() if file.name == "__init__.py" and ".migrations" not in each)


def test_all_packages_and_modules_can_be_imported_in_several_threads() -> None:
    modules = [each for each in MODULES if not each.endswith("__main__") and ".migrations." not in each]
    levels = [[each for each in _PACKAGES if each.count(".") == level] for level in range(4)]
    levels.append(modules)
    code = f"""
import importlib
def work(number):
    for names in {levels!r}:
        own = names[:]
        random.Random(number).shuffle(own)
        for name in own:
            importlib.import_module(name)
in_threads(work)
"""

    assert (found := run(_IN_THREADS + code)) == "fine", found


def test_what_functions_import_late_they_import_by_its_package() -> None:
    eager = {name for name in _PACKAGES if _imports(ast.parse(MODULES[name].read_text("utf-8")).body)}

    late = [found for name in MODULES for found in _late_imports(name, eager)]

    assert late == []


def _imports(statements: list[ast.stmt]) -> set[str]:
    return {
        name
        for each in statements
        if isinstance(each, ast.Import | ast.ImportFrom)
        for name in _names(each)
        if name.startswith("perdure.")
    }


def _names(statement: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(statement, ast.Import):
        return [each.name for each in statement.names]
    return [f"{statement.module}.{each.name}" for each in statement.names] + [str(statement.module)]


def _late_imports(name: str, eager: set[str]) -> list[str]:
    """What functions of a module import from within a package that nobody has surely imported before."""
    tree = ast.parse(MODULES[name].read_text("utf-8"))
    above = {".".join(each.split(".")[:count]) for each in (*_imports(tree.body), name) for count in range(1, 9)}
    found = []
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            statements = [each for each in ast.walk(function) if isinstance(each, ast.Import | ast.ImportFrom)]
            whole = {imported for each in statements if isinstance(each, ast.Import) for imported in _names(each)}
            for each in statements:
                parts = str(each.module).rpartition(".")[0] if isinstance(each, ast.ImportFrom) else ""
                if parts in eager - above - whole:
                    found.append(f"{name}:{each.lineno}")
    return found
