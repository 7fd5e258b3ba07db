"""The documents, the page's texts and the messages use the terms of the glossary, and none of the former dialect."""

import ast
import re
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
BANNED = re.compile(
    r"\b(?:"
    r"(?:is|are|was|were|be|been) told(?: of)?|unless told|tells? of|told of"
    r"|go(?:es|ing)? on with|gone on|went on with|goes on"
    r"|had again|having it back|have it in Python|signs? of life|what is known of|all that is known"
    r"|ask(?:s|ed)? for anew|who wants|begun anew"
    r")\b",
    re.IGNORECASE,
)


def found(text: str) -> list[str]:
    return [match.group() for match in BANNED.finditer(" ".join(text.split()))]


def places(paths: Iterable[Path]) -> dict[str, list[str]]:
    """What is found in files: in Python's, in its texts alone, docstrings too."""
    sources = ((path, path.read_text("utf-8")) for path in paths)
    read = ((path, texts(source) if path.suffix == ".py" else source) for path, source in sources)
    return {path.relative_to(ROOT).as_posix(): hits for path, text in read if (hits := found(text))}


def texts(source: str) -> str:
    """All text that Python source holds, with gaps for what is put in when it runs."""
    pieces = (node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    return "\n\x00\n".join(piece for piece in pieces if isinstance(piece, str))


def test_the_documents_have_no_banned_words() -> None:
    assert places([ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]) == {}


def test_messages_and_docstrings_have_no_banned_words() -> None:
    sources = sorted((ROOT / "src/perdure").rglob("*.py"))
    assert places(path for path in sources if "migrations" not in path.parts) == {}


def test_the_page_has_no_banned_words() -> None:
    sources = sorted((ROOT / "ui/src").rglob("*.ts*"))
    assert places(path for path in sources if path.name != "schema.d.ts") == {}
