"""Perdure timed beside its peers and beside what the machine itself takes: `python -m bench`."""
