"""How examples are found in a page and run."""

from pathlib import Path

import pytest
from stories import Story, run, stories


def found_in(tmp_path: Path, text: str) -> list[Story]:
    page = tmp_path / "page.md"
    page.write_text(text)
    return stories(page, tmp_path)


def ran(tmp_path: Path, text: str) -> None:
    for story in found_in(tmp_path, text):
        run(story, tmp_path)


def test_each_python_block_is_a_story_of_its_own(tmp_path: Path):
    found = found_in(tmp_path, "```python\nx = 1\n```\n\nAnd\n\n```python\ny = 2\n```\n")
    assert [(story.name, len(story.blocks)) for story in found] == [("page.md:2", 1), ("page.md:8", 1)]


def test_names_do_not_leak_from_one_story_to_the_next(tmp_path: Path):
    with pytest.raises(NameError):
        ran(tmp_path, "```python\nx = 1\n```\n\n```python\nprint(x)\n```\n")


def test_a_block_that_continues_sees_the_names_before_it(tmp_path: Path):
    ran(tmp_path, "```python\nx = 1\n```\n\n<!-- continues -->\n```python\nprint(x)\n```\n\n```text\n1\n```\n")


def test_a_block_that_prints_something_else_fails(tmp_path: Path):
    with pytest.raises(AssertionError, match=r"page.md:2 prints something else"):
        ran(tmp_path, "```python\nprint(1)\n```\n\n```text\n2\n```\n")


def test_three_dots_stand_for_anything_printed(tmp_path: Path):
    ran(tmp_path, "```python\nprint('run amber-fox took 3 s')\n```\n\n```text\nrun ... took ... s\n```\n")


def test_an_example_is_the_main_program(tmp_path: Path):
    ran(tmp_path, "```python\nif __name__ == '__main__':\n    print('ran')\n```\n\n```text\nran\n```\n")


def test_a_block_marked_as_not_run_is_left_alone(tmp_path: Path):
    assert found_in(tmp_path, "<!-- not run: needs a bucket -->\n```python\n1 / 0\n```\n") == []


def test_a_console_block_that_continues_runs_its_commands(tmp_path: Path):
    text = '```python title="a.py"\n```\n\n<!-- continues -->\n```console\n$ ls *.py\na.py\n$ echo hi\nhi\n```\n'
    ran(tmp_path, text)
    with pytest.raises(AssertionError):
        ran(tmp_path, text.replace("\nhi\n", "\nbye\n"))


def test_a_block_that_is_only_a_file_is_run_by_a_command(tmp_path: Path):
    text = """<!-- a file -->
```python title="a.py"
import os

print(os.getpid() == PID)
```

<!-- continues -->
```console
$ sed -i 's/PID/'$$/ a.py && exec python a.py
True
```
"""
    ran(tmp_path, text)


def test_other_console_blocks_are_not_run(tmp_path: Path):
    assert found_in(tmp_path, "```console\n$ make demo\n```\n") == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("~~~python\n1 / 0\n~~~\n", "write a fence as"),
        ("```python norun\n1 / 0\n```\n", "write a fence as"),
        ("  ```python\n  1 / 0\n  ```\n", "write a fence as"),
        ("<!-- skip -->\n```python\n1 / 0\n```\n", "unknown comment 'skip'"),
        ("<!-- continues -->\n```python\n1 / 0\n```\n", "nothing stands before"),
    ],
)
def test_an_example_that_would_silently_not_be_run_is_an_error(tmp_path: Path, text: str, complaint: str):
    with pytest.raises(ValueError, match=complaint):
        found_in(tmp_path, text)
