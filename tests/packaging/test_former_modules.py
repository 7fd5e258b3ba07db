"""Modules are found by every name that they had."""

import importlib
import pickle
import subprocess
import sys
from types import ModuleType

import pytest

from perdure._platform.moved import first
from perdure._platform.moved_names import MODULES, PUBLIC


@pytest.mark.slow
def test_every_former_module_is_found_and_has_what_the_one_of_today_has() -> None:
    program = (  # in a process of its own: other tests replace modules
        "import importlib, warnings\n"
        "from perdure._platform.moved_names import MODULES, RENAMED\n"
        "warnings.simplefilter('ignore')\n"
        "for former, now in {**MODULES, **RENAMED}.items():\n"
        "    if not former.endswith('migrations.env'):  # which Alembic runs\n"
        "        there, found = vars(importlib.import_module(now)), importlib.import_module(former)\n"
        "        assert all(getattr(found, name) is there[name] for name in there if name[:2] != '__'), former\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("public", PUBLIC)
def test_what_a_public_module_exports_is_where_the_table_says(public: str) -> None:
    module = importlib.import_module(public)
    for name, former in PUBLIC[public].items():
        there = importlib.import_module(MODULES.get(former, former))
        if not isinstance(exported := getattr(module, name), ModuleType):  # `concurrency`, once its module is imported
            assert getattr(there, name, exported) is exported


@pytest.mark.parametrize(
    ("former", "says"),
    [
        ("perdure.core.errors", "Import from perdure.errors"),
        ("perdure.core.states", "Import from perdure"),
        ("perdure.results.lookup", "Import from perdure.results"),
        ("perdure.orchestrator.sql.writer", "It is perdure._store.sql.writer now, which is private and may change"),
    ],
)
def test_importing_a_former_module_says_where_to_import_from(former: str, says: str) -> None:
    program = f"import warnings; warnings.simplefilter('always'); import {former}"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert f"The module {former} has moved. {says}" in ended.stderr


def test_tracebacks_name_errors_by_their_public_module() -> None:
    from perdure.errors import ResultMissing

    assert f"{ResultMissing.__module__}.{ResultMissing.__qualname__}" == "perdure.errors.ResultMissing"
    assert b"perdure.errors" in pickle.dumps(ResultMissing("x"), 2)


@pytest.mark.parametrize(
    ("module", "name"),
    [("git", "GitRepository"), ("github", "GitHubRepository"), ("github_credentials", "GitHubCredentials")],
)
def test_blocks_of_repositories_are_pickled_and_digested_by_their_public_modules(module: str, name: str) -> None:
    public = f"perdure.integrations.{module}"
    kind = getattr(importlib.import_module(public), name)
    assert (kind.__module__, first(f"perdure._repositories.{module}.{name}")) == (public, f"{public}.{name}")
    assert pickle.loads(f"c{public}\n{name}\n.".encode()) is kind
    assert pickle.loads(f"cperdure._repositories.{module}\n{name}\n.".encode()) is kind


def test_what_a_former_module_had_is_found_where_it_is_now() -> None:
    program = (  # in a process of its own: a module that another test has imported would not be looked for
        "import importlib, warnings\n"
        "from perdure._platform.moved import current, first\n"
        "from perdure._platform.moved_names import MODULES, NAMES\n"
        "for former, names in NAMES.items():\n"
        "    with warnings.catch_warnings(record=True) as caught:\n"
        "        warnings.simplefilter('always')\n"
        "        had = importlib.import_module(former)\n"
        "    assert {each.category for each in caught} == {DeprecationWarning}, former\n"
        "    for name, module in names.items():\n"
        "        assert getattr(had, name) is getattr(importlib.import_module(module), name)\n"
        "        for path in (f'{former}.{name}', f'{module}.{name}', f'{MODULES[former]}.{name}'):\n"
        "            assert (current(path), first(path)) == (f'{module}.{name}', f'{former}.{name}')\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
