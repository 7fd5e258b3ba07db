"""Types of blocks and serializers by the names under which they are saved."""

from typing import Any, TypeVar

from perdure._blocks.block import Block, block_class, block_types
from perdure._platform.moved import export
from perdure._serializers.base import Serializer, serializer_class, serializer_classes

__all__ = ["get_dispatch_key", "get_registry_for_type", "lookup_type"]

T = TypeVar("T")


def get_registry_for_type(cls: type[T]) -> dict[str, type[Any]] | None:
    """All types of blocks, or of serializers, by their names; None for a class that is neither.

    A class is known once its module has been imported, and so are those of installed packages.
    """
    if issubclass(cls, Block):
        return dict(block_types())
    return dict(serializer_classes()) if issubclass(cls, Serializer) else None


def get_dispatch_key(cls_or_instance: Any) -> str:
    """The name under which a type of block or serializer is saved, such as "s3" or "json".

    Raises:
        ValueError: it is neither.
    """
    cls = cls_or_instance if isinstance(cls_or_instance, type) else type(cls_or_instance)
    for name, each in (get_registry_for_type(cls) or {}).items():
        if each is cls:
            return name
    raise ValueError(f"{cls.__qualname__} is no type of block or serializer, or was defined again since.")


def lookup_type(cls: type[T], dispatch_key: str) -> type[T]:
    """The type of block or serializer with a name.

    Raises:
        BlockError: there is no such type of block.
        UnknownSerializer: there is no such serializer.
        ValueError: `cls` is neither, or what has the name is no subclass of it.
    """
    found: type[Any] | None = None
    if issubclass(cls, Block):
        found = block_class(dispatch_key)
    elif issubclass(cls, Serializer):
        found = serializer_class(dispatch_key)
    if found is None or not issubclass(found, cls):
        raise ValueError(f"{dispatch_key!r} is no {cls.__qualname__}.")
    return found


export(globals())
