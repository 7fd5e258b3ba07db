__all__ = [
    "Variable",
    "checked_variable",
    "get",
]

class Variable:
    def __init__(self, name: str, value: Any) -> None: ...
    @classmethod
    async def adelete(cls, name: str) -> bool: ...
    @classmethod
    async def aget(cls, name: str, default: object = None, *, type: Any = None) -> Any: ...
    @classmethod
    async def aset(cls, name: str, value: object, overwrite: bool = False) -> Self: ...
    @classmethod
    def delete(cls, name: str) -> bool: ...
    @overload
    @classmethod
    def get(cls, name: str, default: D, *, type: type[T]) -> T | D: ...
    @overload
    @classmethod
    def get(cls, name: str, default: None = None, *, type: type[T]) -> T | None: ...
    @overload
    @classmethod
    def get(cls, name: str, default: object = None, *, type: None = None) -> Any: ...
    @classmethod
    def get(cls, name: str, default: object = None, *, type: object = None) -> Any: ...
    name: object
    @classmethod
    def set(
        cls,
        name: str,
        value: object,
        overwrite: bool = False,
        *,
        tags: Sequence[str] | None = None,
    ) -> Self: ...
    @classmethod
    def unset(cls, name: str) -> Any: ...
    value: object

def checked_variable(name: str, value: object, now: Micros) -> VariableRecord: ...

def get(name: str, default: object = None) -> Any: ...
