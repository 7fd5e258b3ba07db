"""`Block`, the base of every typed configuration."""

import hashlib
import json
import re
from collections.abc import Generator
from typing import ClassVar, Self
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError
from pydantic_core import PydanticSerializationError

from perdure._blocks import secrets
from perdure._blocks.content import has_secrets, plain_json, stored_json, without_ciphers
from perdure._blocks.saving import BlockStore, block_store
from perdure._model.awaited import AwaitableText
from perdure._model.errors import BlockError, BlockMissing, reasons
from perdure._model.records import BlockRecord
from perdure._platform.clock import system_clock
from perdure._platform.ids import new_id
from perdure._platform.named import NamedTuple
from perdure._platform.suggest import nearest
from perdure._platform.threads import in_thread

_ANONYMOUS = UUID("8a0f3c36-5d0b-4f0e-9a8e-3a4be0c6a7d1")
_NAME = re.compile(r"[a-z0-9-]+")
_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
ENTRY_POINTS = "perdure.blocks"

_classes: dict[str, "type[Block]"] = {}
_NO_WORDS = re.compile(r"[^a-z0-9]+")


def _said_type(kind: "type[Block]") -> str:
    """The slug that a class says by Prefect's names itself, which pydantic takes for private attributes; "" if none."""
    private, above = (
        kind.__private_attributes__,
        [base.__dict__.get("__private_attributes__", {}) for base in kind.__mro__[1:]],
    )
    for name in ("_block_type_slug", "_block_type_name"):
        said = private.get(name)
        if said is not None and isinstance(said.default, str) and all(each.get(name) is not said for each in above):
            return _NO_WORDS.sub("-", said.default.lower()).strip("-")
    return ""


class _Saved(NamedTuple):
    record: BlockRecord
    content: str


class Block(BaseModel):
    """A typed configuration that can be saved under a name, and had back anywhere that the same store is used.

    Subclass it, and give it fields as in any pydantic model; fields of type `SecretStr` or `SecretBytes` are
    encrypted where they are saved. Blocks do not change: use `model_copy(update=...)`. The type's slug comes
    from the class's name (`LocalFileSystem`: "local-file-system") unless the class sets `block_type` or, as in Prefect,
    `_block_type_slug` or `_block_type_name`.
    """

    # Errors must not show what may be a secret.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    block_type: ClassVar[str] = "block"
    _saved: _Saved | None = PrivateAttr(None)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "block_type" not in cls.__dict__:
            cls.block_type = _said_type(cls) or _WORD_STARTS.sub("-", cls.__name__).strip("_").lower()
        is_base = cls.__name__.startswith("_") and cls.__module__.startswith("perdure.")
        if not is_base and not getattr(cls, "__abstractmethods__", None):
            _register(cls)

    @classmethod
    def get_block_type_slug(cls) -> str:
        """The slug of the type: `block_type`."""
        return cls.block_type

    def settled(self) -> Self:
        """This block with everything that settings decide written out; what is recorded is this."""
        return self

    def save(self, name: str, overwrite: bool = False, *, _sync: bool | None = None) -> AwaitableText:
        """Save the block under a name, and return its slug, which may also be awaited.

        With `overwrite`, the name moves here from another block, which is still found by what refers to its id.
        `_sync`, which users of Prefect 3 give, changes nothing.

        Raises:
            BlockError: the name is malformed, or taken.
        """
        slug = f"{self.block_type}/{_checked_name(name)}"
        store = block_store()
        held = _find(store, self.block_type, name)
        if held is not None and not overwrite:
            raise BlockError(f"A block is saved as {slug!r} already. Pass overwrite=True, or choose another name.")
        record = self.record(name)
        store.commit([record] if held is None else [held._replace(name=None, updated=record.created), record])
        self._saved = _Saved(record, self._content())
        return AwaitableText(slug)

    def __await__(self) -> Generator[object, None, Self]:
        """The block itself, at once: what `load` gives may be awaited or not."""
        return self
        yield

    @classmethod
    def load(
        cls,
        slug: str = "",
        validate: bool = True,  # noqa: ARG003
        *,
        name: str = "",
        _sync: bool | None = None,
    ) -> Self:
        """The block saved under a slug; on a concrete class its name alone will do. It may also be awaited.

        `name` is another name of `slug`. `validate` and `_sync`, which users of Prefect give, change nothing: what is
        loaded is always checked.

        Raises:
            BlockMissing: none is; names the nearest that is.
            BlockError: it is of another type, or cannot be read.
        """
        slug = slug or name
        kind, slash, name = slug.rpartition("/")
        if not slash:
            if cls.__abstractmethods__ or cls is Block:
                raise BlockError(f"{slug!r} does not name the type of block to load. Use a slug such as 'type/{slug}'.")
            kind = cls.block_type
        record = _find(block_store(), kind, name) or _missing(f"{kind}/{name}")
        block = from_record(record)
        if not isinstance(block, cls):
            raise BlockError(f"The block {slug!r} is a {type(block).__name__}, not a {cls.__name__}.")
        return block

    async def asave(self, name: str, overwrite: bool = False) -> str:
        """`save`, in another thread."""
        return await in_thread(self.save, name, overwrite)

    @classmethod
    async def aload(cls, slug: str = "", validate: bool = True, *, name: str = "") -> Self:
        """`load`, in another thread."""
        return await in_thread(cls.load, slug, validate, name=name)

    def record(self, name: str | None = None) -> BlockRecord:
        """What the store keeps of this block.

        With a name it is a new record. Without one it is that under which the block was saved or loaded, if any;
        else one whose id follows from the type and the content alone, so that equal blocks are one record.
        """
        content = self._content()
        if name is None and self._saved is not None and self._saved.content == content:
            return self._saved.record
        now = system_clock()
        id = new_id() if name is not None else str(uuid5(_ANONYMOUS, f"{self.block_type}:{content}"))
        return BlockRecord(
            id, self.block_type, name, stored_json(self.settled(), _owner(self.block_type, id)), now, now
        )

    def content_id(self) -> str:
        """What only blocks of this type and content have in common; with secrets, only where the key is the same."""
        return str(uuid5(_ANONYMOUS, f"{self.block_type}:{self._content()}"))

    def _content(self) -> str:
        """A digest of the fields. With secrets it is keyed, since it shows in ids."""
        settled = self.settled()
        try:
            content = plain_json(settled).encode()
        except PydanticSerializationError as error:
            raise BlockError(
                f"A {type(self).__name__} cannot be saved: {error}. Give its fields JSON's types."
            ) from None
        return secrets.keyed_digest(content) if has_secrets(settled) else hashlib.sha256(content).hexdigest()

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), *self._values()))

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in type(self).model_fields)


