"""What an orchestrator does for saved views."""

from typing import Protocol

from perdure._model.ports import Kept
from perdure._rooms.views.records import SavedView, ViewFilter


class Views(Kept[SavedView, ViewFilter], Protocol):
    """Saved views, by their ids."""


PORT = Views
