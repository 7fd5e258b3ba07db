"""Whether another process can import a module that this one has."""

import sys
from pathlib import Path
from types import ModuleType

from perdure._platform.standard_library import folders

_PACKAGES = ("site-packages", "dist-packages")
_known: dict[str, bool] = {}


def is_importable(name: str) -> bool:
    """Whether another process finds a module under its name, where that process has our `sys.path`.

    One that is being imported right now is not: what it does then, each process would do again.
    """
    module = sys.modules.get(name)
    if module is None or is_being_imported(module):
        return False
    known = _known.get(name)
    if known is None:
        known = _known[name] = _is_found(name, module)
    return known


def is_being_imported(module: ModuleType | None) -> bool:
    """Whether the import of a module has begun, in whatever thread, and not ended: who looks it up waits for that."""
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


def _is_found(name: str, module: ModuleType) -> bool:
    file = getattr(module, "__file__", None)
    if file is None:
        return getattr(module, "__spec__", None) is not None  # built in; else made by hand
    if _is_installed(str(file)):
        return True
    above, _, _ = name.rpartition(".")
    if above and above in sys.modules and not is_importable(above):
        return False
    path = None if not above else getattr(sys.modules.get(above), "__path__", None)
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        try:
            spec = None if find is None else find(name, path)
        except Exception:  # an import hook of the user's
            continue
        if spec is not None:
            return spec.origin is None or _is_same(spec.origin, str(file))
    return False


def _is_installed(file: str) -> bool:
    return any(each in file for each in _PACKAGES) or file.startswith(folders()[0])


def _is_same(one: str, other: str) -> bool:
    try:
        return Path(one).samefile(other)
    except OSError:  # a member of an archive
        return one == other
