"""What a document says of the serializer that wrote it: a dict that also converts, as the serializer itself would."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # it imports pydantic, which a process that persists nothing does not need
    from perdure._serializers.base import Serializer


class SerializerDescription(dict[str, Any]):
    """A serializer's fields, as its document has them: `blob.serializer.loads(blob.data)`.

    The serializer is looked up when it is first needed, so a document can be looked at without it.
    """

    @property
    def type(self) -> str:
        """The serializer's type name."""
        return str(self["type"])

    def serializer(self) -> "Serializer":
        """The serializer itself.

        Raises:
            UnknownSerializer: no serializer has the type.
            ResultUnreadable: the description does not fit the serializer as it is here.
        """
        from perdure._serializers.base import Serializer

        return Serializer.from_description(self)

    def loads(self, data: bytes) -> Any:
        """The object that the bytes were made from. Raises what `Serializer.loads` and `serializer` raise."""
        return self.serializer().loads(data)

    def dumps(self, obj: object) -> bytes:
        """The bytes of an object. Raises what `Serializer.dumps` and `serializer` raise."""
        return self.serializer().dumps(obj)


def description_of(serializer: "Serializer | dict[str, Any]") -> SerializerDescription:
    """The description of a serializer, or a description as it is."""
    return SerializerDescription(serializer if isinstance(serializer, dict) else serializer.describe())
