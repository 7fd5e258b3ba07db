__all__ = [
    "quote",
]

from perdure import quote as quote
