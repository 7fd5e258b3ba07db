"""Arrays of 1 and 16 MiB to disk, synced, and back: numpy's own, and a persisted result."""

from arrays import measured
from duel import show

show(**measured(1), **measured(16))
