"""What counts of generators of random numbers: of the process's own ones nothing but that it is they."""

import sys

from perdure._engine.identity.contents.content import Content, Describe

# Where a class of generators is, its name, and the name of the process's own generator.
_OWN = (("random", "Random", "_inst"), ("numpy.random.mtrand", "RandomState", "_rand"))


def describer_of(kind: type) -> Describe | None:
    """What says of generators of a class that has one for the whole process what counts of them."""
    return _generator if any((kind.__module__, kind.__name__) == (module, name) for module, name, _ in _OWN) else None


def _generator(value: object) -> Content | None:
    """The process's own generator by its name; None for any other: its state counts.

    Distributions, models and functions such as `random.choice` hold it. Its state, which is another one in each process
    and after each call, is no part of what they are.
    """
    for module, _, name in _OWN:
        if module in sys.modules and value is getattr(sys.modules[module], name, None):
            return Content("generator of the process", {"module": module})
    return None
