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

from importlib import import_module
from typing import TYPE_CHECKING

from perdure._platform.keyring import new_key
from perdure._platform.moved import export
from perdure._serializers.base import Serializer, resolve
from perdure._serializers.compressed import CompressedJSONSerializer, CompressedPickleSerializer, CompressedSerializer
from perdure._serializers.encrypted import EncryptedSerializer
from perdure._serializers.json import JSONSerializer
from perdure._serializers.pickle import PickleSerializer

if TYPE_CHECKING:  # imported once they are asked for
    from perdure._serializers.formats import ArrowSerializer, NumpySerializer, ParquetSerializer

__all__ = [
    "ArrowSerializer",
    "CompressedJSONSerializer",
    "CompressedPickleSerializer",
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

__path__: list[str] = []  # what was below it is found by its former name

_LATER = {
    "ArrowSerializer": "perdure._serializers.formats",
    "NumpySerializer": "perdure._serializers.formats",
    "ParquetSerializer": "perdure._serializers.formats",
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_LATER[name]), name)
    export({"__name__": __name__, "__all__": [name], name: found})
    return found


export(globals())
