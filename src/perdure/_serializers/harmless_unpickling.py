"""Unpickling that changes nothing of the process: no class, function or enum member is given other attributes.

A pickle may set attributes of whatever it holds, and it holds the classes that it names. So a pickle that names what
could be changed is first played through with inert objects in the place of all that it names. That shows what it would
change, at the speed of Python's own unpickler; one made in Python, which could look at each step, takes seven times as
long. Only a pickle that cannot be played through is left to that.
"""

import copyreg
import operator
import pickle
from collections.abc import Callable, Sequence
from enum import Enum, EnumType
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, BinaryIO, ClassVar, NoReturn

from perdure._model.errors import ResultUntrusted
from perdure._serializers import numpy_unpickling

Find = Callable[[str, str], object]
_SHARED = (type, FunctionType, BuiltinFunctionType, MethodType, ModuleType, Enum)
_HEAP_TYPE = 1 << 9  # a type's flag: it was made while the program ran


def load_harmless(file: BinaryIO, buffers: Sequence[memoryview], find: Find) -> object:
    """The object of a pickle with which a file begins; `find` gives what it may name.

    Raises:
        ResultUntrusted: it would change something that it names.
        Exception: what `find` and unpickling raise.
    """
    if not copyreg._inverted_registry:  # type: ignore[attr-defined]  # else there are names that `find` is not asked for
        try:
            return _Unpickler(file, buffers, find).load()
        except _CannotRehearse:
            file.seek(0)
    return _StepByStep(file, buffers, find).load()


class _CannotRehearse(BaseException):
    """A pickle needs a real object to be read further, such as a class that one of its functions makes."""


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: BinaryIO, buffers: Sequence[memoryview], find: Find) -> None:
        super().__init__(file, buffers=buffers)
        self._again = file, buffers
        self._find = find
        self._is_rehearsed = False

    def find_class(self, module: str, name: str, /) -> object:
        found = self._find(module, name)
        if not self._is_rehearsed and _is_changeable(found):
            self._is_rehearsed = True
            _rehearse(*self._again, self._find)
        return found


def _is_changeable(named: object) -> bool:
    if isinstance(named, type):
        return (
            bool(named.__flags__ & _HEAP_TYPE) or numpy_unpickling.is_memory(named) or numpy_unpickling.is_dtype(named)
        )
    return not isinstance(named, BuiltinFunctionType)


def _rehearse(file: BinaryIO, buffers: Sequence[memoryview], find: Find) -> None:
    at = file.tell()
    file.seek(0)
    try:
        _Rehearsal(file, buffers, find).load()
    except (ResultUntrusted, EOFError):
        raise
    except Exception:
        raise _CannotRehearse from None
    file.seek(at)


class _Rehearsal(pickle.Unpickler):
    def __init__(self, file: BinaryIO, buffers: Sequence[memoryview], find: Find) -> None:
        super().__init__(file, buffers=buffers)
        self._find = find
        self._named: dict[int, object] = {}

    def find_class(self, module: str, name: str, /) -> object:
        found = self._find(module, name)
        if id(found) not in self._named:
            self._named[id(found)] = _inert(found, f"{module}.{name}")
        return self._named[id(found)]


def _inert(named: object, full: str) -> type:
    """What stands for something named: a class, so that it can be called, and can be changed by no step."""
    if isinstance(named, EnumType):  # its instances were there before the pickle, too
        return _Name(full, (_Inert,), dict.fromkeys(_CHANGES, property(_refuse)) | {"is_shared": True})
    if numpy_unpickling.is_memory(named):
        return _Name(full, (_Memory,), {})
    if numpy_unpickling.is_dtype(named):
        return _Name(full, (_Dtype,), {})
    # What a function gave may be a function; an object of a class may be called by no pickle.
    return _Name(full, (_Inert,), {"__call__": _refuse_call} if isinstance(named, type) else {})


def _refuse(changed: object, *_: object) -> NoReturn:
    raise _refusal(changed.__name__ if isinstance(changed, type) else type(changed).__name__)


def _refuse_call(called: object, *_: object) -> NoReturn:
    name = type(called).__name__
    raise ResultUntrusted(
        f"The pickle would call a {name[:200]!r}; it was not called. Pickles of values call classes and functions"
        " alone: do not trust the result's writer."
    )


def _refusal(full: str) -> ResultUntrusted:
    return ResultUntrusted(
        f"The pickle would change {full[:200]!r} for the whole process; nothing was changed. No pickle of a value does"
        " that: do not trust the result's writer."
    )


_CHANGES = ("__setstate__", "append", "extend", "add")


class _Name(type):
    """Of the inert classes: whatever an unpickler looks up to change one refuses."""

    is_shared = False
    __setstate__ = append = extend = add = property(_refuse)
    __setitem__ = _refuse


