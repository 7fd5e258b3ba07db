"""Making something else of honest bytes and texts, and making up JSON and pickles; all from a random generator."""

import json
import pickle
import random
import sys
from typing import Any

_TEXTS = [
    "evil_plugin",
    "evil_plugin.X",
    "1e99999999",
    "9" * 5_000,
    "../../etc/passwd",
    "file:///etc/passwd",
    "",
    "\0",
    "é",
]
_NUMBERS = [0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**30, 1.5, float("nan")]
_FIELDS = ["data", "message", "args", "exact", "state", "extra", "fields_set", "zone", "flags", "x", "type", "jsonlib"]
_TAGS = [
    *("builtins.range", "builtins.list", "builtins.set", "builtins.dict", "builtins.int", "builtins.bytes"),
    *("fractions.Fraction", "decimal.Decimal", "re.Pattern", "datetime.timedelta", "zoneinfo.ZoneInfo"),
    *("collections.Counter", "collections.deque", "collections.defaultdict", "pathlib.PosixPath", "uuid.UUID"),
    *("perdure.serializers.json.JSONSerializer", "perdure.serializers.compressed.CompressedSerializer"),
    *("perdure.filesystems.remote.RemoteFileSystem", "perdure.core.states.StateType", "subprocess.Popen", "os.system"),
    *("evil_plugin.X", "antigravity.x", "pydantic.networks.AnyUrl", "enum.Enum", "builtins.ExceptionGroup"),
]
_NAMES = [
    *("os.system", "builtins.eval", "builtins.getattr", "builtins.exec", "subprocess.Popen", "evil_plugin.X"),
    *("pathlib.Path", "collections.OrderedDict", "datetime.date", "decimal.Decimal", "copyreg._reconstructor"),
    *("copyreg.__newobj__", "numpy.dtype", "numpy.ndarray", "numpy._core.multiarray._reconstruct"),
    *("numpy._core.multiarray.scalar", "numpy._core.numeric._frombuffer", "numpy._pytesttester.PytestTester"),
    *("pandas._config.config.DictWrapper", "pandas.core.frame.DataFrame", "pandas.core.indexes.base._new_Index"),
    *("perdure.core.exceptions._rebuilt", "perdure.serializers.references.found_in_program", "builtins.ValueError"),
    *("perdure.serializers.json.JSONSerializer", "functools.partial", "operator.methodcaller", "zoneinfo.ZoneInfo"),
]
_VALUES = [0, 1, "x", b"AAAAAAAA", (1,), (0,), b"b", "O8", "V8", {}, [], None, ("touch exploded",), {"a": 1}]
_STEPS = [b"R", b"\x81", b"b", b"\x85", b"\x86", b"\x87", b"0", b"2", b"(", b"t", b"e", b"u", b"s", b"a", b"o", b"\x94"]


def bytes_like(chance: random.Random, data: bytes) -> bytes:
    """The bytes with a few changed, taken out, put in, put elsewhere or doubled."""
    made = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        at = chance.randrange(len(made)) if made else 0
        size = chance.choice((1, 1, 4, 30))
        way = chance.randrange(5)
        if way == 0 and made:
            made[at] ^= 1 << chance.randrange(8)
        elif way == 1:
            del made[at : at + size]
        elif way == 2:
            made[at:at] = chance.randbytes(size)
        elif way == 3 and made:
            made[at : at + size] = chance.randbytes(len(made[at : at + size]))
        else:
            made[at:at] = made[chance.randrange(len(made) + 1) :][:size]
    return bytes(made)


def text_like(chance: random.Random, text: str) -> str:
    """The text with some of its characters changed."""
    return bytes_like(chance, text.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")


def json_value(chance: random.Random, depth: int = 3) -> Any:
    """A JSON value, with tags of all kinds, true and false ones."""
    way = chance.randrange(10 if depth else 4)
    if way < 2:
        return chance.choice([*_NUMBERS, None, True])
    if way < 4:
        return chance.choice(_TEXTS)
    if way < 6:
        return [json_value(chance, depth - 1) for _ in range(chance.randrange(4))]
    fields = {chance.choice(_FIELDS): json_value(chance, depth - 1) for _ in range(chance.randrange(4))}
    if way < 9:
        return {**fields, "__class__": _class(chance), "data": json_value(chance, depth - 1)}
    return {**fields, "__exc_type__": _class(chance), "message": ""}


def _class(chance: random.Random) -> str:
    if not _known:
        for module in list(sys.modules.values()):
            names = [name for name, each in list(vars(module).items()) if isinstance(each, type)]
            _known.extend(f"{module.__name__}.{name}" for name in names)
        _known.sort()
    return chance.choice(_TAGS if chance.random() < 0.5 else _known)


_known: list[str] = []


def pickled(chance: random.Random) -> bytes:
    """A pickle of steps that somebody made up."""
    parts = [b"\x80\x04"]
    for _ in range(chance.randrange(1, 9)):
        way = chance.randrange(4)
        if way == 0:
            module, _, name = chance.choice(_NAMES).rpartition(".")
            parts.append(f"c{module}\n{name}\n".encode())
        elif way == 1:
            parts.append(pickle.dumps(chance.choice(_VALUES), 3)[2:-1])
        else:
            parts.append(chance.choice(_STEPS))
    return b"".join(parts) + b"."


def json_like(chance: random.Random, value: Any) -> Any:
    """A JSON value with one part, somewhere, put in another's place."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        name = chance.choice(list(value))
        return {**value, name: json_like(chance, value[name])}
    if isinstance(value, list) and value and chance.random() < 0.8:
        at = chance.randrange(len(value))
        return [*value[:at], json_like(chance, value[at]), *value[at + 1 :]]
    if isinstance(value, str) and chance.random() < 0.5:
        return text_like(chance, value)
    return json_value(chance, 2)


def dumped(value: Any) -> bytes:
    """JSON as others may write it."""
    return json.dumps(value).encode()
