"""A hint at what was probably meant."""

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """A sentence to end a message with, such as " Did you mean 'red'?"; empty when nothing known is near."""
    import difflib  # needed only when something is already wrong

    folded = {each.casefold(): each for each in known}
    found = difflib.get_close_matches(word.casefold(), folded, n=1)
    return f" Did you mean {folded[found[0]]!r}?" if found else ""
