"""`python -m tests.fuzz [KIND…]`: FUZZ_CASES cases in all, from FUZZ_SEED on; 1 if one was executed, wrong or heavy."""

import os
import sys
import time
from collections import Counter

from perdure.testing.home import fresh_home
from tests.fuzz.kinds import KINDS, close
from tests.fuzz.playing import played

CASES = 100_000


def main(kinds: list[str]) -> int:
    """Play the cases of the kinds."""
    count, first = int(os.environ.get("FUZZ_CASES", CASES)), int(os.environ.get("FUZZ_SEED", "0"))
    wrong = 0
    with fresh_home():
        for kind in kinds or KINDS:
            began = time.monotonic()
            share = max(1, round(count * KINDS[kind][1]))
            outcomes: Counter[str] = Counter()
            longest = largest = 0.0
            for seed, seen in played(kind, first, share):
                outcomes["wrong" if seen.is_wrong else seen.outcome] += 1
                longest, largest = max(longest, seen.seconds), max(largest, seen.memory)
                if seen.is_wrong:
                    print(f"  {kind} {seed}: {seen.outcome}", flush=True)
            wrong += outcomes["wrong"]
            took = time.monotonic() - began
            said = ", ".join(f"{number:,} {name}" for name, number in sorted(outcomes.items()))
            print(f"{kind}: {said}; at most {longest:.2f} s, {largest / 1024**2:.0f} MiB; {took:.0f} s", flush=True)
        close()
    print(f"{wrong} cases that were executed, wrong or heavy")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
