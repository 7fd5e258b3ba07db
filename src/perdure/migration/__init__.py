"""Rewriting programs that were written for other systems, so that they run on Perdure: `perdure migrate`."""

from perdure.migration.rewriting import Finding, Rewritten, rewrite
from perdure.migration.sources import SOURCES

__all__ = ["SOURCES", "Finding", "Rewritten", "rewrite"]
