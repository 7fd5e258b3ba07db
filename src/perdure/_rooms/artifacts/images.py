"""Images: the bytes of a file, or an address where one is."""

import base64
import io
from pathlib import Path
from typing import Any

from perdure._model.errors import ArtifactError
from perdure._rooms.artifacts.creation import ArtifactId, checked_page, keep

_MOST = 64 * 2**10  # bytes of an image's file
_FORMS = {  # how files begin; SVG is left out, since it may hold scripts
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"RIFF": "image/webp",
}


def create_image_artifact(image: object, key: str | None = None, description: str | None = None) -> ArtifactId:
    """Keep an image of at most 64 KiB with the current run; its id.

    `image` is the bytes or the path of a PNG, JPEG, GIF or WebP file, an image of Pillow's or a figure of Matplotlib's,
    which become PNG files, or an http or https address, of which only the address is kept.

    Raises:
        ArtifactError: it is no such image, its file is larger or cannot be read, or the key is malformed.
    """
    if isinstance(image, str) and "://" in image:
        return keep("image", {"url": checked_page(image)}, key, description)
    data = _bytes_of(image)
    if len(data) > _MOST:
        raise ArtifactError(
            f"The image takes {len(data):,} bytes, and at most {_MOST:,} are kept with a run. Make it smaller, by"
            " image.thumbnail((800, 800)) or a lower dpi of the figure; or pass its address."
        )
    return keep("image", {"type": _form_of(data), "base64": base64.b64encode(data).decode()}, key, description)


def _bytes_of(image: Any) -> bytes:
    if isinstance(image, bytes | bytearray | memoryview):
        return bytes(image)
    if isinstance(image, str | Path):
        try:
            with Path(image).open("rb") as file:
                return file.read(_MOST + 1)
        except OSError as error:
            raise ArtifactError(
                f"The image {str(image)!r} cannot be read: {error.strerror}. Give another path."
            ) from None
    written = io.BytesIO()
    if hasattr(image, "savefig"):  # Matplotlib
        image.savefig(written, format="png")
    elif hasattr(image, "getbands"):  # Pillow
        image.save(written, format="PNG")
    else:
        raise ArtifactError(
            f"A {type(image).__name__} is no image. Give bytes, a path, an address, an image of Pillow's or a figure of"
            " Matplotlib's."
        )
    return written.getvalue()


def _form_of(data: bytes) -> str:
    form = next((form for beginning, form in _FORMS.items() if data.startswith(beginning)), None)
    if form is None or (form == "image/webp" and data[8:12] != b"WEBP"):
        raise ArtifactError("The image's file is of no kind that is kept. Give a PNG, JPEG, GIF or WebP file.")
    return form
