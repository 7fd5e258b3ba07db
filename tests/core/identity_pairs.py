"""`python -m tests.core.identity_pairs [100000] [--seed 0] [--only REGEX]`: pairs of values that may not share a key.

Of each pair, the one value is made anew, by itself and in another process with another hash seed, and has to have the
same digest; the other differs in one part, and has to have another one. Nor may values of two types share one.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import time
import warnings
from typing import Any

from perdure._engine.identity.hashing import digest_of_values
from tests.core.identity_kinds import KINDS, kinds

Drawn = list[tuple[str, dict[str, int]]]


def draw(count: int, seed: int, only: str) -> list[tuple[str, dict[str, int], dict[str, int]]]:
    """Pairs of values that differ in one part: their kind, and the numbers of the parts of both."""
    chance = random.Random(seed)
    found = [each for each in kinds() if re.search(only, each.name)]
    pairs = []
    for place in range(count):
        chosen = found[place % len(found)]
        one = chosen.draw(chance)
        pairs.append((chosen.name, one, chosen.changed(one, chance)))
    return pairs


def digests(drawn: Drawn) -> list[str]:
    """The digests of the values that are drawn; what is wrong, where one cannot be made."""
    list(kinds())
    found = []
    for name, numbers in drawn:
        try:
            found.append(digest_of_values(KINDS[name].make(numbers)))
        except Exception as error:
            found.append(f"{type(error).__name__}: {error}")
    return found


def elsewhere(drawn: Drawn) -> list[str]:
    """The same in another process, with another hash seed."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.core.identity_pairs", "--digest"]
    environment = {**os.environ, "PYTHONHASHSEED": str(random.randrange(1, 10_000))}
    ended = subprocess.run(
        command, input=json.dumps(drawn), env=environment, capture_output=True, text=True, check=True
    )
    found: list[str] = json.loads(ended.stdout)
    return found


def wrong_pairs(count: int, seed: int = 0, only: str = "") -> list[str]:
    """What is wrong with pairs of values: nothing should be."""
    pairs = draw(count, seed, only)
    ones: Drawn = [(name, one) for name, one, _ in pairs]
    first, others = digests(ones), digests([(name, other) for name, _, other in pairs])
    again, wrong, owners = digests(ones), [], dict[str, tuple[str, dict[str, int]]]()
    rows = zip(pairs, first, others, again, elsewhere(ones), strict=True)
    for (name, one, other), digest, different, anew, away in rows:
        if ": " in digest or ": " in different:
            wrong.append(f"{name} {one} {other} has no digest: {digest} {different}")
        if digest != away:
            wrong.append(f"{name} {one} has another digest in another process")
        if digest != anew:
            wrong.append(f"{name} {one} has another digest when it is made anew")
        if digest == different:
            wrong.append(f"{name} {one} and {other} share a digest")
        owner, numbers = owners.setdefault(digest, (name, one))
        if owner != name and type(KINDS[owner].make(numbers)) is not type(KINDS[name].make(one)):
            wrong.append(f"{name} {one} has the digest of a value of another type: {owner} {numbers}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.core.identity_pairs")
    parser.add_argument("count", nargs="?", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="a regular expression for the names of kinds")
    parser.add_argument("--digest", action="store_true", help="print the digests of what is drawn on standard input")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.digest:
        print(json.dumps(digests(json.load(sys.stdin))))
        return 0
    start = time.monotonic()
    wrong = wrong_pairs(options.count, options.seed, options.only)
    seen: dict[str, Any] = {}
    for each in wrong:
        seen.setdefault(each.partition(" {")[0] + each.rpartition("}")[2][:60], each)
    print("\n".join(seen.values()))
    print(f"{options.count:,} pairs of {len(KINDS)} kinds in {time.monotonic() - start:.0f} s: {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
