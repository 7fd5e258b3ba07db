"""A look at a pickle's steps before they are taken, for what would take memory that its length does not warrant.

A step may put a value in any place of the unpickler's memo, which then is as long as that; and it may announce more
bytes than follow. Runs of other steps are passed over by one regular expression, at the speed of C.
"""

import pickle
import pickletools
import re

_LEAST = 1 << 20  # places of the memo that any pickle may have


def _class_of(codes: list[int]) -> bytes:
    return b"[" + b"".join(re.escape(bytes([code])) for code in codes) + b"]"


def _passing() -> bytes:
    """What matches one step with an argument of a fixed or short length."""
    fixed: dict[int, list[int]] = {}
    sized: list[int] = []  # steps that say in one byte how many follow
    parts = []
    for opcode in pickletools.opcodes:
        code, argument = ord(opcode.code), opcode.arg
        size = 0 if argument is None else argument.n
        if opcode.name in ("STOP", "LONG_BINPUT", "PUT"):
            continue
        if size >= 0:
            fixed.setdefault(size, []).append(code)
        elif size == pickletools.TAKEN_FROM_ARGUMENT1:
            sized.append(code)
        elif size == pickletools.UP_TO_NEWLINE:
            lines = 2 if opcode.name in ("GLOBAL", "INST") else 1
            parts.append(re.escape(bytes([code])) + b"[^\\n]*\\n" * lines)
    parts += [_class_of(codes) + b".{%d}" % size for size, codes in fixed.items()]
    lengths = b"|".join(re.escape(bytes([length])) + b".{%d}" % length for length in range(256))
    parts.append(_class_of(sized) + b"(?:" + lengths + b")")
    return b"|".join(parts)


_RUN = re.compile(b"(?:" + _passing() + b")*+", re.DOTALL)
_SIZED = {  # steps with the bytes of the number that says how many follow
    ord(opcode.code): 8 if opcode.arg.n == pickletools.TAKEN_FROM_ARGUMENT8U else 4
    for opcode in pickletools.opcodes
    if opcode.arg is not None
    and opcode.arg.n
    in (
        pickletools.TAKEN_FROM_ARGUMENT4,
        pickletools.TAKEN_FROM_ARGUMENT4U,
        pickletools.TAKEN_FROM_ARGUMENT8U,
    )
}
_STOP, _LONG_PUT, _PUT = pickle.STOP[0], pickle.LONG_BINPUT[0], pickle.PUT[0]


def check_sizes(data: bytes) -> None:
    """Let a pickle pass that takes about as much memory as it is long, before it calls anything.

    Raises:
        pickle.UnpicklingError: it does not, or is no whole pickle.
    """
    at, most = 0, max(len(data), _LEAST)
    while True:
        run = _RUN.match(data, at)
        at = at if run is None else run.end()
        if at >= len(data):
            raise pickle.UnpicklingError("it ends too early")
        code = data[at]
        if code == _STOP:
            return
        if code in _SIZED:
            begin = at + 1 + _SIZED[code]
            at = begin + int.from_bytes(data[at + 1 : begin], "little")
        elif code == _LONG_PUT:
            _check_place(int.from_bytes(data[at + 1 : at + 5], "little"), most)
            at += 5
        elif code == _PUT:
            end = data.find(b"\n", at)
            _check_place(int(data[at + 1 : end]) if data[at + 1 : end].isdigit() and end - at < 20 else most + 1, most)
            at = end + 1
        else:
            raise pickle.UnpicklingError(f"a step {bytes([code])!r} at {at} is unknown, or its bytes are missing")


def _check_place(place: int, most: int) -> None:
    if place > most:
        raise pickle.UnpicklingError(f"it remembers a value in the place {place}, and cannot have so many")