class _Inert(metaclass=_Name):
    """Takes all that an unpickler does to an object, and does nothing. Functions made in C take the least time."""

    __setstate__ = append = extend = add = id
    __setitem__ = operator.is_

    def __init__(self, *args: object, **_kwargs: object) -> None:
        for each in args:
            if type(each) is _Name and each.is_shared:  # this may be one of its instances
                vars(self)["__setstate__"] = _needs_real_ones

    def __call__(self, *_args: object) -> "_Inert":  # what a function gave may be a function
        return _Inert()


class _Memory(_Inert):
    """Stands for arrays and scalars of numpy, which are rebuilt by functions."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        if args or kwargs:
            _refuse_call(self)

    def __new__(cls, *args: object, **kwargs: object) -> "_Memory":
        made = object.__new__(cls)
        made.__init__(*args, **kwargs)  # type: ignore[misc]  # which some steps leave out
        return made


class _Dtype(_Inert):
    """Stands for dtypes of numpy: remembers what they say of themselves."""

    def __init__(self, *args: object, **_kwargs: object) -> None:
        self.item = numpy_unpickling.item_of(*args)
        self.is_whole = False

    def __setstate__(self, state: object) -> None:  # type: ignore[override]
        if self.is_whole:  # what was seen of it would no longer be true
            _refuse(self)
        self.item = numpy_unpickling.checked(state, self.item, lambda inner: inner.item)
        self.is_whole = True


def _needs_real_ones(_state: object) -> NoReturn:
    raise _CannotRehearse


class _StepByStep(pickle._Unpickler):
    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(pickle._Unpickler.dispatch)

    def __init__(self, file: BinaryIO, buffers: Sequence[memoryview], find: Find) -> None:
        super().__init__(file, buffers=buffers)
        self._find = find
        self._named: dict[int, object] = {}
        self._whole: dict[int, object] = {}

    def find_class(self, module: str, name: str) -> object:
        found = self._find(module, name)
        return self._named.setdefault(id(found), found)

    def get_extension(self, code: int) -> None:
        self.append(self.find_class(*copyreg._inverted_registry[code]))  # type: ignore[attr-defined]

    def _instantiate(self, klass: object, args: object) -> None:
        self.check_call(klass, args)
        super()._instantiate(klass, args)  # type: ignore[misc]

    def check_call(self, called: Any, args: object) -> None:
        is_object = id(called) not in self._named and not isinstance(called, (type, *_SHARED[1:4]))
        if is_object or (args and numpy_unpickling.is_memory(called)):
            _refuse_call(called if is_object else type(called.__name__, (), {})())

    def check_state(self, changed: object, state: object) -> None:
        if numpy_unpickling.is_dtype(type(changed)):
            if id(changed) in self._whole:
                raise _refusal("numpy.dtype")
            self._whole[id(changed)] = changed
            numpy_unpickling.checked(state, numpy_unpickling.real_item(changed), numpy_unpickling.real_item)

    def check(self, changed: object) -> None:
        if isinstance(changed, _SHARED) or id(changed) in self._named:
            raise _refusal(getattr(changed, "__qualname__", type(changed).__qualname__))


def _check_first(opcode: bytes, changed_by: Callable[[Any], object]) -> None:
    """Have an unpickler check what a step changes before the step is taken."""
    plain = _StepByStep.dispatch[opcode[0]]

    def step(unpickler: _StepByStep) -> None:
        unpickler.check(changed_by(unpickler))
        plain(unpickler)

    _StepByStep.dispatch[opcode[0]] = step


def _check_call(opcode: bytes, called: Callable[[Any], tuple[Any, object]]) -> None:
    plain = _StepByStep.dispatch[opcode[0]]

    def step(unpickler: _StepByStep) -> None:
        unpickler.check_call(*called(unpickler))
        plain(unpickler)

    _StepByStep.dispatch[opcode[0]] = step


_check_call(pickle.REDUCE, lambda unpickler: (unpickler.stack[-2], unpickler.stack[-1]))
_check_call(pickle.NEWOBJ, lambda unpickler: (unpickler.stack[-2], unpickler.stack[-1]))
_check_call(pickle.NEWOBJ_EX, lambda unpickler: (unpickler.stack[-3], unpickler.stack[-2] or unpickler.stack[-1]))
for _opcode in (pickle.BUILD, pickle.APPEND):
    _check_first(_opcode, lambda unpickler: unpickler.stack[-2])
for _opcode in (pickle.APPENDS, pickle.ADDITEMS, pickle.SETITEMS):
    _check_first(_opcode, lambda unpickler: unpickler.metastack[-1][-1])
_build = _StepByStep.dispatch[pickle.BUILD[0]]


def _check_state_first(unpickler: Any) -> None:
    unpickler.check_state(unpickler.stack[-2], unpickler.stack[-1])
    _build(unpickler)


_StepByStep.dispatch[pickle.BUILD[0]] = _check_state_first
_check_first(pickle.SETITEM, lambda unpickler: unpickler.stack[-3])
