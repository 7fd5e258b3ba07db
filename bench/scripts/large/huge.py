"""An array of 4 GiB to disk, synced, and back: numpy's own, and a persisted result."""

from arrays import measured
from duel import show

show(**measured(4_096, turns=1))
