"""Another serializer's output, compressed."""

import functools
from typing import TYPE_CHECKING, Any, Literal

from pydantic import SerializeAsAny, ValidationInfo, field_validator, model_validator

from perdure.core.errors import PerdureError, ResultCorrupt
from perdure.serializers.base import Serializer
from perdure.serializers.modules import check_choice, import_module
from perdure.serializers.text import from_base64, to_base64


class CompressedSerializer(Serializer):
    """Base64 of the compressed bytes of another serializer's output.

    `serializer` is a type name or an instance. `compressionlib` names a module with `compress` and
    `decompress`: lzma by default; bz2, zlib, gzip, zstandard and others alike. `level` is that module's
    own measure of effort; its default if None.
    """

    type: Literal["compressed"] = "compressed"
    serializer: SerializeAsAny[Serializer] = "pickle"  # type: ignore[assignment]
    compressionlib: str = "lzma"
    level: int | None = None

    if TYPE_CHECKING:  # type checkers are told what the validator makes possible

        def __init__(
            self, *, serializer: str | Serializer = "pickle", compressionlib: str = "lzma", level: int | None = None
        ) -> None: ...

    @field_validator("serializer", mode="before")
    @classmethod
    def _find_serializer(cls, value: Any) -> Any:
        try:
            if isinstance(value, str):
                return Serializer.from_name(value)
            return Serializer.from_description(value) if isinstance(value, dict) else value
        except PerdureError as error:
            raise ValueError(str(error)) from error

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
                self._compress(b"")
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

    def dumps(self, obj: Any) -> bytes:
        return to_base64(self._compress(self.serializer.dumps(obj)))

    def loads(self, data: bytes) -> Any:
        compressed = from_base64(data)
        try:
            serialized = _library(self.compressionlib).decompress(compressed)
        except Exception as error:  # each library has its own
            raise ResultCorrupt(f"The data cannot be decompressed by {self.compressionlib}: {error}.") from error
        return self.serializer.loads(serialized)

    def _compress(self, data: bytes) -> bytes:
        options: dict[str, Any] = {}
        if self.compressionlib == "gzip":
            options["mtime"] = 0  # equal values give equal bytes
        if self.level is not None and self.compressionlib == "lzma":
            options["preset"] = self.level
        level = () if self.level is None or self.compressionlib == "lzma" else (self.level,)
        compressed: bytes = _library(self.compressionlib).compress(data, *level, **options)
        return compressed


@functools.cache
def _library(name: str) -> Any:
    return import_module(name, ("compress", "decompress"), "compressionlib")
