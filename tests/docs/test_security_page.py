"""The threat model: each of its lines names tests, and these exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODEL, _, _ = (ROOT / "docs/concepts/security.md").read_text().partition("\n## Not promised\n")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def measures() -> list[str]:
    """The rows of the tables of what each measure stops."""
    _, _, after = MODEL.partition("\n## What is loaded\n")
    rows = [line for line in after.splitlines() if line.startswith("| ")]
    return [row for row in rows if not row.startswith("| measure |")]


@pytest.mark.parametrize("row", measures(), ids=lambda row: row.split("|")[1].strip())
def test_each_measure_is_shown_by_tests_that_exist(row: str) -> None:
    named = NAMED.findall(row)
    assert named, "the last column names a test, as `tests/folder/test_file.py::test_name`"
    for path, name in named:
        module = ast.parse((ROOT / path).read_text())
        functions = {each.name for each in ast.walk(module) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert name in functions, f"{path} has no {name}"


def test_what_looks_like_a_test_is_named_in_the_form_that_is_checked() -> None:
    assert len(re.findall(r"tests/", MODEL)) == len(NAMED.findall(MODEL)) > 20
