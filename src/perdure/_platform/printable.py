"""Text that any terminal or page may show."""

import re

# Control characters but line ends and tabs, half characters, and those without a width that change how others read.
_STRANGE = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]"


def printable(text: str) -> str:
    """A text that any terminal or page may show: with escapes for control characters and half ones."""
    return text if text.isascii() and text.isprintable() else re.sub(_STRANGE, _escape, text)


def printable_json(text: str) -> str:
    """JSON that any terminal may show, and that says the same."""
    return text if text.isascii() and text.isprintable() else re.sub(_STRANGE, lambda found: _unicode(found[0]), text)


def _escape(found: "re.Match[str]") -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 256 else _unicode(found[0])


def _unicode(character: str) -> str:
    return f"\\u{ord(character):04x}"
