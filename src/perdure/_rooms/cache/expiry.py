"""When a cached result is too old to be used: what `cache_expiration` of a task comes to.

It is settled once, as the result is kept (`_engine.lifecycle.runs`): its cache entry says until when it is used.
Whoever looks compares that with the time: by `has_expired`, or a statement of SQL by `has_not_expired`.
"""

from datetime import timedelta

from perdure._platform.clock import LAST_TIME, Micros


def expires_at(cache_expiration: timedelta | None, now: Micros) -> Micros | None:
    """Until when a result is used that is kept now; None for ever."""
    return None if cache_expiration is None else min(now + cache_expiration // timedelta(microseconds=1), LAST_TIME)


def has_expired(expires: Micros | None, now: Micros) -> bool:
    """Whether a result is too old that is used until `expires`."""
    return expires is not None and expires <= now


def has_not_expired(expires: str, now: str) -> str:
    """The condition of SQL that a result is not too old. `expires` is a column, `now` what stands for the time."""
    return f"({expires} IS NULL OR {expires} > {now})"
