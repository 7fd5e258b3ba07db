"""What is public is named as such, and nothing that is private is shown."""

import importlib
import re
from pathlib import Path

import pytest

import perdure

ROOT = Path(__file__).parents[2]
HOUSE = Path(perdure.__file__).parent
ENTRANCE = sorted(
    f"perdure.{each.stem}" if each.name != "__init__.py" else f"perdure.{each.parent.name}"
    for each in (*HOUSE.glob("[a-z]*.py"), *HOUSE.glob("[a-z]*/__init__.py"))
)
PUBLIC = [each for each in ENTRANCE if each not in ("perdure.cli", "perdure.testing", "perdure.utilities")]


@pytest.mark.parametrize("name", ["perdure", *PUBLIC])
def test_a_public_module_has_a_docstring_and_says_what_it_exports(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__
    assert [each for each in module.__all__ if not hasattr(module, each)] == []


@pytest.mark.parametrize("name", ["perdure", *PUBLIC])
def test_the_classes_that_a_public_module_exports_are_of_a_public_module(name: str) -> None:
    module = importlib.import_module(name)
    classes = [kind for each in module.__all__ if isinstance(kind := getattr(module, each), type)]
    assert [kind for kind in classes if kind.__module__.startswith("perdure._")] == []


@pytest.mark.parametrize("folder", ["docs", "examples"])
def test_pages_and_examples_import_public_names_only(folder: str) -> None:
    files = [
        each for each in (ROOT / folder).rglob("*") if each.suffix in (".md", ".py") and "decisions" not in each.parts
    ]
    private = re.compile(r"(?:from|import) perdure[a-z.]*(?:\._| import _)[^_]")
    assert [each.name for each in files if private.search(each.read_text())] == []
