__all__ = [
    "file_hash",
    "hash_objects",
    "stable_hash",
]

def file_hash(path: str | Path, hash_algo: HashAlgorithm = hashlib.md5) -> str: ...

def hash_objects(*args: object, hash_algo: HashAlgorithm = hashlib.md5, **kwargs: object) -> str: ...

def stable_hash(*args: str | bytes, hash_algo: HashAlgorithm = hashlib.md5) -> str: ...
