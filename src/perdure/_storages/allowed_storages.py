"""Which storages that records name may be opened: whoever may write records chooses the fields of their blocks.

Allowed are the local storage, the places that a setting lists, and the blocks that the user of this home has saved.
"""

from collections.abc import Sequence

from perdure._blocks.approved import is_approved
from perdure._platform.storage_urls import directory_place, is_within, parse_places
from perdure._settings import settings
from perdure._storages.storage import Storage


class Allowed:
    """The storages that the settings allow, and `more` places."""

    def __init__(self, more: Sequence[str] = ()) -> None:
        chosen = settings.current()
        listed = chosen.results_allowed_storages
        self._home = chosen.home
        self.places = (
            directory_place(chosen.local_storage_path),
            *(parse_places(listed) if listed else ()),
            *(place for text in more for place in parse_places(text)),
        )

    def admits(self, storage: Storage) -> bool:
        """Whether a storage may be opened because of where it lies, or because the user of this home saved it."""
        place = storage.place()
        return (place is not None and is_within(place, self.places)) or is_approved(storage, self._home)

    def names(self, storage: Storage) -> bool:
        """Whether the very place is allowed, and not only one above it: all in it is Perdure's."""
        return storage.place() in self.places or is_approved(storage, self._home)

    def refusal(self, storage: Storage) -> str | None:
        """Why a storage may not be opened, and how to allow it; None if it may."""
        if self.admits(storage):
            return None
        place = storage.place()
        if place is None:
            return f"{_INDIRECT.format(storage.block_type)} {_SAVE}"
        return (
            f"A record names a storage at {place}, which is not allowed here."
            " If results are stored there, add it to PERDURE_RESULTS_ALLOWED_STORAGES, or start the server with"
            " --storage."
        )


_INDIRECT = (
    "A record names a storage of the type {!r}, whose fields lead to more than one place, or to files of this machine."
)
_SAVE = "If you trust it, save it here with the same fields: as an administrator of the server, or by `.save(name)`."


def indirect_refusal(storage: Storage) -> str | None:
    """Why a storage that a record names is not used: its fields may lead elsewhere, and nobody here has saved it."""
    if not storage.is_indirect() or is_approved(storage, settings.current().home):
        return None
    return f"{_INDIRECT.format(storage.block_type)} {_SAVE}"


def is_local(storage: Storage) -> bool:
    """Whether a storage is the local one of the settings, which needs no approval."""
    return storage.place() == directory_place(settings.current().local_storage_path)
