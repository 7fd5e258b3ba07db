"""The lifecycle of runs, as pure steps: generators of effects, and the two drivers that perform them."""
