"""How far memory rises above an array while it is persisted."""

import resource

import numpy as np
from duel import on_disk, persist, show

persist(np.arange(100_000), on_disk())  # all that has to be imported is
array = np.random.default_rng(0).random(32 * 1024 * 1024)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
persist(array, on_disk())
show(array_memory=(64.0, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024))