def from_record(record: BlockRecord) -> Block:
    """The block that a record was made from.

    Raises:
        BlockError: its type is unknown here, its secrets have another key, or its fields do not fit the type.
    """
    kind = block_class(record.type)
    slug = f"{record.type}/{record.name or record.id}"
    try:
        block = kind.model_validate(
            without_ciphers(json.loads(record.data), _owner(record.type, record.id)), by_alias=True, by_name=True
        )
    except secrets.WrongKeyError:
        raise BlockError(
            f"The secrets of block {slug!r} were encrypted with another key. Set PERDURE_SECRETS_KEY to it or put"
            f" it back in {secrets.key_file()}; if it is lost, save the block again with overwrite=True."
        ) from None
    except secrets.MovedSecretError as error:
        raise BlockError(f"The block {slug!r} cannot be used. {error} Save it again with its secrets.") from None
    except (ValidationError, ValueError) as error:
        raise BlockError(f"The block {slug!r} does not fit {kind.__name__}: {reasons(error)}. Save it again.") from None
    block._saved = _Saved(record, block._content())
    return block


def _owner(type: str, id: str) -> str:
    """What a block's secrets are bound to."""
    return f"{type}/{id}"


def delete(slug: str) -> None:
    """Delete the block saved under a slug. Results that lie in its storage can still be read.

    Raises:
        BlockMissing: none is; names the nearest that is.
    """
    kind, _, name = slug.rpartition("/")
    store = block_store()
    store.delete_block((_find(store, kind, name) or _missing(slug)).id)


def block_class(type: str) -> type[Block]:
    """The class of a type's slug, such as "local-file-system"; installed packages' types are found by entry point.

    Raises:
        BlockError: there is none; names the nearest.
    """
    if not _is_type(type):
        raise BlockError(_no_type(type))
    return _classes[type]


def block_types() -> dict[str, type[Block]]:
    """All types of blocks that are known here, installed packages' too, by their slugs."""
    _import_entry_points()
    return dict(sorted(_classes.items()))


def _is_type(type: str) -> bool:
    if type not in _classes:
        _import_entry_points()
    return type in _classes


def _no_type(type: str) -> str:
    hint = nearest(type, _classes) or f" Known are {', '.join(sorted(_classes)) or 'none'}."
    return f"There is no type of block {type!r}.{hint} If it is your own, import its module first."


def _import_entry_points() -> None:
    from importlib.metadata import entry_points  # scans all that is installed, so only for what is unknown

    for each in entry_points(group=ENTRY_POINTS):
        each.load()


def _register(kind: type[Block]) -> None:
    held = _classes.get(kind.block_type)
    # A class defined again (a notebook's cell, a module under another name) takes over, but never from our own.
    if held is not None and held.__module__.startswith("perdure.") and held.__module__ != kind.__module__:
        raise BlockError(
            f"{kind.__module__}.{kind.__qualname__} has the block type {kind.block_type!r}, which is Perdure's own."
            " Rename the class, or set its block_type."
        )
    _classes[kind.block_type] = kind


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise BlockError(f"{name!r} cannot be a block's name. Use lower-case letters, digits and dashes.")
    return name


def _find(store: BlockStore, kind: str, name: str) -> BlockRecord | None:
    return next(iter(store.blocks(type=kind, name=name)), None)


def _missing(slug: str) -> BlockRecord:
    saved = [f"{each.type}/{each.name}" for each in block_store().blocks()]
    hint = nearest(slug, saved)
    kind = slug.rpartition("/")[0]
    if not hint and not _is_type(kind):
        hint = f" {_no_type(kind)}"
    raise BlockMissing(f"No block is saved as {slug!r}.{hint or _list_of(saved)}")


def _list_of(saved: list[str]) -> str:
    return f" Saved are {', '.join(saved)}." if saved else " No block is saved yet: save it first, by `.save(name)`."
