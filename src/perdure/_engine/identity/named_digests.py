"""Digests of texts, files and Python objects by functions of `hashlib`, for cache keys and names of one's own."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from perdure._engine.identity.hashing import digest_of_values

HashAlgorithm = Callable[..., Any]  # of hashlib


def stable_hash(*args: str | bytes, hash_algo: HashAlgorithm = hashlib.md5) -> str:
    """The digest of texts and bytes, one after another, in hexadecimal: MD5, which is not for secrets, by default."""
    digest = hash_algo()
    for each in args:
        digest.update(each.encode() if isinstance(each, str) else each)
    return str(digest.hexdigest())


def file_hash(path: str | Path, hash_algo: HashAlgorithm = hashlib.md5) -> str:
    """The digest of a file's content, in hexadecimal.

    Raises:
        OSError: the file cannot be read.
    """
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, hash_algo).hexdigest()


def hash_objects(*args: object, hash_algo: HashAlgorithm = hashlib.md5, **kwargs: object) -> str:
    """The digest of Python objects, in hexadecimal: the same in every process for equal objects of the same types.

    Raises:
        SerializationError: a part of an object can have none, such as a lock or an open file; it is named.
    """
    return stable_hash(digest_of_values(args, kwargs, ordered=False), hash_algo=hash_algo)
