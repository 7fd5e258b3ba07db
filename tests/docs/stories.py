"""The code examples of the documentation, found and run.

A fenced `python` block is an example, and starts a story: it is run as a script of its own, in a fresh
home and directory. A `text` block right after it is what it prints, where `...` stands for anything. An
HTML comment on the line before a block, which readers of the page do not see, says otherwise:

- `<!-- continues -->`: the block continues the story before, in its namespace, home and directory. A
  `console` block that continues is run too: lines after `$ ` are commands, the others what they print.
- `<!-- a file -->`: the block is only written to the file of its title, which a `console` block that continues runs.
- `<!-- not run: REASON -->`: the block cannot be run by a test.

A block's `title="pipeline.py"` is the name of the script's file.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from itertools import zip_longest
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from tests.prepared import run as run_prepared

_BLOCK = re.compile(
    r"^(?:<!-- (?P<comment>.*?) -->\n)?```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_ANY_FENCE = re.compile(r"^ *(```|~~~).*$", re.MULTILINE)
_COMMENT = re.compile(r"continues|a file|not run: .+")


class Block(NamedTuple):
    """A block of code, where it stands, and what it is to print (None: whatever it likes)."""

    page: Path
    line: int
    language: str
    title: str | None
    code: str
    continues: bool
    prints: str | None
    is_run: bool = True


class Story(NamedTuple):
    """Blocks that are run one after another."""

    name: str
    blocks: tuple[Block, ...]


def stories(page: Path, root: Path) -> list[Story]:
    """The stories of a Markdown page; their names are the page's path from `root` and a line.

    Raises:
        ValueError: a fence or the comment before it is not as the rules say.
    """
    found: list[list[Block]] = []
    for block in _blocks(page):
        if block.continues and not found:
            raise ValueError(f"{page}:{block.line}: nothing stands before this block that it could continue")
        if block.continues:
            found[-1].append(block)
        else:
            found.append([block])
    return [Story(f"{page.relative_to(root)}:{blocks[0].line}", tuple(blocks)) for blocks in found]


def _blocks(page: Path) -> Iterator[Block]:
    text = page.read_text("utf-8")
    matches = list(_BLOCK.finditer(text))
    _check_fences(page, text, matches)
    for match, following in zip_longest(matches, matches[1:]):
        comment, language = match["comment"] or "", match["language"]
        continues = comment == "continues"
        if comment.startswith("not run: ") or not (language == "python" or (language == "console" and continues)):
            continue
        printed = following and following["language"] == "text" and not text[match.end() : following.start()].strip()
        yield Block(
            page,
            _line(text, match.start("code")),
            language,
            match["title"],
            match["code"],
            continues,
            following["code"] if following and printed else None,
            is_run=comment != "a file",
        )


def _check_fences(page: Path, text: str, matches: list[re.Match[str]]) -> None:
    """A fence that the pattern does not see would be an example that nobody runs."""
    spans = [match.span() for match in matches]
    for fence in _ANY_FENCE.finditer(text):
        if not any(start <= fence.start() < end for start, end in spans):
            raise ValueError(
                f'{page}:{_line(text, fence.start())}: write a fence as ```language or ```language title="name"'
            )
    for match in matches:
        if match["comment"] and not _COMMENT.fullmatch(match["comment"]):
            raise ValueError(
                f"{page}:{_line(text, match.start())}: unknown comment {match['comment']!r} before a block"
            )


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def run(story: Story, directory: Path) -> None:
    """Run a story's blocks in `directory`, which must be the current one.

    Raises:
        AssertionError: a block printed something else than the page says.
    """
    script = ModuleType("__main__")
    with _as_main(script):
        for block in story.blocks:
            if block.language == "console":
                _run_console(block, directory)
            else:
                _run_python(block, script, directory)


@contextmanager
def _as_main(script: ModuleType) -> Iterator[None]:
    """Within the block, `script` is the program: pickles by value, and new processes find it by its file."""
    before = sys.modules["__main__"]
    sys.modules["__main__"] = script
    try:
        yield
    finally:
        sys.modules["__main__"] = before


def _run_python(block: Block, script: ModuleType, directory: Path) -> None:
    # Without a title, each block has a file of its own: tracebacks and sources are read from it.
    file = directory / (block.title or f"line_{block.line}.py")
    file.write_text(block.code, "utf-8")
    if not block.is_run:
        return
    script.__file__ = str(file)
    with redirect_stdout(StringIO()) as printed:
        exec(compile(block.code, str(file), "exec"), script.__dict__)
    if block.prints is not None:
        _compare(block, block.prints, printed.getvalue())


def _run_console(block: Block, directory: Path) -> None:
    """Run a block's commands, each of which must print what stands below it, if anything does."""
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": tools, "COLUMNS": "120", "NO_COLOR": "1"}
    for part in re.split(r"^\$ ", block.code, flags=re.MULTILINE)[1:]:
        command, _, prints = part.partition("\n")
        given: dict[str, Any] = {"cwd": directory, "env": environment}
        if prepared := _as_prepared(command):
            ended = run_prepared(*prepared, **given)
        else:
            ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, **given)
        assert ended.returncode == 0, f"{block.page}:{block.line}: {command}\n{ended.stdout}{ended.stderr}"
        if prints.strip():
            _compare(block, prints, ended.stdout)


def _as_prepared(command: str) -> list[str]:
    """The arguments of Python, of a `perdure` that needs no shell; else none."""
    if not command.startswith("perdure ") or set(command) & set("|&;<>()$`\\*?[~#\n"):
        return []
    return ["-m", *shlex.split(command)]


def _compare(block: Block, expected: str, printed: str) -> None:
    pattern = ".*?".join(re.escape(part) for part in _trimmed(expected).split("..."))
    if not re.fullmatch(pattern, _trimmed(printed), re.DOTALL):
        # Compared once more as text, for pytest's display of where they differ.
        assert _trimmed(printed) == _trimmed(expected), f"{block.page}:{block.line} prints something else"


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
