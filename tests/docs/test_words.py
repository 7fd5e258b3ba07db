"""The documents, the page's texts and the messages use the terms of the glossary, and none of the former dialect."""

import re
from pathlib import Path

import pytest

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


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_of_the_documents_has_no_banned_words(page: Path) -> None:
    assert found(page.read_text("utf-8")) == []
