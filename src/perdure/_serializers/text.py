"""Bytes as text that fits into a JSON document."""

import binascii

from perdure._model.errors import ResultCorrupt


def to_base64(data: bytes) -> bytes:
    """Base64, in one line."""
    return binascii.b2a_base64(data, newline=False)


def from_base64(data: bytes) -> bytes:
    """The bytes of base64, in one line or in many.

    Raises:
        ResultCorrupt: the data is not base64.
    """
    if b"\n" in data:
        data = data.replace(b"\n", b"").replace(b"\r", b"")
    try:
        return binascii.a2b_base64(data, strict_mode=True)
    except binascii.Error as error:
        raise ResultCorrupt(f"The data is not base64: {error}.") from error
