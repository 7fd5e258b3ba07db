__all__ = [
    "get_dispatch_key",
    "get_registry_for_type",
    "lookup_type",
]

def get_dispatch_key(cls_or_instance: Any) -> str: ...

def get_registry_for_type(cls: type[T]) -> dict[str, type[Any]] | None: ...

def lookup_type(cls: type[T], dispatch_key: str) -> type[T]: ...
