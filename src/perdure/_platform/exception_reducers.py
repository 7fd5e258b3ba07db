"""How exceptions are pickled where Dask was imported: its tblib changes that for all classes of the process.

Their pickles then hold tracebacks, and need tblib to be read. What Perdure writes, and the digests that it makes, are
the same whether anybody has imported Dask.
"""

import sys

_MODULE = "tblib.pickling_support"


def are_changed() -> bool:
    """Whether exceptions may be pickled by tblib in this process."""
    return _MODULE in sys.modules


def is_of_tblib(reducer: object) -> bool:
    """Whether a reducer of `copyreg` is one of tblib's."""
    return getattr(getattr(reducer, "func", reducer), "__module__", None) == _MODULE
