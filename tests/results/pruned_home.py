"""A program that prunes: says when it begins, and prunes until it is killed or done."""

import sys

from perdure.results import prune

sys.stdout.write("pruning\n")
sys.stdout.flush()
prune(grace=0)
