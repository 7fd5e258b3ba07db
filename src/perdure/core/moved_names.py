"""Where what is now in one module was before: former modules, and the names that a public module has from them."""

from collections.abc import Mapping

# Former modules, and what they are called now.
MODULES: Mapping[str, str] = {}

# Of modules into which a former one was split, the former one.
SPLIT: Mapping[str, str] = {}

# By public module, the names whose classes and functions say that they are of it, and the modules that had them first.
PUBLIC: Mapping[str, Mapping[str, str]] = {}
