"""Places of storages as URLs, and lists of those that are allowed."""

import os
import re
from collections.abc import Iterable

RULE = (
    'directories and URLs, separated by commas, such as "/data/results, s3://team/results"; "s3://" allows all buckets,'
    " and an http(s) URL names its host"
)
# What every program reads in the same way: no escapes, no user's name, no second address.
_PLAIN = re.compile(r"([a-z][a-z0-9+.-]*)://([A-Za-z0-9._~-]+@)?([A-Za-z0-9._-]*(?::[0-9]{1,5})?)((?:/[\w.~=+ -]*)*)")


def parse_places(text: str) -> tuple[str, ...]:
    """The places that a list allows, in their plain form.

    Raises:
        ValueError: one is no place.
    """
    return tuple(_parsed(each.strip()) for each in text.split(","))


def _parsed(text: str) -> str:
    if "://" not in text:
        if not text:
            raise ValueError
        return directory_place(os.path.expanduser(text))  # noqa: PTH111 - as text
    if text.startswith("file:///"):
        return directory_place(text.removeprefix("file://"))
    found = plain_place(text)
    if found is None or found in ("http://", "https://"):
        raise ValueError(text)
    return found


def directory_place(path: str | os.PathLike[str]) -> str:
    """The place of a directory of this machine, whatever links lead to it."""
    return f"file://{os.path.realpath(path)}".rstrip("/") or "file://"


def plain_place(url: str) -> str | None:
    """A URL in its plain form: without a user's name and a slash at the end; None if it is not plain.

    Whatever two programs could read in two ways is not plain: `..`, escapes, chained addresses, odd characters.
    """
    match = _PLAIN.fullmatch(url)
    if match is None or ".." in url.split("/") or "." in url.split("/")[3:]:
        return None
    scheme, _, host, path = match.groups()
    return f"{scheme}://{host.lower()}{path.rstrip('/')}"


def is_within(place: str, allowed: Iterable[str]) -> bool:
    """Whether a place is one of those that are allowed, or lies below one."""
    return any(place == each or place.startswith(each if each.endswith("://") else f"{each}/") for each in allowed)
