from typing import Protocol

from perdure._model.ports import Kept
from tests.rooms.bookmarks.records import Bookmark, BookmarkFilter


class Bookmarks(Kept[Bookmark, BookmarkFilter], Protocol):
    """Web pages that somebody wants to find again."""


PORT = Bookmarks
