__all__ = [
    "allow_failure",
    "opaque",
    "quote",
    "unmapped",
]

from perdure import allow_failure as allow_failure

class opaque(Annotation[T]):
    def __init__(self, value: T) -> None: ...
    def rewrap(self, value: U) -> Annotation[U]: ...
    def unwrap(self) -> T: ...
    value: object

from perdure import quote as quote

from perdure import unmapped as unmapped
