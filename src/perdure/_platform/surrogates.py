"""Halves of surrogate pairs, which Python's text may have, and neither UTF-8 nor most readers of JSON do.

Python makes them of the names of files that are not UTF-8, so they come with paths into tags, names and values.
"""

import re

# In JSON: a backslash that is escaped itself; a whole pair; a half, escaped or as it is.
_IN_JSON = re.compile(
    r"(?P<whole>\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|\\(?P<escaped>u[dD][89a-fA-F][0-9a-fA-F]{2})|(?P<half>[\ud800-\udfff])"
)


def spelled(text: str) -> str:
    r"""The text with halves of surrogate pairs spelled out: six characters such as `\udcff`."""
    return text.encode("utf-8", "backslashreplace").decode()


def spelled_in_json(text: str) -> str:
    """JSON, in whose texts halves of surrogate pairs are spelled out."""
    return _IN_JSON.sub(_spelled, text) if "\\u" in text or not text.isascii() else text


def _spelled(found: re.Match[str]) -> str:
    whole, escaped, half = found.group("whole", "escaped", "half")
    return str(whole or rf"\\{escaped or spelled(half)[1:]}")
