"""The tables of the cache: what keys stand for, and who computes a value now."""

from perdure._model.records import CacheRecord, Claim
from perdure._model.tables import Index, Table

CACHE_ENTRY = Table(
    "cache_entry",
    CacheRecord,
    Index("cache_entry_by_created", ("created", "key")),
    Index("cache_entry_by_run", ("run_id",)),
)
CACHE_CLAIM = Table("cache_claim", Claim)
TABLES = (CACHE_ENTRY, CACHE_CLAIM)
