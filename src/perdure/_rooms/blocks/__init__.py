"""Saved blocks."""
