__all__ = [
    "allow_failure",
    "quote",
    "unmapped",
]

from perdure import allow_failure as allow_failure

from perdure import quote as quote

from perdure import unmapped as unmapped
