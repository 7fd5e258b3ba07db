"""Memory for large values, and for very many small ones."""

import gc
import mmap
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


def room_for(size: int) -> memoryview:
    """Writable memory of `size` bytes, which begins at a page and lasts as long as a view of it.

    In huge pages where the system has them, for to get hold of small ones takes longer than to digest what is in them.

    Raises:
        OSError: there is not so much.
    """
    length = max(size, 1)  # nothing cannot be mapped
    if sys.platform == "win32":
        return memoryview(mmap.mmap(-1, length))[:size]
    # Private: a forked process that changes its value must not change its parent's.
    mapped = mmap.mmap(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANON)
    if sys.platform == "linux":
        with suppress(OSError):  # of a kernel without them
            mapped.madvise(mmap.MADV_HUGEPAGE)
    return memoryview(mapped)[:size]


@contextmanager
def uncollected() -> Iterator[None]:
    """Make very many objects that all stay: looking again and again for garbage among them would double the time.

    In all threads of the process, so only for what ends soon.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
