"""Memory for large values."""

import mmap
import sys
from contextlib import suppress


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
