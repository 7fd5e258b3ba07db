"""Values that flows share by name: `Variable.set("batch-size", 500)`, `Variable.get("batch-size")`."""

import json
import re
import warnings
from collections.abc import Generator, Sequence
from typing import Any, Self, TypeVar, overload

from perdure._model.colour import caller_is_async, outside_runs
from perdure._model.errors import VariableError, VariableExists, reasons
from perdure._platform import providers
from perdure._platform.clock import Micros, system_clock
from perdure._platform.threads import in_thread
from perdure._rooms.variables.records import VariableRecord

__all__ = ["Variable", "checked_variable", "get"]

T = TypeVar("T")
D = TypeVar("D")
MOST = 64 * 2**10  # bytes of a value as JSON
_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,254}")


class Variable:
    """Named JSON values in the orchestrator. Everybody who reaches it can read them: they are not for secrets."""

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: Any) -> None:
        """What `set` kept: it does not follow what others set later."""
        self.name = name
        self.value = value

    def __await__(self) -> Generator[object, None, Self]:
        """The variable itself, at once: what `set` gives may be awaited or not."""
        return self
        yield

    def __repr__(self) -> str:
        return f"Variable(name={self.name!r}, value={self.value!r})"

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
    def get(cls, name: str, default: object = None, *, type: object = None) -> Any:
        """The value of a variable, or `default` if there is none. With `type` it is checked, and made, as a flow's
        parameter is: `Variable.get("since", type=date)`. In coroutine flows and tasks it is awaited, as `aget`.

        Raises:
            VariableError: the name is malformed, or the value does not fit the type.
        """
        if _in_coroutine():
            return cls.aget(name, default, type=type)
        return cls._got(name, default, type)

    @classmethod
    def _got(cls, name: str, default: object, type: object) -> Any:
        record: VariableRecord | None = _known().variable(_checked_name(name))
        if record is None:
            return default
        value = json.loads(record.value)
        return value if type is None else _fitted(name, value, type)

    @classmethod
    def set(cls, name: str, value: object, overwrite: bool = False, *, tags: Sequence[str] | None = None) -> Self:
        """Keep a value of JSON's types, of at most 64 KiB, under a name. It is committed when this returns.

        What it returns has the `name` and the `value`, and may also be awaited.

        `tags`, which Prefect's variables have, are not kept, and a warning says so.

        Raises:
            VariableExists: there is one by the name, and `overwrite` is not True.
            VariableError: the name is malformed, or the value is not JSON's or too large.
        """
        if tags:
            warnings.warn(f"Variables have no tags, so {tags!r} are not kept with {name!r}.", stacklevel=2)
        if not _known().set_variable(checked_variable(name, value, system_clock()), overwrite):
            raise VariableExists(f"There is a variable {name!r} already. Pass overwrite=True to change it.")
        return cls(name, value)

    @classmethod
    def delete(cls, name: str) -> bool:
        """Forget a variable; False if there is none.

        Raises:
            VariableError: the name is malformed.
        """
        deleted: bool = _known().delete_variable(_checked_name(name))
        return deleted

    @classmethod
    def unset(cls, name: str) -> Any:
        """`delete`, by the name that users of Prefect know. In coroutine flows and tasks it is awaited."""
        return cls.adelete(name) if _in_coroutine() else cls.delete(name)

    @classmethod
    async def aget(cls, name: str, default: object = None, *, type: Any = None) -> Any:
        """`get`, in another thread."""
        return await in_thread(cls._got, name, default, type)

    @classmethod
    async def aset(cls, name: str, value: object, overwrite: bool = False) -> Self:
        """`set`, in another thread."""
        return await in_thread(cls.set, name, value, overwrite)

    @classmethod
    async def adelete(cls, name: str) -> bool:
        """`delete`, in another thread."""
        return await in_thread(cls.delete, name)


def get(name: str, default: object = None) -> Any:
    """The value of a variable, or `default` if there is none: `Variable.get` as a function; in coroutines awaited.

    Raises:
        VariableError: the name is malformed.
    """
    return Variable.aget(name, default) if caller_is_async() else Variable._got(name, default, None)


def _in_coroutine() -> bool:
    """Whether it is a coroutine's run that calls: outside of runs, a loop may be a notebook's, where nobody awaits."""
    return caller_is_async() and not outside_runs()


def checked_variable(name: str, value: object, now: Micros) -> VariableRecord:
    """The record of a new variable.

    Raises:
        VariableError: the name is malformed, or the value is not JSON's or too large.
    """
    return VariableRecord(_checked_name(name), _as_json(name, value), now, now)


def _known() -> Any:
    return providers.orchestrator()


def _checked_name(name: str) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise VariableError(
            f"{name!r} cannot be a variable's name. Use lower-case letters, digits, dashes and underscores."
        )
    return name


def _as_json(name: str, value: object) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise VariableError(f"The value of variable {name!r} is not JSON: {error}. Give it JSON's types.") from None
    if json.loads(text) != value:
        raise VariableError(
            f"The value of variable {name!r} would come back as another one: it holds tuples, or keys that are no text."
            " Give it lists, and dicts with text as keys."
        )
    size = len(text.encode(errors="replace"))
    if size > MOST:
        raise VariableError(
            f"The value of variable {name!r} takes {size:,} bytes as JSON, and at most {MOST:,} are kept. Put it into a"
            " file or a result, and keep where that is."
        )
    return text


def _fitted(name: str, value: object, type: Any) -> object:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(type).validate_python(value)
    except ValidationError as error:
        raise VariableError(f"The variable {name!r} does not fit {type}: {reasons(error)}. Set it again.") from None
