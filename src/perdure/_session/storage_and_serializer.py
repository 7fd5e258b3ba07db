"""Which storage and serializer a run's result goes to: its own options, else those above it, else the settings."""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from perdure._run.context import RunContext
from perdure._settings import settings
from perdure._settings.fields import Settings

if TYPE_CHECKING:  # these import pydantic, which a run that persists nothing does not need
    from perdure._serializers.base import Serializer
    from perdure._storages.storage import Storage


class ResultPlaces:
    """Storages and serializers of runs' results, each loaded once."""

    def __init__(self, chosen: Settings) -> None:
        self._settings = chosen
        # Serializers that were found usable: by name, or by object identity with the object, so that ids stay its own.
        self._usable: dict[str | int, object] = {"pickle": "pickle"}

    def storage_for(self, run: RunContext) -> "Storage":
        """Where a run's result goes: its own option, else its flow's, else the local storage path."""
        if run.storage is None:
            chooser = _chooser(run)
            if chooser is None:
                run.storage = self._default_storage(run)
            else:
                if chooser.storage is None:
                    chooser.storage = _loaded_storage(chooser.options.result_storage)
                run.storage = chooser.storage
        return run.storage  # type: ignore[no-any-return]

    def _default_storage(self, run: RunContext) -> "Storage":
        block = self._settings.default_result_storage_block
        if block is None:
            return _local_storage(self._settings)
        outermost = run.flow.root if run.flow else run
        outermost.storage = _loaded_storage(block)  # once for all below
        return outermost.storage  # type: ignore[no-any-return]

    def serializer_for(self, run: RunContext) -> "Serializer":
        """How a run's result is written: its own option, else its flow's, else the default serializer."""
        if run.serializer is None:
            chosen = _inherited(run, "serializer", "result_serializer")
            run.serializer = _resolve()(chosen, settings.current().results_default_serializer)
        return run.serializer  # type: ignore[no-any-return]

    def can_persist(self, run: RunContext) -> bool:
        """Whether it is known already that a run's storage, serializer and keys can be had."""
        chooser = _chooser(run)
        if self._settings.default_result_storage_block if chooser is None else chooser.storage is None:
            return False
        chosen = _inherited(run, "serializer", "result_serializer") or self._settings.results_default_serializer
        return (chosen if isinstance(chosen, str) else id(chosen)) in self._usable

    def check_persisting(self, run: RunContext) -> None:
        """Look up a run's storage, serializer and keys; raises what is wrong with them."""
        self.storage_for(run)
        chosen = _inherited(run, "serializer", "result_serializer") or self._settings.results_default_serializer
        self.serializer_for(run).check()
        if len(self._usable) > 1_000:  # serializers made in a loop must not pile up
            self._usable.clear()
        self._usable[chosen if isinstance(chosen, str) else id(chosen)] = chosen


def storage_of(chosen: object, settings: Settings) -> "Storage":
    """The storage that is chosen, or the one that it is the slug of; without one, where results go by the settings."""
    chosen = settings.default_result_storage_block if chosen is None else chosen
    return _local_storage(settings) if chosen is None else _loaded_storage(chosen)


def _chooser(run: RunContext) -> RunContext | None:
    """The run, or the nearest one above it, that was given a storage: it is loaded once for all below."""
    above: RunContext | None = run
    while above is not None and above.storage is None and above.options.result_storage is None:
        above = above.parent
    return above


def _inherited(run: RunContext, found: str, option: str) -> object:
    """What the run or the nearest flow run above it chose."""
    above: RunContext | None = run
    while above is not None:
        chosen = getattr(above, found)
        if chosen is None:
            chosen = getattr(above.options, option)
        if chosen is not None:
            return chosen
        above = above.parent
    return None


def _loaded_storage(chosen: object) -> "Storage":
    from perdure._blocks.block import Block
    from perdure._storages.storage import Storage

    block = Block.load(chosen) if isinstance(chosen, str) else chosen
    if not isinstance(block, Storage):
        raise TypeError(
            f"result_storage={chosen!r} is not a storage. Give it a storage such as LocalFileSystem(basepath=...),"
            " or the slug of a saved one such as 'local-file-system/dev'."
        )
    return block


_default_storages: "dict[str, Storage]" = {}


def _local_storage(chosen: Settings) -> "Storage":
    path = str(chosen.local_storage_path)
    if path not in _default_storages:
        from perdure._storages.local import LocalFileSystem

        _default_storages[path] = LocalFileSystem(basepath=path)
    return _default_storages[path]


def is_default(storage: "Storage", chosen: Settings) -> bool:
    """Whether a storage is the local one, to which results go where nobody names another."""
    return storage is _default_storages.get(str(chosen.local_storage_path))


@cache
def _resolve() -> "Callable[[Any, str], Serializer]":
    """The function of that name: an import statement in each call would take longer than the rest of it."""
    from perdure._serializers.base import resolve

    return resolve
