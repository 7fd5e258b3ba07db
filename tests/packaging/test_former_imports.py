"""Each import that any version of the documentation or of the examples has shown still works."""

import subprocess
import sys
import warnings
from pathlib import Path

import pytest

SHOWN = (Path(__file__).parent / "former_imports.txt").read_text().splitlines()


def module_of(line: str) -> str:
    return line.split()[1]


def is_private_now(line: str) -> bool:
    return module_of(line).startswith(("perdure.core.", "perdure.results.previews"))


@pytest.mark.parametrize("line", SHOWN)
def test_what_was_shown_once_can_still_be_imported(line: str) -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        exec(line, {})
    assert all(each.category is DeprecationWarning and "has moved" in str(each.message) for each in warned)


@pytest.mark.parametrize("line", [line for line in SHOWN if not is_private_now(line)])
@pytest.mark.filterwarnings("error")
def test_what_has_not_moved_is_imported_without_a_warning(line: str) -> None:
    exec(line, {})


def test_the_lines_are_sorted_and_each_is_there_once() -> None:
    assert sorted(set(SHOWN)) == SHOWN


def test_what_has_moved_says_where_to_import_it_from() -> None:
    moved = "\n".join(line for line in SHOWN if is_private_now(line))
    ended = subprocess.run([sys.executable, "-W", "always", "-c", moved], capture_output=True, text=True, check=True)
    for module in {module_of(line) for line in moved.splitlines()}:
        assert f"The module {module} has moved. Import from perdure." in ended.stderr
