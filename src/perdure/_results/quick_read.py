"""Reading a small result of which all is known: its serializer and digest, as its database's record has them.

The problem: a document is JSON, and says itself how it is to be read. To parse it, and to look up what it says, takes
longer than to read the file; a flow that is resumed reads all that its steps have come to.

The idea: where the text begins as the record says that it must, the data is what stands next in it. It counts if the
checksum of the whole is right, and the data has the digest of the record. Whatever else is found, or goes wrong, the
document is read again by `read_document`, which knows all kinds of documents and says what is the matter with this one.
"""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from perdure._results.document import data_within

if TYPE_CHECKING:
    from perdure._serializers.base import Serializer


def read_quickly(read: Callable[[], bytes], serializer: str, digest: str | None) -> tuple[Any] | None:
    """The value of a document; None if it is not known to be the one with that digest, or cannot be loaded."""
    if digest is None:
        return None
    try:
        data = data_within(read(), serializer, digest)
        return None if data is None else (_lookup()(serializer).loads(data),)
    except MemoryError:
        raise
    except Exception:
        return None


@cache
def _lookup() -> "Callable[[str], Serializer]":
    """`serializer_in`: an import statement in each read would take longer than much of the rest."""
    from perdure._serializers.base import serializer_in

    return serializer_in
