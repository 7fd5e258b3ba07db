"""Digests for your own cache keys: of texts (`stable_hash`), a file (`file_hash`), Python objects (`hash_objects`)."""

from perdure._engine.identity.named_digests import file_hash, hash_objects, stable_hash
from perdure._platform.moved import export

__all__ = ["file_hash", "hash_objects", "stable_hash"]

export(globals())
