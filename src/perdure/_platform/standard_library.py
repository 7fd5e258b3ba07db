"""Where the standard library lies: asked of each module, so without `sysconfig`, which reads a thousand variables."""

import os
import sys
from functools import cache


@cache
def folders() -> tuple[str, ...]:
    """The folders of its modules, and of those that are made for this machine's kind."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    made_for = os.path.join(sys.exec_prefix, sys.platlibdir, version)  # noqa: PTH118 - as `sysconfig` joins them
    return os.path.dirname(os.__file__), made_for  # noqa: PTH120
