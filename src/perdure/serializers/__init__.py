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

from perdure.serializers.base import Serializer, resolve
from perdure.serializers.compressed import CompressedSerializer
from perdure.serializers.json import JSONSerializer
from perdure.serializers.pickle import PickleSerializer

__all__ = ["CompressedSerializer", "JSONSerializer", "PickleSerializer", "Serializer", "resolve"]
