"""Serializers: Python objects to bytes and back.

`resolve` turns what a user gave (a name, an instance, or nothing) into a serializer. A serializer of
your own is a subclass of `Serializer` with a `type`; it is found by that name from then on:

    class TextSerializer(Serializer):
        type: Literal["text"] = "text"

        def dumps(self, obj: Any) -> bytes:
            return str(obj).encode()

        def loads(self, data: bytes) -> Any:
            return data.decode()
"""

from typing import TYPE_CHECKING, Any

from perdure.core.keyring import new_key
from perdure.serializers.base import Serializer, resolve
from perdure.serializers.compressed import CompressedSerializer
from perdure.serializers.encrypted import EncryptedSerializer
from perdure.serializers.json import JSONSerializer
from perdure.serializers.pickle import PickleSerializer

if TYPE_CHECKING:  # imported once they are asked for
    from perdure.serializers.formats import ArrowSerializer, NumpySerializer, ParquetSerializer

__all__ = [
    "ArrowSerializer",
    "CompressedSerializer",
    "EncryptedSerializer",
    "JSONSerializer",
    "NumpySerializer",
    "ParquetSerializer",
    "PickleSerializer",
    "Serializer",
    "new_key",
    "resolve",
]


def __getattr__(name: str) -> Any:
    if name not in ("ArrowSerializer", "NumpySerializer", "ParquetSerializer"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from perdure.serializers import formats

    return getattr(formats, name)
