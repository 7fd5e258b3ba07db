"""Another serializer's output, compressed; the bytes themselves are in `compression_streams`."""

import functools
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationInfo, field_validator, model_validator

from perdure._serializers.base import Serializer
from perdure._serializers.compression_streams import ZSTD_NAMES, CompressingOutlet, open_compressed, zstd
from perdure._serializers.modules import check_choice, import_module
from perdure._serializers.payload import Payload, Source
from perdure._serializers.wrapping import Inlet, WrappingSerializer, or_corrupt


class CompressedSerializer(WrappingSerializer):
    """Base64 of the compressed bytes of another serializer's output; of a large value, the compressed bytes themselves.

    `serializer` is a type name or an instance. `compressionlib` names a module with `compress` and
    `decompress`: zlib by default, which is many times as fast as lzma and nearly as good; bz2, gzip, zstd and
    others alike. `level` is that module's own measure of effort; its default if None.
    """

    type: Literal["compressed"] = "compressed"
    compressionlib: str = "zlib"
    level: int | None = None

    if TYPE_CHECKING:  # for type checkers: what the validator makes possible

        def __init__(
            self, *, serializer: str | Serializer = "pickle", compressionlib: str = "zlib", level: int | None = None
        ) -> None: ...

    @model_validator(mode="before")
    @classmethod
    def _as_prefect_means_it(cls, fields: object, info: ValidationInfo) -> object:
        """A document that names no library was written by lzma, the default of Prefect 2."""
        if isinstance(fields, dict) and (info.context or {}).get("from_document"):
            return {"compressionlib": "lzma", **fields}
        return fields

    @field_validator("compressionlib")
    @classmethod
    def _check_compressionlib(cls, name: str, info: ValidationInfo) -> str:
        check_choice(name, info)
        _library(name)
        return name

    @model_validator(mode="after")
    def _check_level(self) -> "CompressedSerializer":
        if self.level is not None:
            try:
                self._change(b"")
            except Exception as error:  # each library has its own
                raise ValueError(f"{self.compressionlib} does not take the level {self.level} ({error})") from error
        return self

    def describe(self) -> dict[str, Any]:
        described = {
            "type": "compressed",
            "serializer": self.serializer.describe(),
            "compressionlib": self.compressionlib,
        }
        # Only a choice is written: Prefect 2 refuses descriptions with fields that it does not know.
        return described if self.level is None else {**described, "level": self.level}

    def _change(self, data: bytes) -> bytes:
        options: dict[str, Any] = {}
        if self.compressionlib == "gzip":
            options["mtime"] = 0  # equal values give equal bytes
        if self.level is not None and self.compressionlib == "lzma":
            options["preset"] = self.level
        level = () if self.level is None or self.compressionlib == "lzma" else (self.level,)
        compressed: bytes = _library(self.compressionlib).compress(data, *level, **options)
        return compressed

    def _change_back(self, data: bytes) -> bytes:
        with or_corrupt(self._fault):
            decompressed: bytes = _library(self.compressionlib).decompress(data)
        return decompressed

    def _outlet(self, payload: Payload) -> CompressingOutlet:
        return CompressingOutlet(payload, self.compressionlib, self.level, self._change)

    def _inlet(self, source: Source) -> Inlet:
        return Inlet(lambda: open_compressed(source, self.compressionlib, self._change_back), self._fault)

    @property
    def _fault(self) -> str:
        return f"The data cannot be decompressed by {self.compressionlib}"


@functools.cache
def _library(name: str) -> Any:
    if name not in ZSTD_NAMES:
        return import_module(name, ("compress", "decompress"), "compressionlib")
    try:
        return zstd()
    except ImportError as error:
        raise ValueError(f"the compressionlib {name!r} cannot be had: {error}") from None


def CompressedPickleSerializer(compressionlib: str = "zlib", level: int | None = None) -> CompressedSerializer:  # noqa: N802
    """What "compressed/pickle" names, by its name in Prefect."""
    return CompressedSerializer(serializer="pickle", compressionlib=compressionlib, level=level)


def CompressedJSONSerializer(compressionlib: str = "zlib", level: int | None = None) -> CompressedSerializer:  # noqa: N802
    """What "compressed/json" names, by its name in Prefect."""
    return CompressedSerializer(serializer="json", compressionlib=compressionlib, level=level)
