"""Artifacts: what runs make to be looked at."""
