"""Pickles that make a file called "exploded" as soon as they are loaded without an allow-list."""

import builtins
import copyreg
import functools
import importlib
import operator
import os
import pickle
import runpy
import shutil
import subprocess
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np

COMMAND = "touch exploded"
CODE = "open('exploded', 'w').close()"
_TEXT = b"\x8c" + bytes([len(COMMAND)]) + COMMAND.encode()  # SHORT_BINUNICODE
_CALL = b"\x85R."  # TUPLE1, REDUCE, STOP


class Call:
    """Pickles as a call of a function."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.parts = function, args

    def __reduce__(self) -> Any:
        return self.parts


class Innocent:
    """A class that an allow-list of `pickle_zoo.*` holds."""

    def touch(self) -> None:
        Path("exploded").touch()


def touch() -> None:
    """A function beside it."""
    Path("exploded").touch()


class Toucher:
    """A class of another module, which this one has imported."""

    def __new__(cls, *_: Any, **__: Any) -> "Toucher":
        Path("exploded").touch()
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        Path("exploded").touch()


Toucher.__module__ = "elsewhere"


def named(module: str, name: str) -> bytes:
    """PROTO 4 and STACK_GLOBAL: a function by its module and dotted name."""
    texts = b"".join(b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, name))
    return b"\x80\x04" + texts + b"\x93"


def _dumps(value: Any) -> bytes:
    return pickle.dumps(value, 4)


def _attribute(module: str, name: str) -> Call:
    return Call(getattr, Call(importlib.import_module, module), name)


class _Calling(Call):
    """Pickles as a call of what another call gives."""

    def __init__(self, made: Call, *args: Any) -> None:
        self.parts = _call_it, (made, *args)


def _call_it(function: Callable[..., Any], *args: Any) -> Any:
    return function(*args)


def _called(made: bytes, *rest: bytes) -> bytes:
    """REDUCE of what a pickle without STOP leaves, with the command or other arguments."""
    return made + (b"".join(rest) or _TEXT) + _CALL


def _body(value: Any) -> bytes:
    """A pickle without PROTO, FRAME and STOP, to be put into another one."""
    return pickle.dumps(value, 2)[2:-1]


def _by_value() -> Any:
    """A class that cloudpickle takes along."""

    class Local:
        def __reduce__(self) -> Any:
            return (lambda: Path("exploded").touch()), ()

    return Local()


ZOO: dict[str, bytes] = {
    "os.system": _dumps(Call(os.system, COMMAND)),
    "subprocess.check_call": _dumps(Call(subprocess.check_call, ["touch", "exploded"])),
    "subprocess.getoutput": _dumps(Call(subprocess.getoutput, COMMAND)),
    "eval": _dumps(Call(eval, CODE)),
    "exec": _dumps(Call(exec, CODE)),
    "shutil.copyfile": _dumps(Call(shutil.copyfile, os.devnull, "exploded")),
    "timeit": _dumps(Call(timeit.timeit, CODE, "pass", timeit.default_timer, 1)),
    "runpy": _dumps(Call(runpy._run_code, CODE, {})),  # type: ignore[attr-defined]
    "a pickle in a pickle": _dumps(Call(pickle.loads, _dumps(Call(os.system, COMMAND)))),
    "a pickle in a pickle of cloudpickle": _dumps(Call(cloudpickle.loads, _dumps(Call(os.system, COMMAND)))),
    "map": _dumps(Call(list, Call(map, os.system, [COMMAND]))),
    "partial": _called(b"\x80\x02" + _body(functools.partial(os.system)), _body(COMMAND)),
    "methodcaller": _called(b"\x80\x02" + _body(operator.methodcaller("touch")), _body(Path("exploded"))),
    "attrgetter": _called(
        b"\x80\x02" + _body(Call(operator.attrgetter("system"), Call(importlib.import_module, "os")))
    ),
    "getattr of a module": _called(b"\x80\x02" + _body(_attribute("os", "system"))),
    "getattr of __import__": _called(b"\x80\x02" + _body(Call(getattr, Call(builtins.__import__, "os"), "system"))),
    "getattr of an allowed class": _called(
        b"\x80\x02" + _body(Call(getattr, Innocent, "touch")), _body(Call(Innocent))
    ),
    "a chain of getattr": _called(
        b"\x80\x02" + _body(Call(dict.get, Call(getattr, Call(getattr, Innocent, "touch"), "__globals__"), "touch")),
        b")R.",
    ),
    "a dotted name through a module": _called(named("shutil", "os.system")),
    "a dotted name through an allowed module": _called(named("pickle_zoo", "os.system")),
    "a method of an allowed class": _called(named("pickle_zoo", "Innocent.touch"), _body(Call(Innocent))),
    "a function of an allowed module": named("pickle_zoo", "touch") + b")R.",
    "another module's class in an allowed module": named("pickle_zoo", "Toucher") + b")R.",
    "a class without its constructor": named("pickle_zoo", "Toucher") + b")\x81.",  # NEWOBJ
    "a class with keywords": named("pickle_zoo", "Toucher") + b")}\x92.",  # NEWOBJ_EX
    "the state of an object": _dumps(Call(copyreg._reconstructor, Innocent, object, None))[:-1]  # type: ignore[attr-defined]
    + b"0"
    + named("pickle_zoo", "Toucher")[2:]
    + b")\x81}b.",
    "copyreg": _called(named("copyreg", "__newobj__"), named("pickle_zoo", "Toucher")[2:]),
    "what rebuilds exceptions": named("perdure._model.exceptions", "_rebuilt")
    + b"("
    + named("pickle_zoo", "Toucher")[2:]
    + b")}tR.",
    "protocol 0": f"cos\nsystem\n(S'{COMMAND}'\ntR.".encode(),
    "INST": f"(S'{COMMAND}'\nios\nsystem\n.".encode(),
    "OBJ": f"(cos\nsystem\nS'{COMMAND}'\no.".encode(),
    "a name of Python 2": f"c__builtin__\neval\n(S{CODE!r}\ntR.".encode(),
    "deep in a value": _dumps({"a": [1, (2, {"b": [{Call(os.system, COMMAND): 1}]})]}),
    "in an argument of an exception": _dumps(ValueError("x", Call(os.system, COMMAND))),
    "in an array of objects": _dumps(np.array([Call(os.system, COMMAND)], dtype=object)),
    "in what numpy rebuilds": _dumps(Call(np.dtype, Call(os.system, COMMAND)))[:-1] + b"0N.",
    "code of numpy's tests": _called(
        named("numpy.testing._private.utils", "runstring"), _body(CODE), _body({}), b"\x86R."
    ),
    "a file mapped by numpy": _dumps(Call(np.memmap, "exploded", "u1", "w+", 0, (1,))),
    "a module in a module of pandas": _called(named("pandas.io.common", "os.system")),
    "a function of cloudpickle": _called(b"\x80\x05" + cloudpickle.dumps(lambda _: touch())[2:-1], b"N"),
    "a class of cloudpickle": cloudpickle.dumps(_by_value()),
}
