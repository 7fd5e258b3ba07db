__all__ = [
    "OwnershipConformance",
]

class OwnershipConformance:
    ...
