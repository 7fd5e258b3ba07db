"""Concurrency and rate limits."""
