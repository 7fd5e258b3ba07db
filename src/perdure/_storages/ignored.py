"""Files that a list of patterns names, as in a .gitignore."""

import re

_ALL_WITHIN, _ANY_FOLDERS = "/**", "**/"


class Ignored:
    """What the lines of a .gitignore leave out, by paths below its folder: `"a/b.pyc" in Ignored("*.pyc")`.

    Of lines that match, the last counts; one with `!` takes a file back in, unless a folder above it is left out.
    """

    def __init__(self, text: str) -> None:
        lines = (re.sub(r"(?<!\\)\s+\Z", "", line) for line in text.splitlines())
        self._rules = [_Rule(line) for line in lines if line.strip("/!") and not line.startswith("#")]

    def __contains__(self, path: str) -> bool:
        parts = path.split("/")
        folders = ("/".join(parts[:end]) for end in range(1, len(parts)))
        return any(self._leaves_out(folder, is_folder=True) for folder in folders) or self._leaves_out(path)

    def _leaves_out(self, path: str, is_folder: bool = False) -> bool:
        last = next((rule for rule in reversed(self._rules) if rule.matches(path, is_folder)), None)
        return last is not None and not last.takes_back


class _Rule:
    def __init__(self, line: str) -> None:
        self.takes_back = line.startswith("!")
        pattern = line.removeprefix("!")
        self._of_folders = pattern.endswith("/")
        pattern = pattern.rstrip("/")
        start = "" if "/" in pattern else "(?:.*/)?"  # a pattern without a slash holds at any depth
        self._matches = re.compile(start + _regex(pattern.lstrip("/"))).fullmatch

    def matches(self, path: str, is_folder: bool) -> bool:
        return (is_folder or not self._of_folders) and self._matches(path) is not None


_TOKEN = re.compile(r"(?:(?<=/)|\A)\*\*/|/\*\*\Z|\*+|\?|\[!?\]?[^\]]*\]|\\.|.", re.DOTALL)


def _regex(pattern: str) -> str:
    return "".join(_translated(token) for token in _TOKEN.findall(pattern))


def _translated(token: str) -> str:
    if token == _ANY_FOLDERS:
        return "(?:.*/)?"
    if token == _ALL_WITHIN:
        return "/.*"
    if token.startswith("*"):
        return "[^/]*"
    if token == "?":
        return "[^/]"
    if token.startswith("[") and len(token) > 1:
        inner = token[1:-1].replace("\\", r"\\").replace("[", r"\[")
        return f"(?!/)[^{inner[1:]}]" if inner.startswith("!") else f"(?!/)[{inner}]"
    return re.escape(token[-1])
