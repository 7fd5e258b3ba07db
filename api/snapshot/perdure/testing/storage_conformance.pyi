__all__ = [
    "StorageConformance",
]

class StorageConformance:
    def storage(self) -> Storage: ...
