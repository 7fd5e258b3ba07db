"""Concurrency and rate limits, by the paths of Prefect: `concurrency.sync` and `concurrency.asyncio` are one here."""

from perdure.limits import concurrency, rate_limit

__all__ = ["concurrency", "rate_limit"]
