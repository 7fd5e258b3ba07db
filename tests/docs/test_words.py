"""The documents, the page's texts and the messages use the terms of the glossary, and none of the former dialect."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
BANNED = re.compile(
    r"\b(?:"
    r"(?:is|are|was|were|be|been) told(?: of)?|unless told|tells? of|told of"
    r"|go(?:es|ing)? on with|gone on|went on with|goes on"
    r"|had again|having it back|have it in Python|signs? of life|what is known of|all that is known"
    r"|ask(?:s|ed)? for anew|who wants|begun anew|let(?:s|ting)? go of|steers?|wish(?:es)? for"
    r")\b",
    re.IGNORECASE,
)
BANNED_IN_NAMES = re.compile(r"(?:^|_)(?:told|tells?|telling|gone_on|goes_on|go_on|going_on|anew|steer)(?:_|$)")


_NO_TEXT = re.compile(
    r"""['"]\s*[a-z]{0,2}['"]|\\n|[{}'"#]"""
)  # what may stand between words that are one text when it runs


def found(text: str) -> list[str]:
    return [match.group() for match in BANNED.finditer(" ".join(text.split()))]


def places(paths: Iterable[Path]) -> dict[str, list[str]]:
    """What is found in files: in Python's, in its texts alone, docstrings too."""
    sources = ((path, path.read_text("utf-8")) for path in paths)
    read = ((path, texts(source) if path.suffix == ".py" else source) for path, source in sources)
    return {path.relative_to(ROOT).as_posix(): hits for path, text in read if (hits := found(text))}


def texts(source: str) -> str:
    """All text that Python source holds, with gaps for what is put in when it runs; nothing if it can hold no hit."""
    if not found(_NO_TEXT.sub(" ", source)):
        return ""  # to parse all files would take longer than all other tests of the documents
    pieces = (node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    return "\n\x00\n".join(piece for piece in pieces if isinstance(piece, str))


def test_the_documents_have_no_banned_words() -> None:
    assert places([ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]) == {}


def test_the_changelog_tests_and_benchmarks_have_no_banned_words() -> None:
    sources = [path for folder in ("tests", "bench") for path in (ROOT / folder).rglob("*.py")]
    assert places([ROOT / "CHANGELOG.md", *(path for path in sorted(sources) if path != Path(__file__))]) == {}


def test_messages_and_docstrings_have_no_banned_words() -> None:
    sources = sorted((ROOT / "src/perdure").rglob("*.py"))
    assert places(path for path in sources if "migrations" not in path.parts) == {}


def test_the_page_has_no_banned_words() -> None:
    sources = sorted((ROOT / "ui/src").rglob("*.ts*"))
    assert places(path for path in sources if path.name != "schema.d.ts") == {}


def names_in(source: str) -> Iterator[str]:
    """The functions and classes that Python source defines."""
    return (match[1] for match in re.finditer(r"^\s*(?:async def|def|class) (\w+)", source, re.MULTILINE))


def test_files_functions_and_classes_have_no_banned_names() -> None:
    paths = [path for folder in ("src", "tests", "bench") for path in sorted((ROOT / folder).rglob("*.py"))]
    named = [
        (path.name, name)
        for path in paths
        if "migrations" not in path.parts
        for name in (path.stem, *names_in(path.read_text("utf-8")))
    ]
    # `tell` is what Python calls the position in a file.
    assert [each for each in named if BANNED_IN_NAMES.search(each[1]) and each[1] != "tell"] == []


def test_no_variable_has_a_banned_name() -> None:
    paths = [path for folder in ("src", "tests", "bench") for path in sorted((ROOT / folder).rglob("*.py"))]
    sources = {path: path.read_text("utf-8") for path in paths if path != Path(__file__)}
    assert [path.name for path, source in sources.items() if re.search(r"\btold\b", source)] == []
