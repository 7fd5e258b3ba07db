"""Another serializer's output, encrypted: those without the key learn its length and nothing else.

The cipher and the form of the bytes are in `encryption_streams`.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from perdure._model.errors import SerializationError
from perdure._platform.keyring import Key, KeyRing
from perdure._serializers.base import Serializer
from perdure._serializers.encryption_streams import DecryptingFile, EncryptingOutlet, decrypt, encrypt, key_id_of
from perdure._serializers.payload import Payload, Source
from perdure._serializers.wrapping import Inlet, WrappingSerializer, or_corrupt
from perdure._settings import settings

_FAULT = "The data cannot be decrypted"
_chosen: set[Key] = set()  # those that instances in this process were given; a document only names the id


class EncryptedSerializer(WrappingSerializer):
    """Base64 of another serializer's output, encrypted by AES-256-GCM; of a large value, the encrypted bytes alone.

    `serializer` is a type name or an instance. The keys are those of the setting `results_encryption_keys`, unless
    `keys` gives a ring of this serializer's own, in the same form: "new:<base64>,old:<base64>". The first key
    encrypts, all decrypt. What is written names its key by the id, and holds no key.
    """

    model_config = ConfigDict(hide_input_in_errors=True, arbitrary_types_allowed=True)

    type: Literal["encrypted"] = "encrypted"
    keys: KeyRing | None = Field(default=None, exclude=True, repr=False)

    if TYPE_CHECKING:  # for type checkers: what the validators make possible

        def __init__(self, *, serializer: str | Serializer = "pickle", keys: str | KeyRing | None = None) -> None: ...

    @field_validator("keys", mode="before")
    @classmethod
    def _parse_keys(cls, value: object, info: ValidationInfo) -> object:
        if (info.context or {}).get("from_document"):
            raise ValueError("a document cannot choose the keys that it is read with")
        ring = KeyRing.parse(value) if isinstance(value, str) else value
        if isinstance(ring, KeyRing):
            _chosen.update(ring)
        return ring

    @property
    def hides(self) -> bool:
        return True

    def check(self) -> None:
        self._first_key()
        super().check()

    def key_of(self, content: BinaryIO) -> str:
        """The id of the key that the content, encrypted bytes, is encrypted with.

        Raises:
            ResultCorrupt: it is no encrypted bytes.
        """
        with or_corrupt(_FAULT):
            return key_id_of(content)

    def has_key(self, id: str) -> bool:
        """Whether this process has a key with the id."""
        return any(True for _ in self._keys_of(id))

    @property
    def first_id(self) -> str:
        """The id of the key that encrypts.

        Raises:
            SerializationError: there is none.
        """
        return self._first_key().id

    def describe(self) -> dict[str, Any]:
        return {"type": "encrypted", "serializer": self.serializer.describe()}

    def _change(self, data: bytes) -> bytes:
        return encrypt(data, self._first_key())

    def _change_back(self, data: bytes) -> bytes:
        with or_corrupt(_FAULT):
            return decrypt(data, self._keys_of)

    def _outlet(self, payload: Payload) -> EncryptingOutlet:
        return EncryptingOutlet(payload, self._first_key)

    def _inlet(self, source: Source) -> Inlet:
        return Inlet(lambda: DecryptingFile(source.open(), self._keys_of), _FAULT)

    def _first_key(self) -> Key:
        ring = self.keys or _ring_of_settings()
        if ring is None:
            raise SerializationError(
                "The serializer 'encrypted' has no key to encrypt with. Set PERDURE_RESULTS_ENCRYPTION_KEYS to what"
                " perdure.serializers.new_key() gives, and keep it: without it, no result can be read again."
            )
        return ring.first

    def _keys_of(self, id: str) -> Iterator[Key]:
        """The keys with an id: of this serializer's own ring, of the settings', and of other rings in this process."""
        rings = [ring for ring in (self.keys, _ring_of_settings()) if ring is not None]
        found = [key for ring in rings if (key := ring.get(id)) is not None]
        yield from dict.fromkeys([*found, *(key for key in list(_chosen) if key.id == id)])


def _ring_of_settings() -> KeyRing | None:
    keys = settings.current().results_encryption_keys
    return None if keys is None else KeyRing.parse(keys.reveal())
